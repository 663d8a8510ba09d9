"""A learner process for tests: makes every row durable in one file, then acknowledges it, until it is killed.

    python durable_learner.py PORT FILE

The file is a record log of packed ``[stream, first_seq, rewards]``.
"""

import sys

from daydreamer.core.pack import dumps, loads
from daydreamer.core.record_log import RecordWriter, survey
from daydreamer.transport.learner_link import LearnerLink
from tests.contracts.link_contract import SPEC

HEADER = b"rows for a test"


def stored(path):
    """Each stream's rewards in the order in which they were stored, and their numbers."""
    streams = {}
    for record in survey(path).records:
        stream, first, rewards = loads(record)
        numbers, values = streams.setdefault(stream, ([], []))
        numbers += range(first, first + len(rewards))
        values += rewards.tolist()
    return streams


def main(port, path):
    log = RecordWriter(path, HEADER)
    next_seq = {stream: len(numbers) for stream, (numbers, _) in stored(path).items()}
    link = LearnerLink(
        f"127.0.0.1:{port}", SPEC, lambda stream: next_seq.get(stream, 0), durable_rows=sum(next_seq.values())
    )
    while True:
        for rows in link.receive(1.0):
            have = next_seq.get(rows.stream, 0)
            assert rows.first_seq <= have, f"rows {have} to {rows.first_seq} of {rows.stream} are missing"
            fresh = rows.columns["reward"][have - rows.first_seq :]
            if len(fresh):
                log.append(dumps([rows.stream, have, fresh]))
                log.sync()
                next_seq[rows.stream] = have + len(fresh)
            link.acknowledge(rows.stream, next_seq.get(rows.stream, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

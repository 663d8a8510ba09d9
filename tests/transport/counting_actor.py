"""An actor process for tests: sends rows 0, 1, 2, ... as fast as a fast stand-in, until it is killed.

    python counting_actor.py PORT SPOOL

It says its stream's name first. A line on its standard input ends it: it sends what is left, and says how many
rows it sent and how many are not acknowledged.
"""

import select
import sys
import time

from daydreamer.transport.actor_link import ActorLink
from tests.contracts.link_contract import SPEC, row


def main(port, spool):
    link = ActorLink(f"127.0.0.1:{port}", "spot", SPEC, spool)
    link.start()
    say(link.stream)
    sent = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        link.send(row(sent))
        sent += 1
        time.sleep(0.001)
    link.close(200.0)
    say(sent, link.status().unacked)


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

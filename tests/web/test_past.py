import itertools

from daydreamer.monitor.record import Record
from daydreamer.monitor.tail import Tail
from daydreamer.web.past import read_past


def write(path, count, extra=b""):
    path.write_bytes(b"".join(Record(k, float(k), {"robot/up": 0.5}).to_line() for k in range(count)) + extra)


def test_a_short_past_is_read_whole(tmp_path):
    write(tmp_path / "m.jsonl", 50)
    records, at = read_past(tmp_path / "m.jsonl")
    assert [record.step for record in records] == list(range(50))
    assert at == (tmp_path / "m.jsonl").stat().st_size


def test_of_a_long_past_lines_are_taken_evenly_and_its_end_whole(tmp_path):
    write(tmp_path / "m.jsonl", 10_000)
    records, _ = read_past(tmp_path / "m.jsonl", lines=100, recent=2000)
    steps = [record.step for record in records]
    assert steps == sorted(set(steps))  # in order, none twice
    assert steps[-40:] == list(range(9960, 10_000))  # of 45 bytes each
    sampled = steps[:100]
    assert max(b - a for a, b in itertools.pairwise(sampled)) < 150  # of 100 on average
    assert len(steps) < 160


def test_following_goes_on_where_the_past_ends(tmp_path):
    write(tmp_path / "m.jsonl", 10, extra=b'{"step": 10, "time"')  # half a line, still being written
    records, at = read_past(tmp_path / "m.jsonl")
    with (tmp_path / "m.jsonl").open("ab") as file:
        file.write(b': 1, "robot/up": 1}\n')
    assert len(records) == 10
    assert [record.step for record in Tail(tmp_path / "m.jsonl", at).read()] == [10]


def test_a_torn_line_is_skipped(tmp_path):
    (tmp_path / "m.jsonl").write_bytes(b'{"step": 1, "ti\n' + Record(2, 2.0, {}).to_line())
    assert [record.step for record in read_past(tmp_path / "m.jsonl")[0]] == [2]


def test_a_file_to_come_has_no_past(tmp_path):
    assert read_past(tmp_path / "none.jsonl") == ([], 0)

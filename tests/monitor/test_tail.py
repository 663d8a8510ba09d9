"""Following a metrics file that grows, is rotated, is torn."""

import math

import pytest

from daydreamer.monitor import tail as module
from daydreamer.monitor.tail import Tail
from daydreamer.monitor.writers import JsonlWriter


def line(step):
    return b'{"step":%d,"time":1.0,"robot/up":0.5}\n' % step


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def steps(tail):
    return [record.step for record in tail.read()]


def test_a_file_that_is_not_there_yet_is_empty_until_it_is(path):
    tail = Tail(path)
    assert steps(tail) == []
    path.write_bytes(line(1))
    assert steps(tail) == [1]
    assert steps(tail) == [], "each record is read once"


def test_it_follows_a_writer(path):
    writer, tail = JsonlWriter(path, now=lambda: 5.0), Tail(path)
    for step in (1, 2):
        writer.write(step, {"robot/up": math.nan})
        (record,) = tail.read()
        assert (record.step, record.time) == (step, 5.0)
        assert math.isnan(record.metrics["robot/up"])
    writer.close()


def test_a_line_waits_until_it_is_whole(path):
    whole = line(1) + line(2)
    tail, seen = Tail(path), []
    for end in range(len(whole) + 1):
        path.open("ab").write(whole[max(0, end - 1) : end])
        seen += [(end, step) for step in steps(tail)]
    assert seen == [(len(line(1)), 1), (len(whole), 2)]


def test_a_torn_line_that_the_writer_cuts_off_was_never_read(path):
    path.write_bytes(line(1) + line(2)[:10])
    tail = Tail(path)
    assert steps(tail) == [1]
    writer = JsonlWriter(path)
    writer.write(3, {"robot/up": 1.0})
    writer.close()
    assert steps(tail) == [3]
    assert tail.skipped == 0


def test_after_a_rotation_the_rest_of_the_old_file_comes_first(path):
    path.write_bytes(line(1))
    tail = Tail(path)
    assert steps(tail) == [1]
    path.open("ab").write(line(2))
    path.rename(path.with_suffix(".old"))
    path.write_bytes(line(3))
    assert steps(tail) == [2, 3]


def test_a_file_that_is_away_between_two_moments_of_a_rotation_is_waited_for(path):
    path.write_bytes(line(1))
    tail = Tail(path)
    steps(tail)
    path.rename(path.with_suffix(".old"))
    assert steps(tail) == []
    path.write_bytes(line(2))
    assert steps(tail) == [2]


def test_a_file_that_was_emptied_is_read_from_its_beginning(path):
    path.write_bytes(line(1) + line(2))
    tail = Tail(path)
    assert steps(tail) == [1, 2]
    path.write_bytes(line(3))
    assert steps(tail) == [3]


def test_lines_that_are_no_records_are_skipped_and_counted(path):
    bad = [
        b"not json",
        b"[1, 2]",
        b'{"time": 1}',
        b'{"step": 1, "time": 2, "robot/up": "high"}',
        b"\xff\xfe",
        b"7",
    ]
    path.write_bytes(line(1) + b"\n".join(bad) + b"\n\n" + line(2))
    tail = Tail(path)
    assert steps(tail) == [1, 2]
    assert tail.skipped == len(bad)


def test_a_file_longer_than_one_block_is_read_whole(path, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 50)  # less than two lines
    path.write_bytes(b"".join(line(step) for step in range(40)))
    assert steps(Tail(path)) == list(range(40))


def test_a_line_without_end_does_not_fill_the_memory(path, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 50)
    monkeypatch.setattr(module, "_LONGEST", 200)
    path.write_bytes(line(1) + b"x" * 1000 + b"\n" + line(2))
    tail = Tail(path)
    assert steps(tail) == [1, 2]
    assert tail.skipped > 0


def test_a_reader_that_stops_half_way_goes_on_where_it_stopped(path):
    path.write_bytes(line(1) + line(2) + line(3))
    tail = Tail(path)
    assert next(tail.read()).step == 1
    assert steps(tail) == [2, 3]


class Stale:
    """In the place of an open file whose server has forgotten it."""

    def fileno(self):
        raise OSError(116, "Stale file handle")

    def close(self):
        pass


def test_a_stale_handle_is_let_go_and_reading_goes_on_where_it_ended(path):
    path.write_bytes(line(1))
    tail = Tail(path)
    assert steps(tail) == [1]
    path.open("ab").write(line(2))
    tail._file = Stale()
    with pytest.raises(OSError, match="Stale file handle"):
        steps(tail)
    assert steps(tail) == [2]

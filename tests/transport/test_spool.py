"""Rows on the actor's disk: in order, all of them, until they are acknowledged, whatever kills the process."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daydreamer.core.errors import Corrupt
from daydreamer.core.record_log import RecordWriter
from daydreamer.transport.spool import Spool, leftovers

STREAM = "spot-1700000000000-0a1b2c3d"


def record(i):
    return b"row %05d" % i  # 9 bytes, 17 in the file


def records(first, end):
    return [record(i) for i in range(first, end)]


def new(directory, stream=STREAM, segment_bytes=100):
    # A file's head is 8 bytes, and the header's record 8 + 4: with 20 + 17 n bytes a segment is full at n = 5.
    return Spool(directory / stream, stream, b"spec", segment_bytes)


def keep(spool, burst):
    """Append all of ``burst``, a segment's worth at a time."""
    while burst:
        burst = burst[spool.append(burst) :]


def read_all(spool, first, most=64):
    got = []
    while part := spool.read(first + len(got), most):
        got += part
    return got


def test_records_are_read_from_where_one_asks(tmp_path):
    spool = new(tmp_path)
    keep(spool, records(0, 3))
    keep(spool, records(3, 12))
    assert (spool.oldest, spool.end, spool.unacked) == (0, 12, 12)
    assert spool.read(1, 2) == records(1, 3)
    assert read_all(spool, 0) == records(0, 12)
    assert read_all(spool, 7, most=1) == records(7, 12)
    assert spool.read(12, 64) == []


def test_a_burst_is_spread_over_segments_and_leaves_little_when_it_is_acknowledged(tmp_path):
    spool = new(tmp_path)
    # A head of 20 bytes and records of 17: five fill a segment of 100.
    assert spool.append(records(0, 12)) == 5
    keep(spool, records(5, 12))
    assert sorted(path.stem for path in spool.directory.glob("*.log")) == [f"{i:012d}" for i in (0, 5, 10)]
    spool.acknowledge(12)
    assert spool.size == 20 + 2 * 17
    assert read_all(spool, spool.oldest) == records(10, 12)


def test_acknowledged_segments_are_removed_whole(tmp_path):
    spool = new(tmp_path)
    for i in range(12):
        spool.append([record(i)])
    assert sorted(path.stem for path in spool.directory.glob("*.log")) == [f"{i:012d}" for i in (0, 5, 10)]
    size = spool.size
    spool.acknowledge(4)
    assert (spool.oldest, spool.unacked, spool.size) == (0, 8, size)
    spool.acknowledge(7)
    assert (spool.oldest, spool.unacked) == (5, 5)
    assert spool.size == size - 105  # 20 + 5 * 17
    spool.acknowledge(3)  # an old word
    assert spool.acked == 7
    assert read_all(spool, spool.oldest) == records(5, 12)


def test_nothing_is_left_when_all_is_acknowledged(tmp_path):
    spool = new(tmp_path)
    keep(spool, records(0, 12))
    spool.acknowledge(12)
    spool.close()
    spool.close()
    assert not spool.directory.exists()


def test_an_earlier_life_is_found_again(tmp_path):
    spool = new(tmp_path)
    for i in range(12):
        spool.append([record(i)])
    spool.acknowledge(7)  # and then the process is killed: nothing is closed
    (again,) = leftovers(tmp_path)
    assert (again.stream, again.header) == (STREAM, b"spec")
    assert (again.oldest, again.end) == (5, 12)
    assert read_all(again, 5) == records(5, 12)
    again.acknowledge(12)
    again.close()
    assert leftovers(tmp_path) == []


def test_earlier_lives_come_in_the_order_of_their_time(tmp_path):
    names = ["b-1700000000002-00000000", "a-1700000000003-00000000", "c-1700000000001-ffffffff"]
    for name in names:
        new(tmp_path, name).append([record(0)])
    assert [spool.stream[0] for spool in leftovers(tmp_path)] == ["c", "b", "a"]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 400))
def test_a_torn_tail_costs_only_the_torn_rows(cut, tmp_path_factory):
    directory = tmp_path_factory.mktemp("spool")
    spool = new(directory, segment_bytes=10_000)
    keep(spool, records(0, 20))
    path = spool.directory / f"{0:012d}.log"
    data = path.read_bytes()
    if cut < 20:
        return  # a file appears with its head complete
    path.write_bytes(data[:cut])
    (again,) = leftovers(directory)
    whole = min(20, (cut - 20) // 17)
    assert read_all(again, 0) == records(0, whole)
    shutil.rmtree(directory)


def test_what_is_no_spool_is_left_alone_and_reported(tmp_path, caplog):
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "000000000000.log").write_bytes(b"not a log")
    (tmp_path / "lock").touch()
    assert leftovers(tmp_path) == []
    assert not (tmp_path / "empty").exists()
    assert (tmp_path / "strange" / "000000000000.log").exists()
    assert "stay where they are" in caplog.text
    with pytest.raises(Corrupt, match="not a spool"):
        Spool.reopen(tmp_path / "strange")


def test_the_oldest_rows_are_given_up_a_segment_at_a_time_and_counted(tmp_path):
    spool = new(tmp_path)
    keep(spool, records(0, 12))  # segments of 5, 5 and 2
    spool.acknowledge(3)
    assert spool.drop_oldest() == 2  # rows 3 and 4
    assert (spool.oldest, spool.acked, spool.unacked) == (5, 5, 7)
    assert [spool.drop_oldest() for _ in range(3)] == [5, 2, 0]
    assert (spool.oldest, spool.end, spool.unacked, spool.size) == (12, 12, 0, 0)
    keep(spool, records(12, 14))  # numbers go on
    assert (spool.oldest, spool.end, read_all(spool, 12)) == (12, 14, records(12, 14))


def test_damage_in_the_middle_leaves_a_hole_and_the_rows_behind_it(tmp_path):
    spool = new(tmp_path)
    keep(spool, records(0, 12))
    spool.close()
    path = spool.directory / f"{5:012d}.log"
    data = bytearray(path.read_bytes())
    data[20 + 17 * 2] ^= 1  # the length of row 7
    path.write_bytes(data)
    again = Spool.reopen(spool.directory, record_bytes=9)
    assert (again.oldest, again.end, again.unacked) == (0, 12, 11)
    assert [again.kept_from(i) for i in (0, 6, 7, 8, 12)] == [0, 6, 8, 8, 12]
    assert again.read(5, 64) == records(5, 7)
    assert again.read(7, 64) == []
    assert again.read(8, 64) == records(8, 10)
    again.acknowledge(7)
    assert again.acked == 8
    assert path.exists()
    again.acknowledge(10)
    assert not path.exists()
    again.acknowledge(12)
    again.close()
    assert not again.directory.exists()


def test_rows_of_another_spec_are_left_as_they_are_also_behind_damage(tmp_path):
    spool = new(tmp_path)
    keep(spool, records(0, 12))
    spool.close()
    path = spool.directory / f"{5:012d}.log"
    data = bytearray(path.read_bytes())
    data[20 + 17 * 2] ^= 1
    path.write_bytes(data)
    before = {file: file.read_bytes() for file in spool.directory.iterdir()}
    assert leftovers(tmp_path, 11, lambda path, header: header == b"other") == []
    assert {file: file.read_bytes() for file in spool.directory.iterdir()} == before


@pytest.mark.parametrize("content", [b"", b"ddlog\n\x02\x00 of a later version"])
def test_a_segment_that_cannot_be_read_costs_its_own_rows_and_is_kept(tmp_path, caplog, content):
    spool = new(tmp_path)
    keep(spool, records(0, 12))
    spool.close()
    (spool.directory / f"{5:012d}.log").write_bytes(content)
    (again,) = leftovers(tmp_path, 9)
    assert (again.oldest, again.end, again.unacked) == (0, 12, 7)
    assert again.read(0, 64) == records(0, 5) and again.read(10, 64) == records(10, 12)
    assert again.kept_from(5) == 10
    assert "rows are lost" in caplog.text
    again.acknowledge(12)
    again.close()
    (aside,) = tmp_path.iterdir()
    assert aside.read_bytes() == content


def test_a_first_segment_of_another_version_leaves_the_actor_able_to_start(tmp_path, caplog):
    spool = new(tmp_path)
    keep(spool, records(0, 3))
    spool.close()
    (path,) = spool.directory.glob("*.log")
    path.write_bytes(b"ddlog\n\x02\x00 of a later version")
    assert leftovers(tmp_path, 9) == []
    assert "stay where they are" in caplog.text and path.exists()


def test_a_spool_that_numbered_its_rows_in_another_way_is_left_alone(tmp_path):
    spool = new(tmp_path)
    keep(spool, records(0, 3))
    (spool.directory / "stream.json").write_text(f'{{"stream": "{STREAM}", "start": 5}}')
    with pytest.raises(Corrupt, match="an older version"):
        Spool.reopen(spool.directory)


def test_a_learner_that_lost_rows_gets_them_again(tmp_path):
    spool = new(tmp_path)
    keep(spool, records(0, 5))
    spool.acknowledge(4)
    spool.rewind(1)
    assert (spool.acked, spool.unacked) == (1, 4)


def test_a_disk_that_refuses_loses_nothing_and_doubles_nothing(tmp_path, monkeypatch):
    spool = new(tmp_path, segment_bytes=10_000)
    keep(spool, records(0, 3))

    def refuse(self):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(RecordWriter, "_write", refuse)
        for _ in range(3):
            with pytest.raises(OSError, match="No space"):
                keep(spool, records(3, 5))
    assert (spool.end, read_all(spool, 0)) == (3, records(0, 3))
    keep(spool, records(3, 5))
    assert read_all(spool, 0) == records(0, 5)
    (again,) = leftovers(tmp_path)
    assert read_all(again, 0) == records(0, 5)


def test_a_full_segment_that_is_not_closed_in_order_doubles_nothing(tmp_path, monkeypatch, caplog):
    spool = new(tmp_path)

    def refuse(self, durable=True):
        raise OSError(122, "Disk quota exceeded")

    with monkeypatch.context() as broken:
        broken.setattr(RecordWriter, "close", refuse)
        keep(spool, records(0, 7))  # five fill a segment
    assert "Disk quota exceeded" in caplog.text
    assert (spool.end, read_all(spool, 0)) == (7, records(0, 7))
    keep(spool, records(7, 9))
    assert read_all(spool, 0) == records(0, 9)


def test_rows_that_vanish_from_the_disk_are_noticed(tmp_path):
    spool = new(tmp_path)
    for i in range(8):
        spool.append([record(i)])
    path = spool.directory / f"{0:012d}.log"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Corrupt, match="5 records were written, 4 are there"):
        spool.read(0, 64)

import errno
import os
import stat
import tracemalloc
import zlib

import pytest

from daydreamer.core.errors import Corrupt
from daydreamer.core.record_log import (
    FRAME_SIZE,
    MAGIC,
    RecordWriter,
    UnknownVersion,
    header_of,
    records_start,
    recover,
    survey,
)

HEADER = b"header"
RECORDS = [b"a", b"bcd", b"\x00" * 5, b"last"]


def write(path, records=RECORDS, header=HEADER):
    writer = RecordWriter(path, header)
    for record in records:
        writer.append(record)
    writer.close()
    return path


def test_records_come_back_in_order(tmp_path):
    path = write(tmp_path / "log")
    found = recover(path)
    assert found.header == HEADER
    assert found.records == RECORDS
    assert survey(path).records == RECORDS


def test_bytes_on_disk_are_those_of_the_layout(tmp_path):
    path = write(tmp_path / "log", [b"a"])
    # magic 6 + version 2 + (length 4 + crc 4 + "header" 6) + (length 4 + crc 4 + "a" 1) = 31
    data = path.read_bytes()
    assert len(data) == 31
    assert data[:8] == MAGIC + b"\x01\x00"
    assert data[22:26] == b"\x01\x00\x00\x00"
    assert data[26:30] == (0xE8B7BE43).to_bytes(4, "little")  # crc32 of "a"
    assert records_start(HEADER) == 22


def test_offsets_and_size_count_frames(tmp_path):
    writer = RecordWriter(tmp_path / "log", HEADER)
    start = records_start(HEADER)
    assert writer.append(b"abc") == start
    assert writer.append(b"d") == start + FRAME_SIZE + 3
    assert writer.size == start + 2 * FRAME_SIZE + 4
    writer.sync()
    assert writer.size == os.path.getsize(tmp_path / "log")


def test_a_file_cut_at_any_byte_keeps_every_whole_record(tmp_path):
    data = write(tmp_path / "whole").read_bytes()
    start = records_start(HEADER)
    ends = [start]  # file sizes at which 0, 1, 2, ... records are whole
    for record in RECORDS:
        ends.append(ends[-1] + FRAME_SIZE + len(record))
    for size in range(len(data)):
        path = tmp_path / "cut"
        path.write_bytes(data[:size])
        if size < start:
            with pytest.raises(Corrupt):
                recover(path)
            continue
        whole = sum(size >= end for end in ends[1:])
        found = recover(path)
        assert found.records == RECORDS[:whole]
        assert found.valid_size == ends[whole] == os.path.getsize(path)
        write(path, [b"new"])  # goes on after the cut
        assert recover(path).records == [*RECORDS[:whole], b"new"]


def test_any_flipped_byte_is_noticed(tmp_path):
    data = write(tmp_path / "whole").read_bytes()
    for place in range(records_start(HEADER), len(data)):
        path = tmp_path / "flipped"
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :])
        records = recover(path).records
        assert len(records) < len(RECORDS)
        assert records == RECORDS[: len(records)]


def test_a_tail_of_zeros_is_no_record(tmp_path):
    path = write(tmp_path / "log")
    path.write_bytes(path.read_bytes() + b"\x00" * 64)
    assert survey(path).records == RECORDS
    assert recover(path).records == RECORDS


def test_recovery_says_what_it_cut_and_reading_cuts_nothing(tmp_path, caplog):
    path = write(tmp_path / "log")
    torn = path.read_bytes() + b"torn!"
    path.write_bytes(torn)
    assert survey(path).records == RECORDS
    assert path.read_bytes() == torn
    recover(path)
    assert "torn after 4 good records; the last 5 bytes are cut off" in caplog.text
    caplog.clear()
    recover(path)
    assert not caplog.records


def test_reopening_appends(tmp_path):
    path = write(tmp_path / "log", [b"one"])
    write(path, [b"two"])
    assert recover(path).records == [b"one", b"two"]


def test_reopening_with_another_header_is_refused(tmp_path):
    path = write(tmp_path / "log")
    with pytest.raises(Corrupt, match="expected the header b'other', found b'header'"):
        RecordWriter(path, b"other")


def test_foreign_files_and_versions_are_refused(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"something else entirely")
    with pytest.raises(Corrupt, match="expected a record log"):
        recover(path)
    data = bytearray(write(tmp_path / "good").read_bytes())
    data[6] = 9
    path.write_bytes(data)
    with pytest.raises(UnknownVersion, match="version 9"):
        recover(path)


def test_a_header_is_read_without_the_records(tmp_path):
    path = write(tmp_path / "log", [bytes(4_000_000)])
    tracemalloc.start()
    try:
        assert header_of(path) == HEADER
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000, "bytes that were in memory at once"


def test_a_header_that_is_cut_or_damaged_at_any_byte_is_refused(tmp_path):
    path = write(tmp_path / "log")
    whole = path.read_bytes()
    for at in range(records_start(HEADER)):
        flipped = whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :]  # of the length, too: up to 2 GB
        for data in (whole[:at], flipped):
            path.write_bytes(data)
            with pytest.raises((Corrupt, UnknownVersion)):
                header_of(path)


def test_empty_records_are_refused(tmp_path):
    writer = RecordWriter(tmp_path / "log", HEADER)
    with pytest.raises(ValueError, match="at least one byte"):
        writer.append(b"")


def test_flush_hands_over_without_waiting_for_the_disk(tmp_path, monkeypatch):
    writer = RecordWriter(tmp_path / "log", HEADER)
    monkeypatch.setattr(os, "fsync", lambda descriptor: pytest.fail("flush waited for the disk"))
    writer.append(b"one")
    writer.flush()
    assert survey(tmp_path / "log").records == [b"one"]


def test_a_failed_sync_takes_its_records_back(tmp_path, monkeypatch):
    path = tmp_path / "log"
    writer = RecordWriter(path, HEADER)
    writer.append(b"kept")
    writer.sync()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        writer.append(b"refused")
        with pytest.raises(OSError, match="No space"):
            writer.sync()
    assert recover(path).records == [b"kept"]
    writer.append(b"later")
    writer.close()
    assert recover(path).records == [b"kept", b"later"]


def test_a_kill_while_the_file_is_created_leaves_no_file(tmp_path, monkeypatch):
    def killed(source, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            RecordWriter(tmp_path / "log", HEADER)
    assert not (tmp_path / "log").exists()
    assert recover(write(tmp_path / "log")).records == RECORDS  # what was left beside it is in nobody's way


def test_a_new_file_is_durable_before_its_name_and_its_name_before_any_record(tmp_path, monkeypatch):
    order = []
    replace, fsync = os.replace, os.fsync

    def watched_replace(source, target):
        order.append("rename")
        replace(source, target)

    def watched_fsync(descriptor):
        order.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "replace", watched_replace)
    monkeypatch.setattr(os, "fsync", watched_fsync)
    writer = RecordWriter(tmp_path / "log", HEADER)
    assert order == ["file", "rename", "directory"]
    writer.append(b"a")
    writer.sync()
    assert order[3:] == ["file"]


def uniform(path, count=6):
    return write(path, [b"row %d" % i for i in range(count)])


def test_records_of_one_size_are_found_again_behind_damage(tmp_path, caplog):
    path = uniform(tmp_path / "log")
    data = bytearray(path.read_bytes())
    frame = FRAME_SIZE + 5
    data[records_start(HEADER) + 2 * frame] ^= 1  # the length of record 2
    data[records_start(HEADER) + 3 * frame + FRAME_SIZE] ^= 1  # a byte of record 3
    path.write_bytes(data)
    found = recover(path, record_bytes=5)
    assert [(run.first, run.end) for run in found.runs] == [(0, 2), (4, 6)]
    assert found.damaged == [(2, 4)]
    assert found.records == [b"row 0", b"row 1", b"row 4", b"row 5"]
    assert "records 2 to 3 are damaged and lost" in caplog.text
    assert path.read_bytes() == data, "the damage is left for a person to look at"
    assert len(recover(path).records) == 2, "without their size nothing is known of what follows"


def test_damage_at_the_end_is_a_torn_tail(tmp_path):
    path = uniform(tmp_path / "log")
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert survey(path, 5).damaged == []
    assert os.path.getsize(path) == len(data) - 1, "a survey changes nothing"
    assert [(run.first, run.end) for run in recover(path, 5).runs] == [(0, 5)]
    assert os.path.getsize(path) == len(data) - FRAME_SIZE - 5


def test_a_writer_knows_the_checksum_of_its_file(tmp_path, monkeypatch):
    path = tmp_path / "log"
    writer = RecordWriter(path, HEADER)
    for record in RECORDS:
        writer.append(record)
        writer.sync()
    assert writer.crc == zlib.crc32(path.read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("full")))
        writer.append(b"taken back")
        with pytest.raises(OSError, match="full"):
            writer.sync()
    assert writer.crc == zlib.crc32(path.read_bytes())
    writer.close()
    assert RecordWriter(path, HEADER).crc == zlib.crc32(path.read_bytes())


def test_a_file_that_did_not_fit_leaves_nothing_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        RecordWriter(tmp_path / "log", HEADER)
    assert list(tmp_path.iterdir()) == []

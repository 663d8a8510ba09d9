import errno
import os

import pytest

from daydreamer.core.transition import MAX_ACTORS
from daydreamer.replay import replay as module


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "replay").glob("*.rows"))


def test_the_oldest_segments_are_dropped_whole(opened, rows, values, tmp_path):
    replay = opened(capacity=10, segment_rows=4)
    for seq in range(13):
        replay.append(rows(seq, 1), "a", seq)
        assert len(replay) <= 10
    # 0-3, 4-7, 8-11, 12: at the 11th row the first segment goes
    assert values(replay) == list(range(4, 13))
    assert files(tmp_path) == ["00000002.rows", "00000003.rows", "00000004.rows"]
    assert replay.append(rows(0, 13), "a", 0) == 0  # dropped is not forgotten


def test_one_append_larger_than_the_capacity_keeps_the_newest(opened, rows, values):
    replay = opened(capacity=10, segment_rows=4)
    assert replay.append(rows(0, 50), "a", 0) == 50
    assert values(replay) == list(range(40 + 0, 50))  # segments of 4: 40-43, 44-47, 48-49


def test_a_stream_is_remembered_when_all_its_rows_are_gone(opened, rows, values):
    replay = opened(capacity=8, segment_rows=4)
    replay.append(rows(0, 3), "old", 0)
    replay.append(rows(0, 8, tag=1), "new", 0)
    assert values(replay) == list(range(1000, 1008))
    replay.close()
    again = opened(capacity=8, segment_rows=4)
    assert again.next_seq("old") == 3
    assert again.append(rows(0, 5), "old", 0) == 2
    assert values(again) == [1004, 1005, 1006, 1007, 3, 4]


def test_a_smaller_capacity_applies_from_the_first_append(opened, rows, values, tmp_path):
    first = opened(capacity=100, segment_rows=4)
    first.append(rows(0, 20), "a", 0)
    first.close()
    again = opened(capacity=9, segment_rows=4)
    assert values(again) == list(range(20)) and len(files(tmp_path)) == 5, "opening deletes nothing"
    again.append(rows(20, 1), "a", 20)
    assert values(again) == list(range(12, 21))


def test_a_file_larger_than_a_lowered_capacity_stays_until_newer_rows_fill_it(opened, rows, values):
    first = opened(capacity=100, segment_rows=50)
    first.append(rows(0, 36), "a", 0)
    first.close()
    again = opened(capacity=20, segment_rows=4)
    for seq in range(36, 51):
        again.append(rows(seq, 1), "a", seq)
        assert values(again) == list(range(seq + 1))
    again.append(rows(51, 1), "a", 51)  # 16 rows behind the large file: 20 but for a segment of 4
    assert values(again) == list(range(36, 52))


def test_a_damaged_file_larger_than_a_lowered_capacity_stays_as_well(opened, rows, values, tmp_path):
    first = opened(capacity=100, segment_rows=50)
    first.append(rows(0, 36), "a", 0)
    first.close()
    path = tmp_path / "replay" / "00000001.rows"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    again = opened(capacity=20, segment_rows=4)
    assert len(again) == 35
    again.append(rows(36, 1), "a", 36)
    assert len(again) == 36


def test_a_number_is_not_given_again_when_the_newest_files_are_gone(opened, rows, values, tmp_path):
    first = opened(capacity=10, segment_rows=4)
    first.append(rows(0, 13), "a", 0)  # in files 1 to 4, of which the first is dropped
    first.close()
    for name in files(tmp_path):  # as if a disk had lost them
        (tmp_path / "replay" / name).unlink()
    second = opened(capacity=10, segment_rows=4)
    second.append(rows(0, 2), "b", 0)
    second.close()
    assert values(opened(capacity=10, segment_rows=4)) == [0, 1]


def test_as_many_streams_as_there_may_be_actors_fill_one_file_each(opened, rows, tmp_path):
    replay = opened()
    for seq in range(2):
        for tag in range(MAX_ACTORS):
            replay.append(rows(seq, 1, tag), f"s{tag}", seq)
    assert len(files(tmp_path)) == MAX_ACTORS


def test_a_slow_stream_keeps_its_newest_rows_and_no_stream_its_oldest(opened, rows, values, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    replay = opened(
        capacity=1600
    )  # segments of a sixteenth, 100 rows, which grow while an eighth comes, 200 rows
    total, slow = 0, {}  # how many rows of both had come before each row
    for turn in range(320):  # 8000 rows, a 25th of them slow
        for stream, first, count, tag in (("slow", turn, 1, 10), ("quick", 24 * turn, 24, 0)):
            replay.append(rows(first, count, tag), stream, first)
            if tag:
                slow[10_000 + first] = total
            total += count
            kept = values(replay)
            assert len(kept) <= 1600 and 1000 * tag + first + count - 1 in kept, "the row just appended"
            came = [slow[row] if row in slow else row // 24 * 25 + 1 + row % 24 for row in kept]
            assert total - min(came) <= 1600 + 200, "nobody's rows stay long"
    # 200 to 225 rows come while a file of "slow" grows, so that what is gone of it is at least 1600 - 225 rows old.
    assert (1600 - 225) // 25 <= sum(row in slow for row in kept) <= (1600 + 225) // 25


def test_many_streams_do_not_hold_many_files_open(opened, rows, values, monkeypatch):
    monkeypatch.setattr(module, "MAX_GROWING", 2)
    replay = opened(segment_rows=4)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    for tag in range(10):
        replay.append(rows(0, 1, tag), f"s{tag}", 0)
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + 2
    replay.append(rows(1, 1, 9), "s9", 1)  # still open: the same segment
    replay.append(rows(1, 1, 0), "s0", 1)  # closed long ago: a new one
    assert replay.stats()["replay/segments"] == 11
    assert values(replay) == [*range(0, 10000, 1000), 9001, 1]


def test_a_full_disk_stores_nothing_and_does_not_break_what_follows(opened, rows, values, monkeypatch):
    replay = opened()
    replay.append(rows(0, 2), "a", 0)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            replay.append(rows(2, 2), "a", 2)
    assert replay.next_seq("a") == len(replay) == 2
    replay.append(rows(2, 1), "a", 2)
    replay.close()
    assert values(opened()) == [0, 1, 2]


def test_old_files_that_a_full_disk_kept_go_when_there_is_room_again(
    opened, rows, values, tmp_path, monkeypatch
):
    replay = opened(capacity=10, segment_rows=4)
    replay.append(rows(0, 10), "a", 0)

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("daydreamer.replay.directory.write_atomically", full)
        with pytest.raises(OSError, match="No space"):
            replay.append(rows(10, 1), "a", 10)
    assert replay.next_seq("a") == 11 and values(replay) == list(range(4, 11)), "the row itself is durable"
    replay.append(rows(11, 1), "a", 11)
    assert files(tmp_path) == ["00000002.rows", "00000003.rows"]
    replay.close()
    again = opened(capacity=10, segment_rows=4)
    assert again.collected == 12 and values(again) == list(range(4, 12))


@pytest.mark.parametrize("segment_rows", [0, 11])
def test_segments_fit_into_the_capacity(opened, segment_rows):
    with pytest.raises(ValueError, match="0 < segment_rows <= capacity"):
        opened(capacity=10, segment_rows=segment_rows)

import logging
import os
import shutil
import signal
import subprocess
import sys
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import daydreamer
from daydreamer.core.errors import Corrupt, SpecMismatch
from daydreamer.core.record_log import FRAME_SIZE, RecordWriter, UnknownVersion, survey
from daydreamer.core.specs import ArraySpec
from daydreamer.replay import Replay, ReplayGap
from daydreamer.replay.archive import Archive


def test_a_cut_at_any_byte_of_the_last_segment_keeps_every_whole_row(tmp_path, rows, values, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # nothing crashes here: files are cut by hand
    spec = {"value": ArraySpec((1,), "float32"), "is_first": ArraySpec((), "bool")}
    rows = partial(rows, spec=spec)
    with Replay(tmp_path / "whole", spec, 100, 0, segment_rows=3) as replay:
        replay.append(rows(0, 5), "a", 0)  # segments of 3 and 2 rows
    whole = (tmp_path / "whole" / "00000002.rows").read_bytes()
    row = FRAME_SIZE + replay._layout.row_bytes
    rows_end = (
        len(whole) - len(b'{"rows": 2, "crc32": %d}' % zlib.crc32(whole[: whole.rindex(b'{"rows"') - 8])) - 8
    )
    for size in range(len(whole)):
        directory = tmp_path / "cut"
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(tmp_path / "whole", directory)
        (directory / "00000002.rows").write_bytes(whole[:size])
        missing = max(0, -(-(rows_end - size) // row))  # rows that lost a byte
        kept = 5 - min(missing, 2)
        with Replay(directory, spec, 100, 0, segment_rows=3) as replay:
            assert values(replay) == list(range(kept))
            assert replay.append(rows(kept, 2), "a", replay.next_seq("a")) == 2
        with Replay(directory, spec, 100, 0, segment_rows=3) as replay:
            assert values(replay) == list(range(kept + 2))


def damage(path, number, layout):
    """Turn a bit in the middle of the ``number``th row of a segment."""
    data = bytearray(path.read_bytes())
    start = data.index(layout.header("a", 0)[:9]) + len(survey(path).header)
    data[start + (FRAME_SIZE + layout.row_bytes) * number + FRAME_SIZE + 2] ^= 1
    path.write_bytes(data)


def test_damage_in_the_middle_of_the_history_costs_the_damaged_rows_only(
    opened, rows, values, tmp_path, caplog
):
    first = opened(segment_rows=4)
    first.append(rows(0, 10), "a", 0)
    first.close()
    damage(tmp_path / "replay" / "00000002.rows", 1, first._layout)  # row 5 of rows 4 .. 7
    with caplog.at_level(logging.WARNING):
        again = opened(segment_rows=4)
    assert "00000002.rows: records 1 to 1 are damaged and lost; those behind are good" in caplog.text
    assert values(again) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert np.flatnonzero(again.read(0, 9)["is_first"]).tolist() == [0, 5]  # row 6 does not follow row 4
    assert (again.next_seq("a"), again.collected) == (10, 9)


def test_rows_of_another_spec_are_left_as_they_are_also_behind_damage(opened, rows, spec, tmp_path):
    first = opened()
    first.append(rows(0, 10), "a", 0)
    first.close()
    path = tmp_path / "replay" / "00000001.rows"
    damage(path, 5, first._layout)
    before = path.read_bytes()
    with pytest.raises(SpecMismatch, match="another spec"):
        opened(spec=spec | {"more": ArraySpec((3,), "float32")})
    assert path.read_bytes() == before, "good rows stand behind the damaged one"


def test_a_damaged_segment_is_dropped_whole(opened, rows, values, tmp_path):
    first = opened(segment_rows=4)
    first.append(rows(0, 10), "a", 0)
    first.close()
    damage(tmp_path / "replay" / "00000001.rows", 1, first._layout)
    again = opened(capacity=6, segment_rows=4)
    again.append(rows(10, 1), "a", 10)  # ten good rows are four too many, the first two files have seven
    assert values(again) == [8, 9, 10]
    again.close()
    assert values(opened(capacity=6, segment_rows=4)) == [8, 9, 10]
    assert not (tmp_path / "replay" / "00000001.rows").exists()


def test_whole_rows_that_are_missing_at_the_end_are_noticed(opened, rows, values, tmp_path, caplog):
    first = opened(segment_rows=4)
    first.append(rows(0, 8), "a", 0)
    first.close()
    path, row = tmp_path / "replay" / "00000001.rows", FRAME_SIZE + first._layout.row_bytes
    data = path.read_bytes()
    seal = data[data.rindex(b'{"rows": 4') - FRAME_SIZE :]
    path.write_bytes(data[: -len(seal) - row] + seal)  # each record is whole, one is not there
    with caplog.at_level(logging.ERROR):
        assert values(opened(segment_rows=4)) == [0, 1, 2, 4, 5, 6, 7]
    assert "its last 1 rows are gone" in caplog.text


def test_a_full_disk_leaves_a_segment_without_a_seal_and_its_rows_durable(opened, rows, values, monkeypatch):
    first = opened()
    first.append(rows(0, 3), "a", 0)

    def full(self):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(RecordWriter, "_write", full)
        first.close()
    assert values(opened()) == [0, 1, 2]


def test_a_stream_may_go_on_after_rows_that_nobody_has(opened, rows, values):
    first = opened()
    first.append(rows(0, 3), "a", 0)
    with pytest.raises(ReplayGap):
        first.append(rows(10, 2), "a", 10)
    assert first.append(rows(10, 2), "a", 10, after_gap=True) == 2
    assert first.append(rows(11, 2), "a", 11, after_gap=True) == 1, "a gap that is none"
    assert (first.next_seq("a"), first.collected) == (13, 6)
    first.close()
    again = opened()
    assert values(again) == [0, 1, 2, 10, 11, 12]
    assert np.flatnonzero(again.read(0, 6)["is_first"]).tolist() == [0, 3]
    assert (again.next_seq("a"), again.collected) == (13, 6)


def test_an_unreadable_header_is_set_aside_loudly(opened, rows, values, tmp_path, caplog):
    first = opened(segment_rows=4)
    first.append(rows(0, 8), "a", 0)
    first.close()
    path = tmp_path / "replay" / "00000001.rows"
    path.write_bytes(path.read_bytes()[:20])
    with caplog.at_level(logging.ERROR):
        assert values(opened(segment_rows=4)) == [4, 5, 6, 7]
    assert "set aside as 00000001.rows.bad, its rows are lost" in caplog.text
    assert (tmp_path / "replay" / "00000001.rows.bad").exists()


def test_a_segment_of_newer_software_is_left_alone(opened, rows, tmp_path):
    first = opened()
    first.append(rows(0, 8), "a", 0)
    first.close()
    path = tmp_path / "replay" / "00000001.rows"
    newer = path.read_bytes()[:6] + b"\x02\x00" + path.read_bytes()[8:]
    path.write_bytes(newer)
    with pytest.raises(UnknownVersion, match="version 2"):
        opened()
    assert path.read_bytes() == newer


def test_the_same_rows_twice_are_an_error(opened, rows, tmp_path):
    first = opened()
    first.append(rows(0, 8), "a", 0)
    first.close()
    shutil.copy(tmp_path / "replay" / "00000001.rows", tmp_path / "replay" / "00000002.rows")
    with pytest.raises(Corrupt, match="earlier files hold its rows up to 8"):
        opened()


def test_rows_that_a_failed_disk_kept_and_that_came_again_are_there_once(
    opened, rows, values, exported, tmp_path, caplog
):
    first = opened()
    first.append(rows(0, 8), "a", 0)
    unsealed = (tmp_path / "replay" / "00000001.rows").read_bytes()
    first.close()
    shutil.rmtree(tmp_path / "replay")
    second = opened()  # knows of rows 0 to 4 alone: the others were never acknowledged
    second.append(rows(0, 5), "a", 0)
    second.close()
    third = opened()
    third.append(rows(5, 5), "a", 5)
    third.close()
    (tmp_path / "replay" / "00000001.rows").write_bytes(unsealed)
    again = opened()
    assert values(again) == list(range(10)) and again.next_seq("a") == 10
    assert "came again" in caplog.text
    again.close()
    assert exported(tmp_path / "replay") == list(range(10))
    list(Archive(tmp_path / "replay").repair())
    assert values(opened()) == list(range(10)), "a repair does not keep the replay from opening"


def test_rows_that_a_disk_kept_which_failed_twice_are_there_once(
    opened, rows, values, exported, tmp_path, monkeypatch
):
    replay = opened()
    replay.append(rows(0, 5), "a", 0)

    def fail(self):
        self._write()
        self._file.close()  # as it is when the rows cannot be taken back either
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(RecordWriter, "sync", fail)
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output"):
                replay.append(rows(5, 3), "a", 5)
    replay.append(rows(5, 23), "a", 5)
    replay.close()
    archive = Archive(tmp_path / "replay")
    assert [(report.first_seq, report.rows, report.sealed) for report in archive.verify()] == [
        (0, 8, False), (5, 3, False), (5, 23, True),
    ]  # fmt: skip
    for _ in range(2):
        again = opened()
        assert values(again) == list(range(28)) and (again.next_seq("a"), again.collected) == (28, 28)
        assert np.flatnonzero(again.read(0, 28)["is_first"]).tolist() == [0], "they follow one another"
        again.close()
        assert exported(tmp_path / "replay") == list(range(28))
        list(archive.repair())


def refuse(*args, **options):
    raise OSError(28, "no space")


def test_rows_dropped_by_a_disk_that_then_failed_count_once(opened, rows, monkeypatch):
    replay = opened(segment_rows=4, capacity=8)
    replay.append(rows(0, 8), "a", 0)
    with monkeypatch.context() as broken:
        broken.setattr("pathlib.Path.unlink", refuse)
        for first in (8, 9, 10):
            with pytest.raises(OSError, match="no space"):
                replay.append(rows(first, 1), "a", first)
    replay.append(rows(11, 1), "a", 11)
    assert replay.collected == 12
    replay.close()
    assert opened(segment_rows=4, capacity=8).collected == 12


def test_damaged_stream_positions_are_an_error(opened, tmp_path):
    opened().close()
    (tmp_path / "replay" / "streams.json").write_text("[")
    with pytest.raises(Corrupt, match="rows may be stored twice"):
        opened()


def test_what_a_killed_process_left_half_done_is_cleared(opened, rows, tmp_path):
    first = opened()
    first.append(rows(0, 1), "a", 0)
    first.close()
    (tmp_path / "replay" / "00000002.rows.partial").write_bytes(b"half a header")
    RecordWriter(tmp_path / "replay" / "00000003.rows", first._layout.header("a", 1)).close()  # no row yet
    again = opened()
    assert len(again) == 1
    names = sorted(path.name for path in (tmp_path / "replay").iterdir())
    assert names == ["00000001.rows", "lock"]


def test_order_of_a_drop_positions_first(opened, rows, tmp_path, monkeypatch):
    replay = opened(capacity=4, segment_rows=2)
    replay.append(rows(0, 2), "a", 0)

    def killed(path, missing_ok=False):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            replay.append(rows(0, 3), "b", 0)
    assert '"a": 2' in (tmp_path / "replay" / "streams.json").read_text()
    replay.close()
    again = opened(capacity=4, segment_rows=2)  # which ends what was begun
    assert not (tmp_path / "replay" / "00000001.rows").exists()
    assert (len(again), again.collected, again.next_seq("a")) == (3, 5, 2)


def test_positions_of_an_earlier_version_are_read(opened, rows, tmp_path):
    first = opened(capacity=4, segment_rows=2)
    first.append(rows(0, 5), "a", 0)
    first.close()
    (tmp_path / "replay" / "streams.json").write_text('{"a": 4, "gone": 7}')
    again = opened(capacity=4, segment_rows=2)
    assert (again.next_seq("a"), again.next_seq("gone")) == (5, 7)
    assert (len(again), again.collected) == (3, 12)  # 5 of "a", of which 3 are here, and 7 of "gone"


CHILD = """
import sys
import numpy as np
from daydreamer.core.specs import ArraySpec
from daydreamer.replay import Replay

spec = {"value": ArraySpec((300,), "int64"), "is_first": ArraySpec((), "bool")}
replay = Replay(sys.argv[1], spec, capacity=100_000, seed=0, segment_rows=37)
seq = replay.next_seq("a")
print("start", seq, flush=True)
while True:
    count = 1 + seq % 11
    value = np.repeat(np.arange(seq, seq + count)[:, None], 300, axis=1)
    replay.append({"value": value, "is_first": np.zeros(count, bool)}, "a", seq)
    seq += count
    print("durable", seq, flush=True)
"""


def test_killed_at_random_moments_nothing_durable_is_lost_or_doubled(tmp_path):
    rng = np.random.default_rng(0)
    environment = {**os.environ, "PYTHONPATH": str(Path(daydreamer.__file__).parents[1])}
    durable = 0
    for _ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert child.stdout is not None
        start = int(child.stdout.readline().removeprefix("start "))
        assert start >= durable  # what was reported is there, and perhaps rows that it died before reporting
        lines = [child.stdout.readline() for _ in range(rng.integers(5, 60))]
        child.send_signal(signal.SIGKILL)  # it is somewhere in the next append
        lines += child.stdout.readlines()
        child.wait()
        child.stdout.close()
        durable = int(lines[-1].removeprefix("durable "))
        assert durable > start
    spec = {"value": ArraySpec((300,), "int64"), "is_first": ArraySpec((), "bool")}
    with Replay(tmp_path, spec, 100_000, 0) as replay:
        rows = replay.read(0, len(replay))
        assert len(replay) == replay.next_seq("a") >= durable
        np.testing.assert_array_equal(rows["value"], np.repeat(np.arange(len(replay))[:, None], 300, axis=1))
        assert rows["is_first"].sum() == 1

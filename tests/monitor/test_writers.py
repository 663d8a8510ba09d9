"""Metrics files: whole lines, names from the table, and what a crash leaves behind."""

import json
import logging
import math

import numpy as np
import pytest

from daydreamer.monitor.record import Record
from daydreamer.monitor.writers import Fanout, JsonlWriter, TensorBoardWriter


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "metrics.jsonl"


def write(path, step=1, **metrics):
    writer = JsonlWriter(path, now=lambda: 1000.5)
    writer.write(step, {name.replace("__", "/"): value for name, value in metrics.items()})
    writer.close()


def test_a_record_is_one_line_with_step_and_time(path):
    write(path, 7, robot__up=0.25, policy__version=3)
    assert path.read_text() == '{"step":7,"time":1000.5,"robot/up":0.25,"policy/version":3}\n'


def test_a_line_is_there_as_soon_as_it_was_written(path):
    writer = JsonlWriter(path)
    writer.write(1, {"robot/up": 1.0})
    assert path.read_text().count("\n") == 1
    writer.close()


def test_a_file_is_appended_to(path):
    write(path, 1, robot__up=0.0)
    write(path, 2, robot__up=1.0)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2]


def test_a_name_that_is_not_in_the_table_is_refused_and_nothing_is_written(path):
    with pytest.raises(ValueError, match="did you mean 'robot/standing'"):
        write(path, 1, robot__up=0.0, robot__standign=1.0)
    assert path.read_text() == ""


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_what_is_not_finite_becomes_null_and_reads_as_nan(path, value):
    write(path, 1, train__kl=value)
    assert json.loads(path.read_text())["train/kl"] is None
    assert math.isnan(Record.from_line(path.read_bytes()).metrics["train/kl"])


def test_numpy_scalars_are_numbers(path):
    write(
        path, np.int64(3), robot__up=np.float32(0.5), replay__rows=np.int64(12), actor__holding=np.bool_(True)
    )
    record = Record.from_line(path.read_bytes())
    assert (record.step, dict(record.metrics)) == (
        3,
        {"robot/up": 0.5, "replay/rows": 12.0, "actor/holding": 1.0},
    )


def test_a_file_cut_at_any_byte_goes_on_with_whole_lines(path):
    write(path, 1, robot__up=0.5)
    write(path, 2, robot__up=0.75)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        write(path, 3, robot__up=1.0)
        steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
        # A line that lacks only its newline is kept: it is complete.
        before = [1] * (cut >= first - 1) + [2] * (cut >= len(whole) - 1)
        assert steps == [*before, 3], cut


def test_a_torn_line_longer_than_one_block_is_cut_off(path, caplog):
    write(path, 1, robot__up=0.5)
    with path.open("ab") as file:
        file.write(b'{"step": 2, "padding": "' + b"x" * 200_000)
    with caplog.at_level(logging.WARNING):
        write(path, 3, robot__up=1.0)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 3]
    assert "torn last line" in caplog.text


def test_a_full_disk_leaves_whole_lines(path, room_for):
    writer = JsonlWriter(path)
    writer.write(1, {"robot/up": 1.0})
    with room_for(path, 10), pytest.raises(OSError, match="disk full"):
        writer.write(2, {"robot/up": 1.0})
    writer.write(3, {"robot/up": 1.0})
    writer.close()
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 3]


def test_tensorboard_reads_back_what_was_written(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    writer = TensorBoardWriter(tmp_path, now=lambda: 1234.0)
    writer.write(10, {"robot/up": -0.5, "train/loss/recon/gyro": 2.0})
    writer.write(20, {"robot/up": 0.5})
    with pytest.raises(ValueError, match="table"):
        writer.write(30, {"robot/upp": 0.5})
    writer.close()
    writer.close()
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert [(e.step, e.value, e.wall_time) for e in events.Scalars("robot/up")] == [
        (10, -0.5, 1234.0),
        (20, 0.5, 1234.0),
    ]
    assert events.Scalars("train/loss/recon/gyro")[0].value == 2.0


class Broken:
    """A writer whose disk is gone."""

    closed = False

    def write(self, step, metrics):
        raise OSError("gone")

    def close(self):
        self.closed = True


def test_a_broken_writer_does_not_keep_the_others_from_writing(path):
    broken, jsonl = Broken(), JsonlWriter(path)
    both = Fanout(broken, jsonl)
    with pytest.raises(OSError, match="gone"):
        both.write(1, {"robot/up": 1.0})
    both.close()
    assert broken.closed
    assert path.read_text().count("\n") == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of TensorBoard's
def test_a_disk_that_was_full_costs_tensorboard_some_points_and_not_the_rest(tmp_path, monkeypatch):
    gfile = pytest.importorskip("tensorboard.compat.tensorflow_stub.io.gfile")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    time = 1000.0
    writer = TensorBoardWriter(tmp_path, now=lambda: time)
    with monkeypatch.context() as patch:
        patch.setattr(gfile.LocalFileSystem, "append", full)
        patch.setattr(gfile.LocalFileSystem, "write", full)
        with pytest.raises(OSError, match="No space"):
            for step in range(100_000):  # TensorBoard's own thread meets the disk, sooner or later
                writer.write(step, {"robot/up": 0.0})
        writer.write(1, {"robot/up": 0.0})  # nothing is tried for a minute
    time += 61.0
    writer.write(5, {"robot/up": 0.5})
    writer.close()
    writer.close()
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert events.Scalars("robot/up")[-1].value == 0.5


def test_a_full_disk_does_not_keep_a_learner_from_its_end(tmp_path, monkeypatch, caplog):
    gfile = pytest.importorskip("tensorboard.compat.tensorflow_stub.io.gfile")
    writer = TensorBoardWriter(tmp_path, now=lambda: 1000.0)
    with monkeypatch.context() as patch:
        patch.setattr(gfile.GFile, "flush", lambda self: (_ for _ in ()).throw(OSError(28, "No space left")))
        writer.close()
    assert "the newest points for TensorBoard are lost" in caplog.text

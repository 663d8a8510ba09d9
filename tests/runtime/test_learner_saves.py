"""What a learner saves, what it does when the disk refuses, and what it goes on from."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest

from daydreamer.core.errors import CheckpointError, Unsaved
from daydreamer.runtime.events import EventLog
from daydreamer.runtime.learner import Diverged, LearnerConfig
from robots.clock import ManualClock
from tests.runtime.learner_life import CONFIG, MINUTE


def test_a_damaged_checkpoint_is_an_error_and_nothing_is_trained(live):
    live(rows=60).run()
    life = live(sent=60)
    (life.run_dir.checkpoints / "000000000013" / "agent.bin").write_bytes(b"noise")
    with pytest.raises(CheckpointError, match=r"agent\.bin is damaged"):
        life.run()
    assert life.agent.updates == 0 and not life.link.published


def test_policies_without_a_checkpoint_are_an_error_never_a_fresh_start(live, tmp_path):
    one = live(rows=60)
    one.run()
    shutil.rmtree(one.run_dir.checkpoints)
    two = live(sent=60)
    with pytest.raises(CheckpointError, match="random weights"):
        two.run()
    assert two.agent.updates == 0


def test_every_checkpoint_comes_with_a_look_at_what_the_model_predicts(live):
    life = live(config=LearnerConfig(**{**vars(CONFIG), "checkpoint_every": 0.0}))
    life.run()
    # 8 sequences of 3 x 4 steps: one length to observe, two to predict
    assert life.agent.reported == {(8, 12)}
    assert any("train/open_loop/reward" in metrics for _, metrics in life.writer.lines)


def test_pictures_that_cannot_be_drawn_cost_neither_the_run_nor_a_checkpoint(live, make_agent, caplog):
    agent, saved = make_agent(), []

    def predicted(batch):
        return {}, {"open_loop/reward": np.full((8, 8), math.nan, np.float32)}  # [B, T - context]

    class Broken:
        def show(self, step, batch, report, newest):
            saved.append((life.run_dir.checkpoints / "latest").exists())
            raise ValueError("cannot convert float NaN to integer")

    agent.report = predicted
    life = live(agent=agent, gallery=Broken(), config=replace(CONFIG, checkpoint_every=0.0))
    assert life.run() == "finished"
    assert len(saved) > 1 and all(saved), "shown again, and each time after a checkpoint"
    assert (life.run_dir.checkpoints / "latest").read_text() == "000000000023"
    assert "trying again when they are next due" in caplog.text


def test_losses_that_stay_no_numbers_end_it_and_spoil_no_checkpoint(live, make_agent):
    agent = make_agent()
    life = live(agent=agent, config=LearnerConfig(**{**vars(CONFIG), "checkpoint_every": 0.0}))

    def stop():
        if agent.updates == 7:
            agent.loss = math.nan

    with pytest.raises(Diverged, match="train/loss/model"):
        life.run(stop)
    assert (life.run_dir.checkpoints / "latest").read_text() == "000000000007"
    assert len(life.link.published) == 3, "after updates 3, 4 and 6, none after that"


def test_a_policy_whose_number_cannot_be_written_down_is_not_published(live, caplog):
    life = live(rows=100)
    in_the_way = life.run_dir.path / "published.partial"
    in_the_way.mkdir()  # so the disk refuses

    def stop():
        if life.agent.updates == 10 and in_the_way.exists():
            in_the_way.rmdir()

    assert life.run(stop) == "finished"
    assert [message.version for message in life.link.published] == list(range(6)), (
        "after updates 12, 14, .. 22"
    )
    assert "trying again later" in caplog.text and life.run_dir.last_published() == 5


def test_a_full_disk_costs_a_checkpoint_and_metrics_not_the_run(live, monkeypatch, caplog):
    life = live(rows=100, config=LearnerConfig(**{**vars(CONFIG), "checkpoint_every": 0.0}))
    full = OSError(28, "No space left on device")
    refusals = {"checkpoint": 0, "metrics": 0}

    def refuse_while_full(what, do):
        def attempt(*args):
            if life.agent.updates < 10:
                refusals[what] += 1
                raise full
            return do(*args)

        return attempt

    learner = life.learner
    save, write = learner._checkpoints.save, life.writer.write
    monkeypatch.setattr(learner._checkpoints, "save", refuse_while_full("checkpoint", save))
    monkeypatch.setattr(life.writer, "write", refuse_while_full("metrics", write))
    assert life.run() == "finished"
    assert min(refusals.values()) > 0 and "No space left" in caplog.text
    assert (life.run_dir.checkpoints / "latest").read_text() == "000000000023"


def test_how_old_the_last_checkpoint_is_stands_in_the_metrics(live, monkeypatch):
    clock = ManualClock()
    life = live(rows=10_000, config=replace(CONFIG, checkpoint_every=60.0), clock=clock)
    save = life.learner._checkpoints.save

    def sometimes(*args):
        if clock.now() < 500.0:
            raise OSError(122, "Disk quota exceeded")
        save(*args)

    monkeypatch.setattr(life.learner._checkpoints, "save", sometimes)

    def stop():
        clock.advance(10.0)
        return "SIGINT" if clock.now() >= 600.0 else None

    life.run(stop)
    ages = [metrics["learner/checkpoint_age_s"] for _, metrics in life.writer.lines]
    # Refused at 60, 120 ... 480 s, taken at 540 s.
    assert ages[:53] == [10.0 * k for k in range(1, 54)], "as old as this life, while there is none"
    assert ages[53:59] == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]


def test_a_policy_that_the_disk_refuses_is_not_tried_again_at_every_update(live, monkeypatch):
    life = live(rows=100, config=replace(CONFIG, keep_policy_every=30 / MINUTE))
    tried = []

    def refuse(minutes, data):
        tried.append(minutes)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(life.run_dir, "keep_policy", refuse)
    assert life.run() == "finished"
    assert len(tried) == 1, "once until a checkpoint is due"


def test_a_last_checkpoint_that_the_disk_refuses_is_an_error(live, monkeypatch):
    life = live(rows=60)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(life.learner._checkpoints, "save", refuse)
    with pytest.raises(Unsaved, match=r"refuses the last checkpoint .*No space left") as caught:
        life.run()
    assert caught.value.exit_code == 1, "another life may find room: not one that would fail in the same way"


def test_last_metrics_that_the_disk_refuses_cost_no_checkpoint_and_no_traceback(live, monkeypatch, caplog):
    life = live(rows=60, config=replace(CONFIG, metrics_every=1e9))

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(life.writer, "write", refuse)
    assert life.run() == "finished"
    assert (life.run_dir.checkpoints / "latest").exists() and "No space left" in caplog.text


def test_an_event_that_the_disk_refuses_ends_nothing(tmp_path, caplog):
    events = EventLog(tmp_path / "events.jsonl")
    events._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115
    events.write("fault", fault="loss not finite")
    assert "No space left" in caplog.text and "loss not finite" in caplog.text
    events.close()


def test_a_checkpoint_whose_rows_are_gone_is_an_error_not_a_quiet_new_beginning(live):
    first = live(rows=60)
    first.run()
    shutil.rmtree(first.run_dir.replay)
    second = live(sent=60, rows=100)
    with pytest.raises(CheckpointError, match="holds none"):
        second.run()
    second.replay.close()

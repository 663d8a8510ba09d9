import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest

from daydreamer.core.errors import CheckpointError
from daydreamer.core.symmetry import Symmetry
from daydreamer.replay import Replay
from daydreamer.runtime.events import EventLog
from daydreamer.runtime.learner import Diverged, Learner, LearnerConfig
from daydreamer.runtime.policy import OnnxPolicy
from daydreamer.runtime.run_dir import RunDir

# 8 steps per update and 2 per row: one update per 4 rows, after 20 rows and 3 updates.
CONFIG = LearnerConfig(
    batch=2, length=4, train_ratio=2.0, prefill=20, pretrain=3, slack=4, publish_every=2, capacity=10_000,
    checkpoint_every=1e9, metrics_every=0.0,
)  # fmt: skip
MINUTE = 1200  # rows


class Lines:
    """A writer that remembers."""

    def __init__(self):
        self.lines = []

    def write(self, step, metrics):
        self.lines.append((step, dict(metrics)))

    def close(self):
        pass


class Life:
    """One life of a learner on a directory."""

    def __init__(self, path, spec, link, agent, config=CONFIG, rows=100, **options):
        self.run_dir = RunDir(path)
        path.mkdir(exist_ok=True)
        self.replay = Replay(self.run_dir.replay, spec, config.capacity, seed=1)
        self.writer, self.agent, self.link = Lines(), agent, link
        self.events = EventLog(self.run_dir.events)
        self.learner = Learner(
            agent, self.replay, link, self.run_dir, self.writer, self.events, config, spec,
            target_minutes=rows / MINUTE, **options,
        )  # fmt: skip

    def run(self, stop=lambda: None):
        try:
            return self.learner.run(stop)
        finally:
            self.replay.close()
            self.events.close()


@pytest.fixture
def live(tmp_path, spec, make_learner_link, make_agent):
    def begin(sent=0, config=CONFIG, rows=100, agent=None, **options):
        return Life(
            tmp_path / "run", spec, make_learner_link(sent), agent or make_agent(), config, rows, **options
        )

    return begin


def test_rows_pay_for_updates_and_updates_for_rows(live):
    life = live(rows=100)
    assert life.run() == "finished"
    # 20 rows, 3 updates; then (100 - 20) / 4 = 20 updates more.
    assert life.agent.updates == 23
    assert len(life.replay) == 100, "not one row more than the target"
    assert life.link.most <= 20, "never more allowed ahead than the prefill, then the slack"
    assert life.link.acknowledged == {"double-0": 100}
    assert life.link.stopped == "finished"


def test_batches_are_what_replay_samples(live):
    life = live()
    life.run()
    batch = life.agent.batches[-1]
    assert batch["count"].shape == (2, 4, 1) and batch["reward"].shape == (2, 4)
    assert (np.diff(batch["reward"]) == 1).all(), "consecutive rows"
    assert not any(key.startswith("log/") for key in batch)


def test_policies_are_published_after_pretraining_and_then_regularly(live):
    life = live(rows=60)
    life.run()
    assert [message.version for message in life.link.published] == list(range(len(life.link.published)))
    assert len(life.link.published) == 1 + len([n for n in range(4, 14) if n % 2 == 0])
    assert OnnxPolicy(life.link.published[-1].data).version == len(life.link.published) - 1


def test_the_newest_policy_explores_and_the_averaged_one_is_kept(live, make_policy):
    life = live(rows=60, config=replace(CONFIG, keep_policy_every=30 / MINUTE))
    life.run()
    assert all(message.data == make_policy(0.25, message.version) for message in life.link.published)
    kept = sorted(life.run_dir.policies.glob("*.onnx"))
    assert len(kept) == 3, "at 30 and 60 rows, and with the last checkpoint"
    assert all(path.read_bytes() == make_policy(0.75, OnnxPolicy(path.read_bytes()).version) for path in kept)


def test_policies_are_kept_for_good_by_robot_minutes(live, make_agent):
    # The prefill ends at 20 rows. A policy is due every 30 rows: at rows 30, 60, 90.
    config = replace(CONFIG, keep_policy_every=30 / MINUTE, train_ratio=8.0)
    first = live(rows=70, config=config)
    first.run()
    kept = first.run_dir.kept_minutes()
    rows = [round(minutes * MINUTE) for minutes in kept]
    assert len(rows) == 2 and 30 <= rows[0] < 60 <= rows[1] <= 70
    assert OnnxPolicy(next(iter(kept.values())).read_bytes()).version >= 0
    second = live(sent=70, rows=100, config=config)
    second.run()
    assert list(second.run_dir.kept_minutes())[:2] == list(kept), "those of before stay"
    assert len(second.run_dir.kept_minutes()) == 3


def test_the_same_directory_goes_on(live, make_agent):
    first = live(rows=60)
    first.run()
    second = live(sent=60, rows=100)
    assert second.run() == "finished"
    assert second.agent.updates == 23, "the agent went on from its 13th update"
    assert len(second.replay) == 100
    versions = [message.version for message in second.link.published]
    assert versions[0] == len(first.link.published), (
        "the restored policy is published at once, under a new number"
    )
    events = [json.loads(line)["event"] for line in second.run_dir.events.read_text().splitlines()]
    kinds = ["start", "actor connected", "first policy", "stop", "resume", "actor connected", "stop"]
    assert events == kinds


def test_random_streams_go_on_where_they_were(live):
    one = live(rows=100)
    one.run()
    expected = one.agent.batches[-1]["reward"]

    # The same 100 rows in two lives: the sampler has seen other replay sizes, so compare its state instead.
    state = json.loads((one.run_dir.checkpoints / "000000000023" / "state.json").read_text())
    again = live(sent=100, rows=100)
    again.learner._restore()
    assert again.replay.random_state() == state["sampler"]
    assert again.learner._rng.bit_generator.state == state["mirror"]
    assert expected.shape == (2, 4)
    again.replay.close()


def test_a_signal_stops_it_with_a_checkpoint(live):
    life = live(rows=10_000)
    assert life.run(lambda: "SIGINT" if life.agent.updates >= 5 else None) == "SIGINT"
    assert life.link.stopped is None, "actors go on: another learner may come"
    assert (life.run_dir.checkpoints / "latest").read_text() == "000000000005"


def test_a_damaged_checkpoint_is_an_error_and_nothing_is_trained(live):
    live(rows=60).run()
    life = live(sent=60)
    (life.run_dir.checkpoints / "000000000013" / "agent.bin").write_bytes(b"noise")
    with pytest.raises(CheckpointError, match=r"agent\.bin is damaged"):
        life.run()
    assert life.agent.updates == 0 and not life.link.published


def test_one_bad_batch_is_forgiven(live, make_agent):
    agent = make_agent()
    life = live(agent=agent)

    def stop():
        agent.loss = math.nan if agent.updates == 7 else 0.5

    assert life.run(stop) == "finished"
    faults = [line for line in life.run_dir.events.read_text().splitlines() if "fault" in line]
    assert len(faults) == 1 and "train/loss/model" in faults[0]


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


def test_metrics_scores_and_what_actors_report(live):
    life = live(rows=1500, config=LearnerConfig(**{**vars(CONFIG), "train_ratio": 2.0, "slack": 400}))
    life.run()
    step, metrics = life.writer.lines[-1]
    assert step == 1500
    assert metrics["robot/minutes"] == pytest.approx(1.25)
    assert metrics["robot/up"] == 1.0 and metrics["robot/window"] == 1000
    assert metrics["robot/reward"] == pytest.approx(np.arange(500, 1500).mean())
    assert metrics["actor/late_ms"] == 1.5
    assert metrics["replay/ratio"] == pytest.approx(life.agent.updates * 8 / 1500)
    assert any("train/loss/model" in line for _, line in life.writer.lines)
    scores = [json.loads(line) for line in life.run_dir.scores.read_text().splitlines()]
    assert len(scores) == 1 and scores[0]["rows"] >= 1000 and scores[0]["up"] == 1.0


def test_names_that_are_not_in_the_table_are_left_out(live, caplog):
    life = live(rows=60)
    life.link.metrics = {"actor/late_ms": 2.0, "actor/late_msec": 3.0}
    life.run()
    assert all("actor/late_msec" not in line for _, line in life.writer.lines)
    assert "did you mean 'actor/late_ms'" in caplog.text


def test_some_sequences_are_seen_in_the_mirror(live, spec):
    mirror = Symmetry({"count": ((0,), (-1.0,))})
    life = live(symmetry=mirror)
    life.run()
    signs = [np.sign(batch["count"][:, -1, 0]) for batch in life.agent.batches]
    assert {-1.0, 1.0} <= set(np.concatenate(signs).tolist())
    plain = live(sent=100, rows=120, symmetry=mirror, config=LearnerConfig(**{**vars(CONFIG), "mirror": 0.0}))
    plain.run()
    assert all((batch["count"] >= 0).all() for batch in plain.agent.batches)


def test_a_robot_that_does_not_wait_ends_the_run_at_its_target(live):
    life = live(sent=0, rows=40, catch_up=False)
    assert life.run() == "finished"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"recent": 1.5}, "recent"),
        ({"prefill": 1}, "prefill"),
        ({"batch": 0}, "batch"),
        ({"slack": 1}, "slack"),
    ],
)
def test_settings_that_cannot_work_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        LearnerConfig(**{**vars(CONFIG), **change})


def test_without_a_checkpoint_the_versions_in_the_rows_are_still_not_used_again(live, rows, spec):
    life = live(sent=60, rows=100)
    before = {**rows(0, 60), "policy_version": np.full(60, 7)}
    life.replay.append(before, "killed", 0)
    life.replay.close()
    life = live(sent=60, rows=100)
    life.run()
    assert [message.version for message in life.link.published][:2] == [8, 9]


def test_the_highest_version_in_the_rows_counts_wherever_it_is_stored(live, rows):
    # One robot's file was begun before another's, and goes on: its newest rows stand before the other's old ones.
    life = live(rows=20)
    life.replay.append({**rows(0, 10), "policy_version": np.full(10, 7)}, "on", 0)
    life.replay.append({**rows(0, 6000), "policy_version": np.full(6000, 3)}, "put away", 0)
    life.replay.append({**rows(10, 10), "policy_version": np.full(10, 9)}, "on", 10)
    life.replay.close()
    life = live(sent=6020, rows=10_000)
    life.run(lambda: "SIGINT" if life.link.published else None)
    assert life.link.published[0].version == 10


def test_a_number_that_was_published_is_not_given_again_after_a_kill(live):
    def killed():
        if life.agent.updates == 10:
            raise KeyboardInterrupt

    life = live(rows=100)
    with pytest.raises(KeyboardInterrupt):
        life.run(killed)
    given = [message.version for message in life.link.published]
    assert given == [0, 1, 2, 3, 4], "after updates 3, 4, 6, 8 and 10; no row has any of them"
    again = live(sent=life.link.sent, rows=120)
    again.run()
    assert again.link.published[0].version == 5


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


def test_a_policy_that_the_disk_refuses_is_not_tried_again_at_every_update(live, monkeypatch):
    life = live(rows=100, config=replace(CONFIG, keep_policy_every=30 / MINUTE))
    tried = []

    def refuse(minutes, data):
        tried.append(minutes)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(life.run_dir, "keep_policy", refuse)
    assert life.run() == "finished"
    assert len(tried) == 1, "once until a checkpoint is due"


def test_another_ratio_in_the_middle_of_a_run_owes_nothing_for_the_past(live):
    first = live(rows=60)
    first.run()
    assert first.agent.updates == 3 + 40 / 4
    second = live(sent=60, rows=100, config=replace(CONFIG, train_ratio=8.0))
    second.run()
    assert second.learner.updates == 13 + 40, "one for each of the newer rows"


def test_a_last_checkpoint_that_the_disk_refuses_is_an_error(live, monkeypatch):
    life = live(rows=60)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(life.learner._checkpoints, "save", refuse)
    with pytest.raises(OSError, match="No space left"):
        life.run()


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

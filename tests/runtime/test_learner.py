import json
import math
from dataclasses import replace

import numpy as np
import pytest

from daydreamer.core.symmetry import Symmetry
from daydreamer.runtime.learner import LearnerConfig
from daydreamer.runtime.policy import OnnxPolicy
from tests.runtime.learner_life import CONFIG, MINUTE


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


def test_one_bad_batch_is_forgiven(live, make_agent):
    agent = make_agent()
    life = live(agent=agent)

    def stop():
        agent.loss = math.nan if agent.updates == 7 else 0.5

    assert life.run(stop) == "finished"
    faults = [line for line in life.run_dir.events.read_text().splitlines() if "fault" in line]
    assert len(faults) == 1 and "train/loss/model" in faults[0]


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


@pytest.mark.parametrize("strange", [2**62, 2**53])
def test_a_row_that_names_a_policy_that_cannot_be_spoils_no_numbers(live, rows, strange):
    life = live(rows=20)
    life.replay.append({**rows(0, 60), "policy_version": np.array([strange] + [3] * 59)}, "on", 0)
    life.replay.close()
    life = live(sent=60, rows=100)
    life.run(lambda: "SIGINT" if life.link.published else None)
    assert life.link.published[0].version == 4


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


def test_another_ratio_in_the_middle_of_a_run_owes_nothing_for_the_past(live):
    first = live(rows=60)
    first.run()
    assert first.agent.updates == 3 + 40 / 4
    second = live(sent=60, rows=100, config=replace(CONFIG, train_ratio=8.0))
    second.run()
    assert second.learner.updates == 13 + 40, "one for each of the newer rows"

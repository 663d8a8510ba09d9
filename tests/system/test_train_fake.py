"""``daydreamer train`` as a person runs it, with a robot that needs no simulator."""

import json
import os
import signal

import numpy as np
import pytest

from daydreamer.runtime.policy import OnnxPolicy

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
PRESET = ("--preset", "fake-tiny")


def train(job, *more):
    return job.start("train", *PRESET, "--logdir", str(job.logdir), "--plain", "--no-monitor", *more)


def test_a_run_begins_learns_finishes_and_goes_on(job):
    # 0.3 robot minutes are 360 rows: 2 updates before, then (360 - 100) / 8 = 32 more.
    first = train(job, "--robot-minutes", "0.3")
    assert job.wait(first) == 0, job.output(first) + job.logs()
    assert job.check_rows() == 360
    state = json.loads((job.logdir / "checkpoints" / "000000000034" / "state.json").read_text())
    assert state["updates"] == 34 and state["sampled"] == 34 * 4 * 8
    assert job.metric("robot/minutes") == pytest.approx(0.3)
    assert job.metric("learner/steps") == 34
    assert "milestone" in job.output(first)

    policies = sorted((job.logdir / "policies").glob("*.onnx"))
    assert OnnxPolicy(policies[-1].read_bytes()).version == state["version"] >= 0

    config = json.loads((job.logdir / "config.yaml").read_text())
    assert config["name"] == "fake-tiny" and config["agent"]["deter"] == 32 and config["software"]["torch"]

    # The same command with more time: weights, counters and rows go on.
    second = train(job, "--robot-minutes", "0.7")
    assert job.wait(second) == 0, job.output(second) + job.logs()
    assert job.check_rows() == 840
    assert job.metric("learner/steps") == 34 + 480 // 8
    assert [line["event"] for line in job.lines("events.jsonl")].count("resume") == 1
    assert job.policy_versions()[360:].max() > state["version"], "the second life ran policies of its own"

    # And the same command with nothing left to do ends at once.
    third = train(job, "--robot-minutes", "0.7")
    assert job.wait(third) == 0 and job.check_rows() == 840

    # Its policies can be scored.
    scored = job.start("eval", str(job.logdir), "--rollouts", "2", "--seconds", "2", "--json")
    assert job.wait(scored) == 0, job.output(scored)
    result = json.loads(job.output(scored))
    assert len(result["rollouts"]) == 2 and result["stands"] is False and result["upright"] == 1.0


def test_ctrl_c_stops_both_after_a_checkpoint(job):
    process = train(job)
    job.eventually(lambda: job.metric("learner/steps") >= 4, "some updates")
    os.kill(process.pid, signal.SIGINT)
    assert job.wait(process) == 130
    events = job.lines("events.jsonl")
    assert events[-1]["event"] == "stop" and events[-1]["reason"] == "SIGINT"
    latest = (job.logdir / "checkpoints" / "latest").read_text()
    assert int(latest) == events[-1]["updates"]
    assert "stopped: SIGINT" in (job.logdir / "actor.log").read_text()
    assert job.check_rows() == events[-1]["rows"]


def test_when_the_supervisor_is_killed_nobody_is_left_behind(job):
    process = train(job)
    job.eventually(lambda: job.metric("robot/minutes") > 0, "rows")
    process.kill()
    job.wait(process)
    job.eventually(lambda: job.lines("events.jsonl")[-1]["event"] == "stop", "the learner stops by itself")
    job.eventually(lambda: "stopped: SIGTERM" in (job.logdir / "actor.log").read_text(), "and the actor")


def test_another_agent_on_the_same_directory_is_refused(job):
    first = train(job, "--robot-minutes", "0.1")
    assert job.wait(first) == 0, job.logs()
    second = train(job, "--robot-minutes", "0.2", "--set", "agent.deter=64")
    assert job.wait(second) == 2
    assert "agent.deter: was 32, is 64" in job.output(second)


def test_an_unreadable_checkpoint_is_refused(job):
    first = train(job, "--robot-minutes", "0.15")
    assert job.wait(first) == 0, job.logs()
    latest = job.logdir / "checkpoints" / (job.logdir / "checkpoints" / "latest").read_text()
    data = (latest / "agent.bin").read_bytes()
    (latest / "agent.bin").write_bytes(data[: len(data) // 2])
    rows = job.check_rows()
    second = train(job, "--robot-minutes", "0.3")
    assert job.wait(second) == 2
    assert "agent.bin is damaged" in job.output(second)
    assert job.check_rows() >= rows


def test_rows_up_and_policies_down_at_the_pace_of_the_ratio(job):
    process = train(job, "--robot-minutes", "0.4", "--set", "learner.metrics_every=0.1")
    assert job.wait(process) == 0, job.logs()
    lines = [line for line in job.lines("metrics.jsonl") if line["learner/steps"] > 2]
    ahead = [line["step"] - (100 + (line["learner/steps"] - 2) * 8) for line in lines]
    assert np.max(ahead) <= 40 + 8, "the robot is never further ahead than the slack"


def test_another_agent_learns_through_the_same_machinery(job):
    # One update before the first policy and one per row after the prefill of 100: 1 + 20.
    process = train(job, "--agent", "sac", "--robot-minutes", "0.1", "--set", "agent.batch=16")
    assert job.wait(process) == 0, job.output(process) + job.logs()
    assert job.check_rows() == 120 and job.metric("learner/steps") == 21
    config = json.loads((job.logdir / "config.yaml").read_text())
    assert config["agent"]["updates_per_step"] == 1 and config["changes"] == ["agent.batch=16", "agent=sac"]
    assert np.isfinite(job.metric("train/loss/critic")) and np.isfinite(job.metric("train/temperature"))
    # What comes after the run finds the agent there.
    scored = job.start("eval", str(job.logdir), "--rollouts", "1", "--seconds", "1", "--json")
    assert job.wait(scored) == 0, job.output(scored)

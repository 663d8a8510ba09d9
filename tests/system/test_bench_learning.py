"""``daydreamer bench learning`` that ends without a word takes its runs with it, and goes on."""

import os
import signal

import pytest

from tests.system.conftest import Job

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@pytest.fixture
def seed(tmp_path):
    """The run of the only seed."""
    (tmp_path / "out").mkdir()
    running = Job(tmp_path / "out" / "seed-0")
    yield running
    running.kill_all()


def learn(seed, minutes):
    return seed.start(
        "bench", "learning", "--preset", "fake-tiny", "--seeds", "0", "--robot-minutes", minutes, "--every", "0.1",
        "--rollouts", "1", "--seconds", "1", "--out", str(seed.logdir.parent),
    )  # fmt: skip


def stops(seed):
    return [line["reason"] for line in seed.lines("events.jsonl") if line["event"] == "stop"]


def test_a_run_does_not_outlive_the_bench_that_began_it(seed):
    first = learn(seed, "30")
    seed.eventually(lambda: seed.metric("learner/steps") >= 4, "some updates")
    os.kill(first.pid, signal.SIGKILL)  # as one that ran out of memory is
    seed.eventually(lambda: stops(seed) == ["SIGINT"], "the run has saved itself")
    minutes = seed.metric("robot/minutes")
    second = learn(seed, f"{minutes + 0.1:.3f}")
    assert seed.wait(second) == 0, seed.output(second) + seed.logs()
    assert stops(seed)[-1] == "finished" and (seed.logdir.parent / "table.md").exists()

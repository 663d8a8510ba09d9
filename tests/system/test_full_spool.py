"""The learner dies and stays away: the actor goes on until its disk holds what it may, and then holds the robot."""

import os
import signal

import numpy as np
import pytest

from daydreamer.replay import Replay
from tests.system.conftest import FAKE

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

LIMIT_MB = 1


def test_without_a_learner_the_robot_goes_on_until_the_spool_is_full_then_holds_and_no_row_is_lost(
    job, own_port
):
    address = f"127.0.0.1:{own_port}"
    # In real time, as a robot's time does not stand still; and fast, so that a megabyte is soon full.
    common = ["--preset", "fake-tiny", "--logdir", str(job.logdir), "--set", "hz=400"]
    spool = job.logdir / "actor-actor" / "spool"

    def spooled() -> int:
        return sum(file.stat().st_size for file in spool.glob("*/*"))

    learner = job.start("learner", "--bind", address, *common)
    actor = job.start(
        "actor", "--connect", address, *common, "--speed", "realtime", "--spool-mb", str(LIMIT_MB)
    )
    job.eventually(lambda: job.metric("policy/version") >= 1, "a policy of the learner drives the robot")
    os.kill(learner.pid, signal.SIGKILL)
    learner.wait()

    job.eventually(lambda: "holds its pose" in job.output(actor), "the spool is full")
    full = spooled()
    assert LIMIT_MB / 2 <= full / 2**20 <= LIMIT_MB + 1 / 16
    assert actor.poll() is None, "it holds, it does not end"

    learner = job.start("learner", "--bind", address, *common)
    job.eventually(lambda: "the robot goes on" in job.output(actor), "there is room again")
    begun = job.metric("replay/rows")
    job.eventually(lambda: job.metric("replay/rows") > begun + 1000, "and its rows come in")
    for process in (actor, learner):
        process.send_signal(signal.SIGINT)
        assert job.wait(process) == 130, job.output(process)

    assert len(job.stored()) == 1, "one life of the actor, whose rows follow one another"
    with Replay(job.logdir / "replay", job.rows(), FAKE.learner.capacity, seed=0) as replay:
        rows = replay.read(0, len(replay), ["time", "is_first", "is_last"])
    (held,) = np.flatnonzero(rows["is_last"])
    assert np.flatnonzero(rows["is_first"]).tolist() == [0, held + 1], "the gap is marked on both sides"
    assert np.argmax(np.diff(rows["time"])) == held, "and it is where the robot was held"

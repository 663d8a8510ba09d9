"""kill -9 of the actor, of the learner, and of both, ten times: no row is lost or doubled, and the job goes on."""

import os
import random
import signal
import time

import pytest

from daydreamer.runtime.backoff import Backoff
from daydreamer.runtime.supervise import Child, Supervisor, this_program

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

KILLS = 10
PAUSE = (0.0, 0.7)  # s between rows that come again and the next kill


class Killer:
    """Ten times, at a random moment of a running job, ends one or both children without a warning."""

    def __init__(self, job, children, seed):
        self.job, self.children, self.rng = job, children, random.Random(seed)
        self.victims = ["actor"] * 6 + ["learner"] * 2 + ["both"] * 2
        self.rng.shuffle(self.victims)
        self.killed = 0
        self.rows_then = 0.0
        self.next_at = None
        self.deadline = time.monotonic() + 500

    def tick(self):
        """Called by the supervisor ten times a second."""
        if self.killed == KILLS or not self.goes_on(10):
            return
        if self.next_at is None:
            self.next_at = time.monotonic() + self.rng.uniform(*PAUSE)
        elif time.monotonic() >= self.next_at:
            self.rows_then, self.next_at = self.job.metric("replay/rows"), None
            self.kill(self.victims[self.killed])
            self.killed += 1

    def goes_on(self, rows):
        """True when so many rows were stored since the last kill."""
        return self.job.metric("replay/rows") >= self.rows_then + rows

    def kill(self, victim):
        for child in self.children:
            if victim in (child.name, "both"):
                os.kill(child.process.pid, signal.SIGKILL)

    def done(self):
        """After the last kill, rows must come again."""
        assert time.monotonic() < self.deadline, (
            f"{self.killed} kills, then it did not go on:\n{self.job.logs()}"
        )
        return "went on" if self.killed == KILLS and self.goes_on(50) else None


def test_killed_ten_times_the_job_goes_on_and_every_row_is_there_once(job, own_port):
    address = f"127.0.0.1:{own_port}"
    same = ["--preset", "fake-tiny", "--logdir", str(job.logdir), "--set", "learner.checkpoint_every=0.5"]
    same += ["--set", "learner.metrics_every=0.1", "--set", "actor.report_every=0.1"]
    at_once = {"first": 0.05, "longest": 0.05, "patience": 1000}
    children = [
        Child("learner", this_program("learner", "--bind", address, *same), job.logdir / "learner.log",
              decides=True, backoff=Backoff(**at_once)),
        Child("actor", this_program("actor", "--connect", address, *same), job.logdir / "actor.log",
              backoff=Backoff(**at_once)),
    ]  # fmt: skip
    killer = Killer(job, children, seed=0)
    supervisor = Supervisor(children, tick=killer.tick)
    assert supervisor.run(killer.done) == 0, f"{supervisor.failure}\n{job.logs()}"

    assert killer.killed == KILLS
    rows = job.check_rows()
    assert rows >= acknowledged(job) > 0
    lives = [line["event"] for line in job.lines("events.jsonl")]
    assert lives.count("resume") >= 1, "the learner went on from a checkpoint"
    assert lives[-1] == "stop"


def acknowledged(job):
    """Rows that actors reported as acknowledged, summed over the actors' lives."""
    total = newest = 0
    for line in job.lines("metrics.jsonl"):
        if "link/acked" in line:
            if line["link/acked"] < newest:  # another life, which counts from 0
                total += newest
            newest = line["link/acked"]
    return total + newest

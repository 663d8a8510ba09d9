"""Hands on a running robot: real processes, a real console, a learner that hangs, viewers that misbehave."""

import os
import signal

import numpy as np
import pytest
import zmq

from daydreamer.core.transition import row_spec
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.replay import Replay
from daydreamer.runtime.hands import Wanted
from daydreamer.runtime.wanted_file import WantedFile
from daydreamer.transport import console_messages as messages
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_file import ConsoleFile
from daydreamer.transport.console_messages import HandRefused

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
LONG = 60.0  # s
PRESET = load("fake-tiny")


def rows_of(logdir, *keys):
    env = build.make_env(PRESET)
    spec = row_spec(env.obs_spec, env.act_spec)
    with Replay(logdir / "replay", spec, PRESET.learner.capacity, seed=0) as replay:
        return replay.read(0, sum(segment.count for segment in replay._segments), keys=list(keys))


def test_a_person_pauses_resumes_and_stops_a_robot_whose_learner_hangs(job, own_port):
    address = f"127.0.0.1:{own_port}"
    same = ("--preset", "fake-tiny", "--logdir", str(job.logdir))
    learner = job.start("learner", "--bind", address, *same)
    realtime = ("--connect", address, "--console", "127.0.0.1:0", "--speed", "realtime")
    actor = job.start("actor", *realtime, *same)
    directory = job.logdir / "actor-actor"
    viewer = ConsoleClient(directory / "console.json", hz=20.0, viewer="test")

    def shows(condition, what):
        seen = []

        def look():
            seen[:] = [telemetry] if (telemetry := viewer.latest(0.1)) is not None else []
            return bool(seen) and condition(seen[0])

        job.eventually(look, what)
        return seen[0]

    try:
        shows(lambda t: t.steps > 5 and t.link["connected"], "the robot moves and has a learner")
        viewer.send("pause", "Ann", LONG)
        paused = shows(lambda t: t.activity == "paused", "it is paused")
        viewer.send("resume", "Ann", LONG)
        shows(lambda t: t.steps > paused.steps + 5, "it goes on")

        found = ConsoleFile.read(directory)
        with ConsoleClient(found.address, "wrong") as stranger, pytest.raises(HandRefused):
            stranger.send("damp", timeout=LONG)
        context = zmq.Context()
        stalled = context.socket(zmq.DEALER)  # watches, and never reads
        stalled.linger = 0
        stalled.setsockopt(zmq.RCVHWM, 1)
        stalled.connect(f"tcp://{found.address}")
        stalled.send(messages.encode("watch", hz=20.0))
        before = shows(lambda t: t.viewers == 2 and t.mode == "NORMAL", "both watch, and nobody stopped it")
        shows(lambda t: t.steps > before.steps + 5, "the robot goes on")
        stalled.close()
        context.term()

        os.kill(learner.pid, signal.SIGSTOP)
        viewer.send("damp", "Ann", LONG)
        stopped = shows(lambda t: t.mode == "DAMP", "it damps though the learner hangs")
        assert stopped.activity == "stopped" and "Ann" in stopped.stopped

        os.kill(actor.pid, signal.SIGSTOP)
        job.eventually(
            lambda: viewer.latest(0.1) is None, "a robot's computer that hangs is not shown as well"
        )
        os.kill(actor.pid, signal.SIGCONT)
        shows(lambda t: t.mode == "DAMP", "it is still stopped")
    finally:
        os.kill(learner.pid, signal.SIGCONT)
        viewer.close()
    job.eventually(lambda: job.metric("actor/paused") == 1.0, "the learner knows")
    for process in (actor, learner):
        os.kill(process.pid, signal.SIGINT)
        assert job.wait(process) == 130, job.output(process)
    left = ConsoleFile.read(directory)
    assert left.ended and left.token == found.token, "it says that it has ended, and goes on under its token"

    wishes = [event["hand"] for event in job.lines("events.jsonl") if event["event"] == "hand"]
    assert wishes == ["pause", "resume", "damp"]
    rows = rows_of(job.logdir, "is_first", "is_last", "is_terminal")
    # A stop that comes while a step waits is a row by itself.
    first, last = np.flatnonzero(rows["is_first"] & ~rows["is_last"]), np.flatnonzero(rows["is_last"])
    assert first.tolist() == [0, last[0] + 1], "the pause is one stretch's end and the next one's beginning"
    assert last.tolist()[1:] == [len(rows["is_last"]) - 1], "the stop is the end of that one"
    assert not rows["is_terminal"].any(), "and no value is lost to either"


def test_a_pause_outlives_a_killed_actor(job, own_port):
    address = f"127.0.0.1:{own_port}"
    same = ("--preset", "fake-tiny", "--logdir", str(job.logdir))
    job.start("learner", "--bind", address, *same)
    realtime = ("--connect", address, "--console", "127.0.0.1:0", "--speed", "realtime")
    actor = job.start("actor", *realtime, *same)
    console = job.logdir / "actor-actor" / "console.json"

    def shows(viewer, condition, what):
        job.eventually(lambda: (seen := viewer.latest(0.1)) is not None and condition(seen), what)

    with ConsoleClient(console, hz=20.0, viewer="test") as viewer:
        shows(viewer, lambda t: t.steps > 5, "the robot moves")
        viewer.send("pause", "Ann", LONG)
        shows(viewer, lambda t: t.activity == "paused", "it is paused")
        job.eventually(
            lambda: WantedFile.read(job.logdir / "actor-actor" / "wanted") is Wanted.PAUSE, "it is written"
        )
    os.kill(actor.pid, signal.SIGKILL)
    actor.wait()
    assert not ConsoleFile.read(console).ended, "nobody knows how its robot is"

    actor = job.start("actor", *realtime, *same)
    job.eventually(lambda: ConsoleFile.read(console.parent).pid == actor.pid, "it is there again")
    with ConsoleClient(console, hz=20.0, viewer="test") as viewer:
        shows(
            viewer,
            lambda t: t.activity == "paused" and t.link["connected"],
            "it is paused, and has its learner",
        )
        assert viewer.latest(LONG).steps == 0 and "resume to go on" in viewer.latest(LONG).last_hand
        viewer.send("resume", "Ann", LONG)
        shows(viewer, lambda t: t.steps > 5, "it goes on")


def test_the_terminal_tells_of_a_robot_that_has_been_stopped(job):
    train = job.start(
        "train",
        "--preset",
        "fake-tiny",
        "--logdir",
        str(job.logdir),
        "--speed",
        "realtime",
        "--plain",
        "--no-monitor",
    )
    with ConsoleClient(job.logdir / "actor-actor" / "console.json", hz=20.0, viewer="test") as viewer:
        job.eventually(lambda: (t := viewer.latest(0.1)) is not None and t.steps > 5, "the robot moves")
        viewer.send("damp", "Ann", LONG)
    job.eventually(lambda: "the robot is stopped: DAMP: stopped by Ann" in job.output(train), "the alarm")
    os.kill(train.pid, signal.SIGINT)
    assert job.wait(train) == 130

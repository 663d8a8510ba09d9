"""Actor, bridge and a lab on ROS 2's network, each a process of its own: what is seen, what stops, what dies."""

import os
import signal
import sys

import numpy as np
import pytest

pytest.importorskip("cyclonedds", reason="cyclonedds is not installed (from a clone: pip install '.[dds]')")

from daydreamer.transport.console_client import ConsoleClient
from robots.ros2 import topics
from tests.contracts.lab_process import NETWORK, LabProcess, free_domain

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
STOP, GO = {"data": True}, {"data": False}
LONG = 60.0  # s


@pytest.fixture
def lab(monkeypatch):
    domain = free_domain()
    monkeypatch.setenv("CYCLONEDDS_URI", NETWORK)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    made = LabProcess(domain)
    yield made
    made.close()


def test_ros_2_sees_a_robot_stops_it_and_may_lose_its_bridge_at_any_time(job, own_port, lab):
    run = ("--logdir", str(job.logdir))
    nobody = f"127.0.0.1:{own_port}"  # a learner that is not there: rows wait on disk
    actor = job.start(
        *("actor", "--preset", "fake-tiny", *run, "--connect", nobody, "--console", "127.0.0.1:0"),
        *("--speed", "realtime"),
    )
    viewer = ConsoleClient(job.logdir / "actor-actor" / "console.json", hz=20.0, viewer="test")

    def shows(condition, what):
        def look():
            return (t := viewer.latest(0.1)) is not None and condition(t) and (found.append(t) or True)

        found = []
        job.eventually(look, what)
        return found[-1]

    def start_bridge(*how):
        return job.start(
            *("ros2", *run, "--backend", *(how or ("cyclonedds",))),
            program=[sys.executable, "-m", "daydreamer.cli.entry"],
        )

    try:
        for topic in topics.OUT:
            lab.hear(topic)
        lab.open(topics.PAUSE)
        shows(lambda t: t.steps > 5, "the robot moves")
        recording = job.logdir.with_suffix(".mcap")
        start_bridge("mcap", "--file", str(recording))
        bridge = start_bridge()
        lab.eventually(
            lambda: all(lab.heard[topic.name] for topic in topics.OUT), "all topics are heard", LONG
        )
        itself = ("daydreamer", "/", [len(topics.IN), len(topics.OUT)])
        lab.eventually(
            lambda: itself in [(node["node"], node["namespace"], node["ends"]) for node in lab.nodes],
            "its node is in the graph",
            LONG,
        )
        # A latched word can be older than what the console shows now; joints are of one moment.
        joints = lab.heard["/joint_states"][-1]
        assert len(joints["position"]) == 12 and joints["name"][0].endswith("_joint")
        assert abs(joints["header"]["stamp"]["sec"] - lab.times["/joint_states"][-1]) < LONG

        lab.say(topics.PAUSE, STOP)
        shows(lambda t: t.activity == "paused" and "/daydreamer/pause" in t.last_hand, "a pause over ROS 2")
        viewer.send("resume", "Ann", LONG)
        before = shows(lambda t: t.activity == "random", "it goes on")

        bridge.kill()
        bridge.wait()
        shows(lambda t: t.steps > before.steps + 20 and t.mode == "NORMAL", "the robot does not notice")

        # Said while no bridge is there, in a storm; the next one is a late joiner, and the stop is heard.
        lab.open(topics.STOP)
        lab.say(topics.STOP, STOP, times=3000)
        lab.heard["/daydreamer/mode"].clear()
        bridge = start_bridge()
        stopped = shows(lambda t: t.mode == "DAMP", "the stop damps the robot")
        assert "/estop" in stopped.stopped
        lab.eventually(lambda: {"data": "DAMP"} in lab.heard["/daydreamer/mode"], "ROS 2 is told", LONG)

        bridge.kill()
        bridge.wait()
        shows(lambda t: t.viewers == 2, "the actor has forgotten the bridge")
        assert shows(lambda t: True, "still there").mode == "DAMP", "losing the bridge clears no stop"
        viewer.send("reset", "Ann", LONG)
        shows(lambda t: t.mode == "NORMAL", "a person's reset does")
    finally:
        viewer.close()
    for process in job.processes:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGINT)
            assert job.wait(process) == 130, job.output(process)
    stops = [event for event in job.lines("events.jsonl") if event.get("hand") == "damp"]
    assert 1 <= len(stops) <= 10, "a storm of 3000 is one stop, or so"
    assert actor.returncode == 130 and np.isfinite(joints["position"]).all()
    check_recording(recording)


def check_recording(path):
    reader = pytest.importorskip("mcap.reader", reason="mcap is not installed")
    decoder = pytest.importorskip("mcap_ros2.decoder", reason="mcap-ros2-support is not installed")
    with path.open("rb") as file:
        messages = reader.make_reader(file, decoder_factories=[decoder.DecoderFactory()])
        found = {
            channel.topic: (schema.name, message)
            for schema, channel, _, message in messages.iter_decoded_messages()
        }
    assert {name: kind for name, (kind, _) in found.items()} == {one.name: one.type for one in topics.OUT}
    assert len(found["/joint_states"][1].position) == 12

"""The bridge over a fake network, its time moved by hand."""

import threading

import numpy as np
import pytest

from daydreamer.monitor.record import Record
from daydreamer.monitor.tail import Tail
from daydreamer.runtime.ros2_bridge import Bridge, BridgeConfig
from daydreamer.runtime.run_metrics import RunMetrics
from robots.ros2 import topics
from robots.ros2.back_end import NodeConfig
from tests.robots.ros2.over_fake import Bus, FakeNode
from tests.runtime.ros2_telemetry import FakeConsole, bridge_of, telemetry

STOP, GO = {"data": True}, {"data": False}


class Network:
    """A bridge and a lab on one bus."""

    def __init__(self, metrics=None, **config):
        bus, self.console = Bus(), FakeConsole()
        settings = BridgeConfig(**config)
        node = FakeNode(bus, NodeConfig("daydreamer", settings.outgoing(), settings.incoming()))
        self.lab = FakeNode(bus, NodeConfig("lab", topics.IN, settings.outgoing()))
        self.bridge, self.clock = bridge_of(node, self.console, metrics, **config)

    def tell(self, telemetry=None, after=0.0):
        self.clock.advance(after)
        self.bridge.tell(telemetry)
        return self.heard()

    def heard(self):
        found = {}
        for topic, message in self.lab.take(0.0):
            found.setdefault(topic.name, []).append(message)
        return found

    def say(self, topic, message):
        self.lab.publish(topic, message, 0.0)
        self.bridge.ears.turn(0.0)

    @property
    def wishes(self):
        return [wish for wish, _ in self.console.wishes]


def test_a_moment_is_told_on_every_topic():
    assert sorted(Network().tell(telemetry())) == sorted(topic.name for topic in topics.OUT)


def test_diagnostics_come_once_a_second_and_the_mode_when_it_changes():
    network = Network()
    network.tell(telemetry())
    quiet = network.tell(telemetry(wall=101.0), after=0.5)
    assert "/joint_states" in quiet and not {"/diagnostics", "/daydreamer/mode"} & quiet.keys()
    changed = network.tell(telemetry(wall=102.0, mode="DAMP", stopped="stopped by Ann"), after=0.1)
    assert changed["/daydreamer/mode"] == [{"data": "DAMP"}]
    assert changed["/diagnostics"][0]["status"][0]["message"] == "stopped by Ann"


def test_a_control_loop_that_hangs_is_not_told_again_but_diagnosed():
    network = Network()
    network.tell(telemetry())
    found = network.tell(telemetry(age=2.0), after=1.0)
    assert set(found) == {"/diagnostics", "/daydreamer/metrics"}


def test_a_reading_that_is_told_again_keeps_the_topics_silent_and_is_diagnosed():
    network = Network()
    network.tell(telemetry())
    found = network.tell(telemetry(reading_age=2.0, mode="DAMP", stopped="no state for 2 s"), after=2.0)
    assert set(found) == {"/diagnostics", "/daydreamer/metrics", "/daydreamer/mode"}
    (message,) = found["/diagnostics"]
    assert message["header"]["stamp"] == {"sec": 102, "nanosec": 250_000_000}  # of the sending: 100.25 + 2
    loop = next(one for one in message["status"] if one["name"] == "daydreamer: control loop")
    assert (loop["level"], loop["message"]) == (1, "no new reading for 2.0 s")


def test_the_mode_of_a_silent_actor_is_unknown_and_that_is_told_on():
    network = Network()
    network.console.problem = "the actor is silent"
    network.tell(telemetry())
    found = network.tell(None, after=0.1)
    assert found["/daydreamer/mode"] == [{"data": "UNKNOWN"}]
    status = found["/diagnostics"][0]["status"][0]
    assert (status["level"], status["message"]) == (3, "the actor is silent")


def test_the_runs_own_metrics_are_told_by_their_names(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(Record(1, 1.0, {"train/loss/dyn": 2.5, "robot/up": np.nan}).to_line())
    bus = Bus()
    node, lab = FakeNode(bus, NodeConfig("d", topics.OUT, ())), FakeNode(bus, NodeConfig("l", (), topics.OUT))
    metrics = RunMetrics(Tail(path))
    metrics.look()
    Bridge(FakeConsole(), node, BridgeConfig(hands=False), metrics).tell(telemetry())
    (message,) = [heard.message for heard in lab.take(0.0) if heard.topic == topics.METRICS]
    now, run = message["status"]
    assert {"key": "reward", "value": "5.5"} in now["values"]
    assert run["values"] == [{"key": "train/loss/dyn", "value": "2.5"}]


class Tails:
    """On a disk that does as it is told, once for each read; ``asked`` is set with the last."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), threading.Event()

    def read(self):
        answer = self.answers.pop(0)
        if not self.answers:
            self.asked.set()
        return answer()


def test_metrics_that_cannot_be_read_for_a_moment_are_read_later(monkeypatch):
    monkeypatch.setattr("daydreamer.runtime.run_metrics._EVERY", 0.001)
    go = threading.Event()

    def refuse():
        raise OSError("stale file handle")

    tail = Tails(refuse, lambda: [Record(1, 1.0, {"robot/up": 0.5})], lambda: go.wait(60) and [])
    metrics = RunMetrics(tail)
    metrics.start()
    try:
        assert tail.asked.wait(60)
        assert metrics.newest == {"robot/up": 0.5}
    finally:
        metrics.close()
        go.set()


def test_a_disk_that_hangs_silences_no_topic_and_a_stop_that_is_held_holds():
    go, told = threading.Event(), []
    tail = Tails(lambda: go.wait(60) and [])
    network = Network(metrics=RunMetrics(tail))
    ears = network.bridge.ears
    ears.start = lambda: None  # it listens below, four times a second

    def latest(timeout=0.0):
        """The robot is seen to be stopped from the third moment on; somebody resets it before the eleventh."""
        network.clock.advance(0.25)
        ears.turn(0.0)
        count = len(told)
        told.append(telemetry(wall=100 + count / 4, stopped="/estop" if 2 <= count < 10 else ""))
        return told[-1]

    network.console.latest = latest
    network.lab.publish(topics.STOP, STOP, 0.0)
    try:
        network.bridge.run(lambda: len(told) == 13)
        assert tail.asked.wait(60)
    finally:
        go.set()
    assert network.wishes == ["damp", "damp"]
    assert network.heard()["/joint_states"][-1]["header"]["stamp"]["sec"] == 103  # 100 + 12 / 4


def test_a_stop_acts_though_nothing_is_heard_of_the_robot():
    network = Network()
    network.say(topics.STOP, STOP)
    assert network.console.wishes == [("damp", "/estop on ROS 2")]


@pytest.mark.parametrize(("words", "wishes"), [((STOP,), ["damp"]), ((STOP, GO), []), ((GO, STOP), ["damp"])])
def test_of_what_was_said_before_the_bridge_came_the_newest_word_counts(words, wishes):
    bus, console, settings = Bus(), FakeConsole(), BridgeConfig()
    lab = FakeNode(bus, NodeConfig("lab", topics.IN, ()))
    for word in words:
        lab.publish(topics.STOP, word, 0.0)
    node = FakeNode(bus, NodeConfig("daydreamer", settings.outgoing(), settings.incoming()))
    bridge, clock = bridge_of(node, console)
    bridge.ears.turn(0.0)
    assert console.wishes == [], "a release may follow"
    clock.advance(0.25)
    bridge.ears.turn(0.0)
    assert [wish for wish, _ in console.wishes] == wishes


def test_a_press_from_before_the_bridge_came_counts_whatever_others_say_meanwhile():
    bus, console, settings = Bus(), FakeConsole(), BridgeConfig()
    lab = FakeNode(bus, NodeConfig("lab", topics.IN, ()))
    lab.publish(topics.STOP, STOP, 0.0)
    node = FakeNode(bus, NodeConfig("daydreamer", settings.outgoing(), settings.incoming()))
    bridge, clock = bridge_of(node, console)
    for _ in range(4):  # a button that says all the time that it is not pressed
        lab.publish(topics.STOP_LIVE, GO, 0.0)
        bridge.ears.turn(0.0)
        clock.advance(0.1)
    assert "damp" in [wish for wish, _ in console.wishes]


def test_a_stop_that_cannot_be_delivered_is_tried_again_and_diagnosed():
    network = Network()
    network.console.refusal = "no answer"
    network.say(topics.STOP, STOP)
    about = network.tell(telemetry())["/diagnostics"][0]["status"][-1]
    assert about["level"] == 2 and "not delivered: no answer" in about["message"]
    network.console.refusal = ""
    network.clock.advance(0.3)
    network.bridge.ears.turn(0.0)
    assert network.wishes == ["damp"]


def test_false_on_estop_undoes_nothing():
    network = Network()
    network.tell(telemetry(mode="DAMP", stopped="stopped by Ann"))
    network.say(topics.STOP, GO)
    network.bridge.ears.serve()
    assert network.wishes == []


def test_while_estop_says_stop_a_reset_does_not_hold_and_nothing_resumes():
    network = Network()
    network.say(topics.STOP, STOP)
    network.tell(telemetry(), after=1.5)  # somebody has reset it
    network.say(topics.RESUME, STOP)
    network.bridge.ears.serve()
    assert network.wishes == ["damp", "damp"]
    network.say(topics.STOP, GO)
    network.say(topics.RESUME, STOP)
    network.bridge.ears.serve()
    assert network.wishes == ["damp", "damp", "resume"]


def test_pause_and_resume_are_passed_on_the_newest_only_and_never_late():
    network = Network()
    for topic, message in ((topics.RESUME, STOP), (topics.PAUSE, GO), (topics.PAUSE, STOP)):
        network.say(topic, message)
    network.bridge.ears.serve()
    assert network.console.wishes == [("pause", "/daydreamer/pause on ROS 2")]
    network.clock.advance(1.0)
    network.say(topics.RESUME, STOP)
    network.clock.advance(0.6)
    network.bridge.ears.serve()
    assert network.wishes == ["pause"]


def test_a_namespace_moves_every_topic_and_a_stop_for_all_still_stops():
    network = Network(namespace="/spot")
    assert all(name.startswith("/spot/") for name in network.tell(telemetry()))
    network.say(topics.STOP, STOP)
    assert network.wishes == ["damp"]


def test_a_bridge_without_the_token_hears_nothing_and_says_so():
    network = Network(hands=False)
    assert BridgeConfig(hands=False).incoming() == []
    assert "watches only" in network.tell(telemetry())["/diagnostics"][0]["status"][-1]["message"]


@pytest.mark.parametrize("wrong", [{"hz": 0.0}, {"hz": 2000.0}, {"seldom_hz": float("nan")}])
def test_a_rate_is_a_rate(wrong):
    with pytest.raises(ValueError, match="rates"):
        BridgeConfig(**wrong)

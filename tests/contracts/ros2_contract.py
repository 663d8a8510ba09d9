"""What every back end of the bridge promises, seen from the other side of the network, by a lab that is not ours.

A back end's own test gives a ``lab`` and opens nodes (``node``), and inherits these. ``said`` holds one message of
every type.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pytest

from robots.ros2 import diagnostics, topics
from robots.ros2.back_end import BackEnd, NodeConfig
from robots.ros2.definitions import BOOL, DIAGNOSTICS, IMU, JOINT_STATE, STRING, TWIST
from robots.ros2.stamp import header
from robots.ros2.topics import Qos, Topic

HEAD = header(1234.5, "base_link")
X, Y = {"x": 0.5, "y": -1.25, "z": 9.81}, {"x": 0.0, "y": 1e-3, "z": -2.0}
SAID: dict[str, Any] = {
    BOOL: {"data": True},
    STRING: {"data": "DAMP ü"},
    TWIST: {"header": HEAD, "twist": {"linear": X, "angular": Y}},
    JOINT_STATE: {
        "header": HEAD, "name": ["FR_hip_joint", "x"], "position": [1.0, -0.5], "velocity": [], "effort": [0.25, 3.0]
    },
    IMU: {
        "header": HEAD,
        "orientation": {"x": 0.0, "y": 0.0, "z": 0.6, "w": 0.8},
        "orientation_covariance": [-1.0, *[0.0] * 8],
        "angular_velocity": X,
        "angular_velocity_covariance": [float(k) for k in range(9)],
        "linear_acceleration": Y,
        "linear_acceleration_covariance": [0.0] * 9,
    },
    DIAGNOSTICS: {
        "header": HEAD,
        "status": [diagnostics.status("safety", diagnostics.Level.ERROR, "why", "a1", {"late ms": 1.5, "n": 2})],
    },
}  # fmt: skip
STOP = {"data": True}


class Lab(Protocol):
    """The other side."""

    heard: dict[str, list[dict[str, Any]]]

    def hear(self, topic: Topic) -> None: ...
    def open(self, topic: Topic) -> None: ...
    def say(self, topic: Topic, fields: Any, times: int = 1) -> float: ...
    def eventually(self, condition: Any, what: str, timeout: float = ...) -> None: ...


class Ros2Contract:
    """Inherit, and give the fixtures ``lab`` and ``node``."""

    @pytest.fixture
    def lab(self) -> Lab:
        raise NotImplementedError

    @pytest.fixture
    def node(self) -> Any:
        """Makes a back end of a ``NodeConfig`` and closes it in the end."""
        raise NotImplementedError

    def open_bridge(self, node: Any) -> BackEnd:
        made: BackEnd = node(NodeConfig("daydreamer", topics.OUT, topics.IN))
        return made

    def hears(self, lab: Lab, back_end: BackEnd, topic: Topic, fields: Any, again: bool = True) -> list[Any]:
        """What comes on topics of that name, after saying ``fields`` until something does."""
        found: list[Any] = []

        def look() -> bool:
            if again:
                lab.say(topic, fields)
            found.extend(heard for heard in back_end.take(0.2) if heard.topic.name == topic.name)
            return bool(found)

        lab.eventually(look, f"{topic.name} is heard")
        return found

    @pytest.mark.parametrize("topic", topics.OUT, ids=lambda topic: topic.name)
    def test_what_is_published_arrives_whole(self, lab, node, topic):
        bridge = self.open_bridge(node)
        lab.hear(replace(topic, qos=Qos(reliable=True)))

        def came() -> bool:
            bridge.publish(topic, SAID[topic.type], 1234.5)
            return bool(lab.heard[topic.name])

        lab.eventually(came, f"{topic.name} arrives")
        assert lab.heard[topic.name][0] == SAID[topic.type]

    def test_what_is_said_is_heard(self, lab, node):
        bridge = self.open_bridge(node)
        for topic in (topics.STOP, topics.PAUSE, topics.RESUME):
            lab.open(topic)
            assert {heard.message["data"] for heard in self.hears(lab, bridge, topic, STOP)} == {True}

    def test_a_stop_that_was_said_before_the_bridge_was_there_is_heard(self, lab, node):
        lab.open(topics.STOP)
        lab.say(topics.STOP, STOP)
        bridge = self.open_bridge(node)
        found = self.hears(lab, bridge, topics.STOP, STOP, again=False)
        assert found[0].message == STOP

    def test_a_resume_that_was_said_before_the_bridge_was_there_is_not(self, lab, node):
        latched = replace(topics.RESUME, qos=Qos(latched=True))
        lab.open(latched)
        lab.say(latched, STOP)
        bridge = self.open_bridge(node)
        lab.open(topics.STOP)
        self.hears(lab, bridge, topics.STOP, STOP)  # so they have met
        found = self.hears(lab, bridge, latched, {"data": False})
        assert found[0].message == {"data": False}

    def test_a_stop_of_a_usual_publisher_is_heard_reliably_and_nothing_is_wrong_with_it(self, lab, node):
        usual = replace(topics.STOP, qos=Qos(reliable=True))
        bridge = self.open_bridge(node)
        lab.open(usual)
        found = self.hears(lab, bridge, usual, STOP)
        lab.say(usual, STOP)
        lab.eventually(
            lambda: found.extend(bridge.take(0.2)) or topics.STOP_LIVE in [h.topic for h in found], "reliably"
        )
        assert not any(topics.STOP.name in problem for problem in bridge.problems())

    def test_a_stop_is_heard_however_its_publisher_speaks(self, lab, node):
        bridge = self.open_bridge(node)
        careless = replace(topics.STOP, qos=Qos(reliable=False, depth=1))
        lab.open(careless)
        found = self.hears(lab, bridge, careless, STOP)
        assert {heard.topic for heard in found} == {topics.STOP_ANYHOW}

    def test_a_wish_of_too_low_quality_is_not_heard_and_that_is_told(self, lab, node):
        bridge = self.open_bridge(node)
        careless = replace(topics.PAUSE, qos=Qos(reliable=False))
        lab.open(careless)

        def told() -> bool:
            lab.say(careless, STOP)
            assert not bridge.take(0.05)
            return any(topics.PAUSE.name in problem for problem in bridge.problems())

        lab.eventually(told, "the bridge knows that somebody is not heard")

    def test_a_late_joiner_hears_the_newest_mode(self, lab, node):
        bridge = self.open_bridge(node)
        for mode in ("NORMAL", "DAMP"):
            bridge.publish(topics.MODE, {"data": mode}, 1.0)
        lab.hear(topics.MODE)
        lab.eventually(lambda: lab.heard[topics.MODE.name], "the mode arrives")
        assert lab.heard[topics.MODE.name] == [{"data": "DAMP"}]

    def test_after_a_bridge_that_left_another_one_serves_the_same_lab(self, lab, node):
        lab.hear(topics.JOINTS)
        for _ in range(2):
            bridge = self.open_bridge(node)
            lab.heard[topics.JOINTS.name].clear()

            def came(bridge: BackEnd = bridge) -> bool:
                bridge.publish(topics.JOINTS, SAID[JOINT_STATE], 1.0)
                return bool(lab.heard[topics.JOINTS.name])

            lab.eventually(came, "joints arrive")
            bridge.close()

    def test_telemetry_of_500_hz_comes_at_the_rate_that_was_asked_for(self, lab, node):
        from tests.runtime.ros2_telemetry import bridge_of, telemetry

        back_end = self.open_bridge(node)
        bridge, clock = bridge_of(back_end, hz=20.0)
        lab.hear(topics.JOINTS)
        name = topics.JOINTS.name

        def meet() -> bool:
            back_end.publish(topics.JOINTS, SAID[JOINT_STATE], 1.0)
            return bool(lab.heard[name])

        lab.eventually(meet, "they meet")
        first = float(np.ceil(clock.now()))
        for k in range(250):  # 0.5 s: 10 periods of 1/20 s
            clock.sleep_until(first + k / 500)
            before = bridge.published
            bridge.tell(telemetry(wall=1e6 + k / 500))
            if (
                bridge.published >= before + 5
            ):  # one after the other: the lab's queue is not what is tried here
                stamp = header(1e6 + k / 500)["stamp"]
                lab.eventually(lambda s=stamp: lab.heard[name][-1]["header"]["stamp"] == s, "it arrives")
        seconds = [
            one["header"]["stamp"]["sec"] + 1e-9 * one["header"]["stamp"]["nanosec"]
            for one in lab.heard[name]
        ]
        moments = np.array([one for one in seconds if one >= 1e6]) - 1e6
        assert len(moments) == 10
        assert np.diff(moments).min() > 0.02 and np.diff(moments).max() < 0.08

"""The fake back end keeps the contract, and refuses what a real one would refuse."""

import pytest

from robots.ros2 import topics
from robots.ros2.back_end import NodeConfig
from robots.ros2.cdr import MessageError
from tests.contracts.ros2_contract import Ros2Contract
from tests.robots.ros2.over_fake import Bus, FakeNode


class FakeLab:
    """Nodes on the same bus, one for each end."""

    def __init__(self, bus):
        self._bus = bus
        self._readers, self._writers, self._heard = [], {}, {}

    @property
    def heard(self):
        for node in self._readers:
            for topic, message in node.take(0.0):
                self._heard[topic.name].append(message)
        return self._heard

    def hear(self, topic):
        self._heard.setdefault(topic.name, [])
        self._readers.append(FakeNode(self._bus, NodeConfig("lab", (), (topic,))))

    def open(self, topic):
        self._writers[topic] = FakeNode(self._bus, NodeConfig("lab", (topic,), ()))

    def say(self, topic, fields, times=1):
        for _ in range(times):
            self._writers[topic].publish(topic, fields, 0.0)
        return 0.0

    def eventually(self, condition, what, timeout=0.0):
        assert condition() or condition(), what


class TestFake(Ros2Contract):
    @pytest.fixture
    def bus(self):
        return Bus()

    @pytest.fixture
    def lab(self, bus):
        return FakeLab(bus)

    @pytest.fixture
    def node(self, bus):
        return lambda config: FakeNode(bus, config)


def test_a_message_that_does_not_fit_its_type_is_refused():
    node = FakeNode(Bus(), NodeConfig("a", topics.OUT, ()))
    with pytest.raises(MessageError, match="expected the fields"):
        node.publish(topics.JOINTS, {"header": {"stamp": {"sec": 0, "nanosec": 0}}, "name": []}, 0.0)

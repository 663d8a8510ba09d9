"""Nodes inside one process, which find and hear each other by the rules of DDS: for tests."""

from __future__ import annotations

import threading
from collections import deque

from robots.ros2.back_end import Heard, NodeConfig
from robots.ros2.cdr import encode
from robots.ros2.definitions import Message
from robots.ros2.topics import Topic, is_stop


class Bus:
    """The network between fake nodes. Thread-safe."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.nodes: list[FakeNode] = []

    def join(self, node: FakeNode) -> None:
        """Let ``node`` in; it hears what latched writers have kept."""
        with self.changed:
            for other in self.nodes:
                other.meet(node)
                node.meet(other)
            self.nodes.append(node)
            self.changed.notify_all()

    def leave(self, node: FakeNode) -> None:
        """Forget ``node`` and what it kept."""
        with self.changed:
            if node in self.nodes:
                self.nodes.remove(node)


class FakeNode:
    """A back end on a ``Bus``. A message that does not fit its type is refused, as a real one would refuse it."""

    def __init__(self, bus: Bus, config: NodeConfig):
        self._bus, self._config = bus, config
        self._queues = {topic: deque[Message](maxlen=topic.qos.depth) for topic in config.incoming}
        self._kept = {topic: deque[Message](maxlen=topic.qos.depth) for topic in config.outgoing}
        self._problems: list[str] = []
        bus.join(self)

    def publish(self, topic: Topic, message: Message, wall: float) -> None:
        """Into the queues of all who match."""
        encode(topic.type, message)
        kept = self._kept[topic]
        with self._bus.changed:
            if topic.qos.latched:
                kept.append(message)
            for node in self._bus.nodes:
                for reader in node.readers(topic):
                    node._queues[reader].append(message)
            self._bus.changed.notify_all()

    def take(self, timeout: float) -> list[Heard]:
        """What came."""
        with self._bus.changed:
            self._bus.changed.wait_for(lambda: any(self._queues.values()), timeout)
            found = [Heard(topic, one) for topic, queue in self._queues.items() for one in queue]
            for queue in self._queues.values():
                queue.clear()
            return found

    def problems(self) -> list[str]:
        """Writers that ask for less than a reader here does."""
        with self._bus.changed:
            return list(self._problems)

    def close(self) -> None:
        """Leave the bus."""
        self._bus.leave(self)

    def readers(self, writer: Topic) -> list[Topic]:
        """The readers of this node that ``writer`` serves."""
        return [reader for reader in self._queues if _same(reader, writer) and reader.qos.hears(writer.qos)]

    def meet(self, newcomer: FakeNode) -> None:
        """``newcomer`` is there: what was kept goes to it, and what does not match is noted on both sides."""
        for writer, kept in self._kept.items():
            matched = newcomer.readers(writer)
            for reader in newcomer._queues:
                if not _same(reader, writer):
                    continue
                if reader not in matched:
                    if not is_stop(writer.name):
                        newcomer._problems.append(f"incompatible quality of service on {writer.name}")
                elif reader.qos.latched:
                    newcomer._queues[reader].extend(kept)


def _same(reader: Topic, writer: Topic) -> bool:
    return (reader.name, reader.type) == (writer.name, writer.type)

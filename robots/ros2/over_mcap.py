"""A recording in place of a network: what would be published goes into an MCAP file that ROS 2 tools open."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from robots.ros2.back_end import BackEndError, Heard, NodeConfig
from robots.ros2.cdr import encode
from robots.ros2.definitions import Message, text
from robots.ros2.topics import Topic

_CHUNK = 128 << 10  # bytes before compression: as much a kill may cost, about three seconds


def open_node(config: NodeConfig) -> Recording:
    """A new recording. Raises BackEndError when mcap is missing, or the file cannot be made."""
    return Recording(config)


class McapFile:
    """A new file of ROS 2 messages. It is whole after ``close``; what a killed process left, `mcap recover` mends.

    Args:
        path: Nothing is there yet.
        topics: All that may be written.

    Raises:
        ImportError: mcap is not installed.
        OSError: The disk refuses, now or later; FileExistsError.
    """

    def __init__(self, path: Path, topics: Iterable[Topic]):
        from mcap.writer import Writer

        self._file = path.open("xb")
        self._writer = Writer(self._file, chunk_size=_CHUNK)
        self._writer.start(profile="ros2", library="daydreamer")
        self._counts = dict.fromkeys(topics, 0)
        schemas = {
            kind: self._writer.register_schema(kind, "ros2msg", text(kind).encode())
            for kind in dict.fromkeys(topic.type for topic in self._counts)
        }
        self._channels = {
            topic: self._writer.register_channel(
                topic.name, "cdr", schemas[topic.type], {"offered_qos_profiles": _profile(topic)}
            )
            for topic in self._counts
        }

    def write(self, topic: Topic, message: Message, wall: float) -> None:
        """Append it, as of ``wall`` [unix s]."""
        now = round(wall * 1e9)
        data = encode(topic.type, message)
        self._writer.add_message(self._channels[topic], now, data, now, self._counts[topic] & 0xFFFFFFFF)
        self._counts[topic] += 1

    def flush(self) -> None:
        """Hand every finished chunk to the system."""
        self._file.flush()

    def close(self) -> None:
        """Finish the file. Once."""
        try:
            self._writer.finish()
        finally:
            self._file.close()


class Recording:
    """Writes; hears nothing."""

    def __init__(self, config: NodeConfig):
        try:
            import mcap.writer  # noqa: F401
        except ImportError as error:
            raise BackEndError(
                "the back end 'mcap' needs mcap; from a clone: pip install '.[mcap]', or pip install mcap"
            ) from error
        if config.file is None:
            raise BackEndError("the back end 'mcap' writes a file: name it with --file RECORDING.mcap")
        try:
            self._file = McapFile(config.file, config.outgoing)
        except FileExistsError as error:
            raise BackEndError(f"{config.file} is there already: name another file") from error
        except OSError as error:
            raise BackEndError(f"{config.file} cannot be written: {error}") from error
        self._closed = threading.Event()

    def publish(self, topic: Topic, message: Message, wall: float) -> None:
        """Append it."""
        self._file.write(topic, message, wall)

    def take(self, timeout: float) -> list[Heard]:
        """Nothing, after ``timeout`` [s]: nobody speaks to a file."""
        self._closed.wait(timeout)
        return []

    def problems(self) -> list[str]:
        """None."""
        return []

    def close(self) -> None:
        """Finish the file."""
        if not self._closed.is_set():
            self._closed.set()
            self._file.close()


def _profile(topic: Topic) -> str:
    """The writer's quality of service as rosbag2 writes it down (numbers of rmw), so that a replay offers the same."""
    for_ever = "\n    sec: 9223372036\n    nsec: 854775807"
    return "\n  ".join([
        "- history: 1",  # keep last
        f"depth: {topic.qos.depth}",
        f"reliability: {1 if topic.qos.reliable else 2}",
        f"durability: {1 if topic.qos.latched else 2}",
        f"deadline:{for_ever}",
        f"lifespan:{for_ever}",
        "liveliness: 1",
        f"liveliness_lease_duration:{for_ever}",
        "avoid_ros_namespace_conventions: false\n",
    ])  # fmt: skip

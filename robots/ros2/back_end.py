"""What carries messages: one small interface, and the choice of who implements it.

A back end is one node. ``publish`` and ``take`` may be called from two threads, each from one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

from robots.robot import RobotError
from robots.ros2.definitions import Message
from robots.ros2.topics import Topic

NAMES = ("rclpy", "cyclonedds", "mcap")
_MODULES = {name: f"robots.ros2.over_{name}" for name in NAMES}


class BackEndError(RobotError):
    """A back end is not installed, or cannot work as it was asked to; the text says what to do."""


class Heard(NamedTuple):
    """A message that came."""

    topic: Topic
    message: Message


@dataclass(frozen=True)
class NodeConfig:
    """One node.

    Attributes:
        name: As in `ros2 node list`, without namespace.
        namespace: Empty, or as "/spot".
        outgoing: What it publishes; names are whole.
        incoming: What it hears; the same name may stand here with several qualities of service.
        domain: The DDS domain; None: ROS_DOMAIN_ID, else 0.
        file: The recording that the back end ``mcap`` writes.
        distribution: Of the ROS 2 around, as "humble"; empty: not known.
    """

    name: str
    outgoing: Sequence[Topic]
    incoming: Sequence[Topic]
    namespace: str = ""
    domain: int | None = None
    file: Path | None = None
    distribution: str = ""

    def __post_init__(self) -> None:
        if self.domain is not None and not 0 <= self.domain <= 232:
            raise BackEndError(f"a domain is 0 to 232, got {self.domain}")


class BackEnd(Protocol):
    """A node of ROS 2, or what stands in for one."""

    def publish(self, topic: Topic, message: Message, wall: float) -> None:
        """Say ``message`` on ``topic``, one of the outgoing; ``wall`` is now [unix s]. One that cannot go is lost."""
        ...

    def take(self, timeout: float) -> list[Heard]:
        """What came since the last call, oldest first within a topic, after waiting up to ``timeout`` [s] for some."""
        ...

    def problems(self) -> list[str]:
        """Who is not heard or served, and why, for a person; empty: nothing is known to be wrong."""
        ...

    def close(self) -> None:
        """Leave. Idempotent; not while another thread is in ``take``."""
        ...


def open_back_end(name: str, config: NodeConfig) -> BackEnd:
    """The back end ``name``, one of NAMES, open.

    Raises:
        BackEndError: there is none of that name, it is not installed, or it does not start.
    """
    if name not in _MODULES:
        raise BackEndError(f"a back end is one of {', '.join(NAMES)}; got {name!r:.40}")
    make: Callable[[NodeConfig], BackEnd] = import_module(_MODULES[name]).open_node
    return make(config)

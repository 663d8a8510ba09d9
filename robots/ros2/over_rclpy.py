"""A node of ROS 2 through its own Python library, rclpy, which comes with a ROS 2 install and with nothing else."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import Any

from robots.ros2.back_end import BackEndError, Heard, NodeConfig
from robots.ros2.definitions import ONE, Field, Message, fields
from robots.ros2.topics import Qos, Topic, is_stop

_log = logging.getLogger(__name__)
_AT_ONCE = 200  # callbacks served in one go


def open_node(config: NodeConfig) -> RclpyNode:
    """A node on the network. Raises BackEndError when rclpy is missing, or does not start."""
    try:
        import rclpy  # noqa: F401
    except ImportError as error:
        raise BackEndError(
            f"rclpy cannot be imported by this Python, {sys.version_info.major}.{sys.version_info.minor} ({error}): "
            "`source /opt/ros/DISTRO/setup.bash` and use that ROS 2's own Python (Humble 3.10, Jazzy 3.12), in which "
            "numpy, pyzmq and msgpack are installed; or take --backend cyclonedds, which needs no ROS 2"
        ) from error
    return RclpyNode(config)


class RclpyNode:
    """A node in a context of its own: signals stay with whoever runs it."""

    def __init__(self, config: NodeConfig):
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node

        self._heard: deque[Heard] = deque(maxlen=10 * _AT_ONCE)
        self._problems: dict[str, str] = {}
        self._context = Context()
        rclpy.init(args=[], context=self._context, domain_id=config.domain)
        self._node = Node(
            config.name,
            namespace=config.namespace or None,
            context=self._context,
            use_global_arguments=False,
            start_parameter_services=False,
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._publishers = {
            topic: self._node.create_publisher(message_class(topic.type), topic.name, _profile(topic.qos))
            for topic in config.outgoing
        }
        self._subscriptions = [self._subscribe(topic) for topic in config.incoming]
        self._closed = False

    def publish(self, topic: Topic, message: Message, wall: float) -> None:
        """To all who match."""
        self._publishers[topic].publish(to_ros(topic.type, message))

    def take(self, timeout: float) -> list[Heard]:
        """What came."""
        self._executor.spin_once(timeout_sec=timeout)
        for _ in range(_AT_ONCE):
            before = len(self._heard)
            self._executor.spin_once(timeout_sec=0.0)
            if len(self._heard) == before:
                break
        found = []
        while self._heard:
            found.append(self._heard.popleft())
        return found

    def problems(self) -> list[str]:
        """Writers that ask for less than a reader here does."""
        return list(self._problems.values())

    def close(self) -> None:
        """Leave the network."""
        if self._closed:
            return
        self._closed = True
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _subscribe(self, topic: Topic) -> Any:
        def came(message: Any) -> None:
            self._heard.append(Heard(topic, from_ros(topic.type, message)))

        def incompatible(event: Any) -> None:
            if is_stop(topic.name):
                return
            text = f"incompatible quality of service on {topic.name}: {event.total_count} times"
            self._problems[topic.name] = f"{text}, policy {event.last_policy_kind}"
            _log.warning("%s", self._problems[topic.name])

        return self._node.create_subscription(
            message_class(topic.type),
            topic.name,
            came,
            _profile(topic.qos),
            event_callbacks=_event_callbacks()(incompatible_qos=incompatible),
        )


def _event_callbacks() -> Any:
    try:
        from rclpy.event_handler import SubscriptionEventCallbacks  # from Iron on
    except ImportError:
        from rclpy.qos_event import SubscriptionEventCallbacks
    return SubscriptionEventCallbacks


def _profile(qos: Qos) -> Any:
    from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=qos.depth,
        reliability=ReliabilityPolicy.RELIABLE if qos.reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if qos.latched else DurabilityPolicy.VOLATILE,
    )


def message_class(kind: str) -> Any:
    """rclpy's class of the message type ``kind``. Raises BackEndError when its package is not installed."""
    package, _, short = kind.replace("/", ".").rpartition(".")
    try:
        return getattr(import_module(package), short)
    except ImportError as error:
        name = kind.partition("/")[0].replace("_", "-")
        raise BackEndError(f"{kind} is not installed: sudo apt install ros-$ROS_DISTRO-{name}") from error


def to_ros(kind: str, message: Message) -> Any:
    """``message`` as an instance of rclpy's class."""
    made = message_class(kind)()
    for field in fields(kind):
        setattr(made, field.name, _each(field, message[field.name], to_ros, lambda byte: bytes([byte])))
    return made


def from_ros(kind: str, message: Any) -> Message:
    """The fields of an instance of rclpy's class."""
    return {
        field.name: _each(field, getattr(message, field.name), from_ros, lambda byte: byte[0])
        for field in fields(kind)
    }


def _each(
    field: Field, value: Any, convert: Callable[[str, Any], Any], one_byte: Callable[[Any], Any]
) -> Any:
    """rclpy knows a ROS `byte` as bytes of length 1, and gives arrays in types of its own."""
    if "/" in field.type:
        return (
            convert(field.type, value) if field.size == ONE else [convert(field.type, one) for one in value]
        )
    if field.type == "byte":
        return one_byte(value) if field.size == ONE else [one_byte(one) for one in value]
    return value if field.size == ONE else list(value)

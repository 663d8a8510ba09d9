"""A node of ROS 2 made of Cyclone DDS alone: topics only, no ROS 2 installed, any Python that has a wheel.

On the wire it is what rmw_cyclonedds makes: topic `/x` is `rt/x`, type `sensor_msgs/msg/JointState` is
`sensor_msgs::msg::dds_::JointState_`, keyless and XCDR1. CYCLONEDDS_URI configures the network, as for ROS 2.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from robots.ros2.back_end import BackEndError, Heard, NodeConfig
from robots.ros2.definitions import ANY, HASHES, ONE, Field, Message, fields
from robots.ros2.topics import Topic, is_stop

_log = logging.getLogger(__name__)

_AT_ONCE = 100  # messages of one reader taken in one go
_BLOCKED = (
    10_000_000  # ns that a writer may wait for a reader that does not keep up; then the message is lost
)
_LOOPBACK = (
    "<CycloneDDS><Domain><General><Interfaces><NetworkInterface address='127.0.0.1'/></Interfaces>"
    "<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>"
    "<Peers><Peer address='127.0.0.1'/></Peers></Discovery></Domain></CycloneDDS>"
)


def open_node(config: NodeConfig) -> CycloneNode:
    """A node on the network. Raises BackEndError when cyclonedds is missing, or the network cannot be used."""
    try:
        import cyclonedds.core  # noqa: F401
    except ImportError as error:
        raise BackEndError(
            f"the back end 'cyclonedds' needs it ({error}); from a clone: pip install '.[dds]', or pip install "
            "cyclonedds; where there is no wheel, as on aarch64, use rclpy"
        ) from error
    from cyclonedds.core import DDSException

    if "CYCLONEDDS_URI" not in os.environ and _stays_here(os.environ):
        os.environ["CYCLONEDDS_URI"] = _LOOPBACK
    try:
        return CycloneNode(config)
    except DDSException as error:
        raise BackEndError(
            f"Cyclone DDS does not start: {error}. Look at CYCLONEDDS_URI and ROS_DOMAIN_ID"
        ) from error


class CycloneNode:
    """A participant with its readers and writers, and the announcement that makes it a node."""

    def __init__(self, config: NodeConfig):
        from cyclonedds import core, domain, pub, sub, topic
        from cyclonedds.qos import Policy, Qos
        from cyclonedds.util import duration

        from robots.ros2.cyclone_node import announce

        number = int(os.environ.get("ROS_DOMAIN_ID") or 0) if config.domain is None else config.domain
        self._duration, self._error = duration, core.DDSException
        self._problems: dict[str, str] = {}
        self._lost = 0
        self._participant: Any = domain.DomainParticipant(number, Qos(Policy.Userdata(b"enclave=/;")))
        topics = {
            name: topic.Topic(self._participant, f"rt{name}", idl_type(kind))
            for name, kind in {one.name: one.type for one in (*config.outgoing, *config.incoming)}.items()
        }
        listener = core.Listener(on_requested_incompatible_qos=self._incompatible)
        self._writers = {
            one: pub.DataWriter(self._participant, topics[one.name], _qos(one, writes=True))
            for one in config.outgoing
        }
        self._readers = {
            one: sub.DataReader(self._participant, topics[one.name], _qos(one, writes=False), listener)
            for one in config.incoming
        }
        new = core.ViewState.Any | core.SampleState.NotRead | core.InstanceState.Any
        self._conditions = {one: core.ReadCondition(reader, new) for one, reader in self._readers.items()}
        self._waiting: Any = core.WaitSet(self._participant)
        for condition in self._conditions.values():
            self._waiting.attach(condition)
        self._announced = announce(
            self._participant, config, [*self._readers.values()], [*self._writers.values()]
        )

    def publish(self, topic: Topic, message: Message, wall: float) -> None:
        """To all who match."""
        try:
            self._writers[topic].write(to_idl(topic.type, message))
        except self._error as error:
            self._lost += 1
            self._problems["lost"] = f"{self._lost} messages were lost, the last on {topic.name}: {error}"

    def take(self, timeout: float) -> list[Heard]:
        """What came."""
        if self._conditions:
            self._waiting.wait(self._duration(seconds=timeout))
        found = []
        for topic, reader in self._readers.items():
            for sample in reader.take(_AT_ONCE, condition=self._conditions[topic]):
                if sample.sample_info.valid_data:  # else a writer has left
                    found.append(Heard(topic, from_idl(topic.type, sample)))
        return found

    def problems(self) -> list[str]:
        """Writers that ask for less than a reader here does, and what was lost."""
        return list(self._problems.values())

    def close(self) -> None:
        """Leave the network, all of it at once."""
        for owner in (self._conditions, self._readers, self._writers):
            owner.clear()
        self._waiting = self._announced = self._participant = None

    def _incompatible(self, reader: Any, status: Any) -> None:
        """In a thread of Cyclone's."""
        name = reader.topic.name.removeprefix("rt")
        if is_stop(name):
            return
        text = f"incompatible quality of service on {name}: {status.total_count} times, policy {status.last_policy_id}"
        self._problems[name] = text


def _stays_here(environment: Mapping[str, str]) -> bool:
    """Whether ROS 2's own settings say that nothing leaves this computer."""
    reach = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").upper()
    return environment.get("ROS_LOCALHOST_ONLY") == "1" or reach in ("LOCALHOST", "OFF")


def _qos(topic: Topic, writes: bool) -> Any:
    from cyclonedds.qos import Policy, Qos

    policies = [
        Policy.Reliability.Reliable(_BLOCKED) if topic.qos.reliable else Policy.Reliability.BestEffort,
        Policy.Durability.TransientLocal if topic.qos.latched else Policy.Durability.Volatile,
        Policy.History.KeepLast(topic.qos.depth),
        Policy.Userdata(f"typehash={HASHES[topic.type]};".encode()),
    ]
    if topic.qos.latched and writes:
        # What late joiners get: by default it would be the newest one only, whatever the history.
        policies.append(Policy.DurabilityService(0, Policy.History.KeepLast(topic.qos.depth), -1, -1, -1))
    return Qos(*policies)


_types: dict[str, Any] = {}


def idl_type(kind: str) -> Any:
    """The class that Cyclone serialises for the message type ``kind``, made once."""
    if kind not in _types:
        from cyclonedds.idl import make_idl_struct

        package, _, short = kind.rpartition("/")
        dotted = f"{package.replace('/', '.')}.dds_.{short}_"
        _types[kind] = make_idl_struct(
            f"{short}_", dotted, {field.name: _annotation(field) for field in fields(kind)}
        )
    return _types[kind]


def _annotation(field: Field) -> Any:
    types: Any = import_module("cyclonedds.idl.types")  # its generics are none to a type checker
    plain = {"bool": bool, "string": str, "byte": types.uint8}
    base = plain.get(field.type) or getattr(types, field.type, None) or idl_type(field.type)
    if field.size == ONE:
        return base
    return types.sequence[base] if field.size == ANY else types.array[base, field.size]


def to_idl(kind: str, message: Message) -> Any:
    """``message`` as an instance of ``idl_type(kind)``."""
    return idl_type(kind)(**{field.name: _each(field, message[field.name], to_idl) for field in fields(kind)})


def from_idl(kind: str, sample: Any) -> Message:
    """The fields of an instance of ``idl_type(kind)``."""
    return {field.name: _each(field, getattr(sample, field.name), from_idl) for field in fields(kind)}


def _each(field: Field, value: Any, convert: Callable[[str, Any], Any]) -> Any:
    if "/" not in field.type:
        return value
    return convert(field.type, value) if field.size == ONE else [convert(field.type, one) for one in value]

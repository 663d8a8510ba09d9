"""What makes a participant of DDS a node in `ros2 node list`: a word on the topic `ros_discovery_info`.

Source: rmw_dds_common/msg/ParticipantEntitiesInfo; a GID there has 24 bytes up to Humble, 16 from Iron on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from robots.ros2.back_end import NodeConfig

_LONG_GID = ("foxy", "galactic", "humble")


@cache
def _types(gid_bytes: int) -> tuple[Any, Any, Any]:
    from cyclonedds.idl import make_idl_struct

    types: Any = import_module("cyclonedds.idl.types")  # its generics are none to a type checker
    name, many = types.bounded_str[256], types.sequence
    home = "rmw_dds_common.msg.dds_"
    gid = make_idl_struct("Gid_", f"{home}.Gid_", {"data": types.array[types.uint8, gid_bytes]})
    node = make_idl_struct(
        "NodeEntitiesInfo_",
        f"{home}.NodeEntitiesInfo_",
        {
            "node_namespace": name,
            "node_name": name,
            "reader_gid_seq": many[gid],
            "writer_gid_seq": many[gid],
        },
    )
    whole = make_idl_struct(
        "ParticipantEntitiesInfo_",
        f"{home}.ParticipantEntitiesInfo_",
        {"gid": gid, "node_entities_info_seq": many[node]},
    )
    return gid, node, whole


def announce(participant: Any, config: NodeConfig, readers: Sequence[Any], writers: Sequence[Any]) -> Any:
    """Say which node these ends belong to; keep what is returned as long as the node lives."""
    from cyclonedds import pub, topic
    from cyclonedds.qos import Policy, Qos

    size = 24 if config.distribution.lower() in _LONG_GID else 16
    gid, node, whole = _types(size)

    def named(entity: Any) -> Any:
        return gid(list(entity.guid.bytes.ljust(size, b"\0")))

    about = topic.Topic(participant, "ros_discovery_info", whole)
    latched = Qos(
        Policy.Reliability.Reliable(10_000_000),
        Policy.Durability.TransientLocal,
        Policy.History.KeepLast(1),
        Policy.DurabilityService(0, Policy.History.KeepLast(1), -1, -1, -1),
    )
    writer = pub.DataWriter(participant, about, latched)
    ends = node(config.namespace or "/", config.name, [*map(named, readers)], [*map(named, writers)])
    writer.write(whole(named(participant), [ends]))
    return writer

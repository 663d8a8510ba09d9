"""The ROS 2 messages of the bridge and of recordings, by their definitions; they are the same from Humble to Jazzy.

Everything that a back end must know of a message comes from here: its fields, the text that a recording carries, and
the hash (REP 2016) by which ROS 2 from Iron on compares types. As data a message is a dict of its fields: numbers,
strings, lists, and dicts again.

Source: std_msgs, sensor_msgs, geometry_msgs, tf2_msgs, diagnostic_msgs, rcl_interfaces, builtin_interfaces of ROS 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

Message = Mapping[str, Any]  # field by name

BOOL = "std_msgs/msg/Bool"
STRING = "std_msgs/msg/String"
JOINT_STATE = "sensor_msgs/msg/JointState"
IMU = "sensor_msgs/msg/Imu"
TWIST = "geometry_msgs/msg/TwistStamped"
DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"
# In recordings alone:
FLOAT = "std_msgs/msg/Float64"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
LOG = "rcl_interfaces/msg/Log"

DEFINITIONS = {
    "builtin_interfaces/msg/Time": "int32 sec\nuint32 nanosec",
    "std_msgs/msg/Header": "builtin_interfaces/Time stamp\nstring frame_id",
    BOOL: "bool data",
    STRING: "string data",
    FLOAT: "float64 data",
    "geometry_msgs/msg/Vector3": "float64 x\nfloat64 y\nfloat64 z",
    "geometry_msgs/msg/Quaternion": "float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1",
    "geometry_msgs/msg/Twist": "Vector3 linear\nVector3 angular",
    TWIST: "std_msgs/Header header\nTwist twist",
    "geometry_msgs/msg/Transform": "Vector3 translation\nQuaternion rotation",
    "geometry_msgs/msg/TransformStamped": (
        "std_msgs/Header header\nstring child_frame_id\nTransform transform"
    ),
    TRANSFORMS: "geometry_msgs/TransformStamped[] transforms",
    JOINT_STATE: (
        "std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\nfloat64[] effort"
    ),
    IMU: (
        "std_msgs/Header header\n"
        "geometry_msgs/Quaternion orientation\nfloat64[9] orientation_covariance\n"
        "geometry_msgs/Vector3 angular_velocity\nfloat64[9] angular_velocity_covariance\n"
        "geometry_msgs/Vector3 linear_acceleration\nfloat64[9] linear_acceleration_covariance"
    ),
    "diagnostic_msgs/msg/KeyValue": "string key\nstring value",
    "diagnostic_msgs/msg/DiagnosticStatus": (
        "byte OK=0\nbyte WARN=1\nbyte ERROR=2\nbyte STALE=3\n"
        "byte level\nstring name\nstring message\nstring hardware_id\nKeyValue[] values"
    ),
    DIAGNOSTICS: "std_msgs/Header header\nDiagnosticStatus[] status",
    LOG: (
        "byte DEBUG=10\nbyte INFO=20\nbyte WARN=30\nbyte ERROR=40\nbyte FATAL=50\n"
        "builtin_interfaces/Time stamp\nuint8 level\nstring name\nstring msg\nstring file\nstring function\nuint32 line"
    ),
}

# Of those that travel by themselves on a network. Informational on DDS; Jazzy warns where one is missing.
HASHES = {
    BOOL: "RIHS01_feb91e995ff9ebd09c0cb3d2aed18b11077585839fb5db80193b62d74528f6c9",
    STRING: "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18",
    JOINT_STATE: "RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e",
    IMU: "RIHS01_7d9a00ff131080897a5ec7e26e315954b8eae3353c3f995c55faf71574000b5b",
    TWIST: "RIHS01_5f0fcd4f81d5d06ad9b4c4c63e3ea51b82d6ae4d0558f1d475229b1121db6f64",
    DIAGNOSTICS: "RIHS01_5a8a36efb05fb25070fa0fb3810290c0e6cd4862b54a8fb975a1ee8dc55a333e",
}

PRIMITIVES = frozenset({"bool", "byte", "uint8", "int32", "uint32", "float32", "float64", "string"})
ONE, ANY = -1, 0  # how many values a field holds; a positive number: exactly so many

_TYPE = re.compile(r"([\w/]+)(\[(\d*)\])?")


class Field(NamedTuple):
    """One field of a message."""

    name: str
    type: str  # one of PRIMITIVES, or a key of DEFINITIONS
    size: int  # ONE, ANY, or a fixed number


@cache
def fields(message: str) -> tuple[Field, ...]:
    """The fields of the message type ``message``, in order."""
    package = message.partition("/")[0]
    found = []
    for line in DEFINITIONS[message].splitlines():
        if "=" in line:  # a constant
            continue
        kind, name, *_ = line.split()
        match = _TYPE.fullmatch(kind)
        assert match, line
        base, many, number = match.groups()
        if base not in PRIMITIVES:
            owner, _, short = base.rpartition("/")
            base = f"{owner or package}/msg/{short}"
        found.append(Field(name, base, ONE if many is None else int(number or ANY)))
    return tuple(found)


@cache
def needed(message: str) -> tuple[str, ...]:
    """``message`` and every message type inside it, each once, the outer ones first."""
    found = [message]
    for field in fields(message):
        if field.type not in PRIMITIVES:
            found += [one for one in needed(field.type) if one not in found]
    return tuple(dict.fromkeys(found))


def text(message: str) -> str:
    """The definition of ``message`` with those inside it, in the form that recordings carry."""
    parts = [DEFINITIONS[message]]
    for inner in needed(message)[1:]:
        parts.append(f"{'=' * 80}\nMSG: {inner.replace('/msg/', '/')}\n{DEFINITIONS[inner]}")
    return "\n".join(parts) + "\n"

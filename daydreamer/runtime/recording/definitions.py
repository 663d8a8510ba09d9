"""The ROS 2 messages in a recording, by their definitions; they are the same from Humble to Jazzy.

Source: std_msgs, sensor_msgs, geometry_msgs, tf2_msgs, diagnostic_msgs, rcl_interfaces, builtin_interfaces of ROS 2.
"""

from __future__ import annotations

import re

from robots.ros2.definitions import DEFINITIONS, DIAGNOSTICS, IMU, JOINT_STATE, STRING, TWIST

FLOAT = "std_msgs/msg/Float64"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
LOG = "rcl_interfaces/msg/Log"

# What the bridge to ROS 2 says in the same words is said there alone.
_SHARED = (
    "builtin_interfaces/msg/Time", "std_msgs/msg/Header", STRING, "geometry_msgs/msg/Vector3",
    "geometry_msgs/msg/Quaternion", JOINT_STATE, IMU, "diagnostic_msgs/msg/KeyValue",
)  # fmt: skip
_FIELDS = {kind: DEFINITIONS[kind] for kind in _SHARED} | {
    FLOAT: "float64 data",
    "geometry_msgs/msg/Twist": "geometry_msgs/Vector3 linear\ngeometry_msgs/Vector3 angular",
    "geometry_msgs/msg/Transform": "geometry_msgs/Vector3 translation\ngeometry_msgs/Quaternion rotation",
    "geometry_msgs/msg/TransformStamped": (
        "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/Transform transform"
    ),
    TWIST: "std_msgs/Header header\ngeometry_msgs/Twist twist",
    TRANSFORMS: "geometry_msgs/TransformStamped[] transforms",
    "diagnostic_msgs/msg/DiagnosticStatus": (
        "byte OK=0\nbyte WARN=1\nbyte ERROR=2\nbyte STALE=3\n"
        "byte level\nstring name\nstring message\nstring hardware_id\ndiagnostic_msgs/KeyValue[] values"
    ),
    DIAGNOSTICS: "std_msgs/Header header\ndiagnostic_msgs/DiagnosticStatus[] status",
    LOG: (
        "byte DEBUG=10\nbyte INFO=20\nbyte WARN=30\nbyte ERROR=40\nbyte FATAL=50\n"
        "builtin_interfaces/Time stamp\nuint8 level\nstring name\nstring msg\nstring file\nstring function\nuint32 line"
    ),
}
_PART = re.compile(r"^(\w+)/(\w+)(?:\[\d*\])? ", re.MULTILINE)


def text(kind: str) -> str:
    """The definition of ``kind`` and of everything in it, as MCAP's schema encoding ``ros2msg`` wants it."""
    parts = _parts(kind, {})
    rest = [f"{'=' * 80}\nMSG: {_short(part)}\n{fields}" for part, fields in parts.items() if part != kind]
    return "\n".join([_FIELDS[kind], *rest])


def _parts(kind: str, found: dict[str, str]) -> dict[str, str]:
    if kind not in found:
        found[kind] = _FIELDS[kind]
        for package, name in _PART.findall(_FIELDS[kind]):
            _parts(f"{package}/msg/{name}", found)
    return found


def _short(kind: str) -> str:
    return kind.replace("/msg/", "/")

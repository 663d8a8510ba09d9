"""The ROS 2 messages in a recording, by their definitions; they are the same from Humble to Jazzy.

Source: std_msgs, sensor_msgs, geometry_msgs, tf2_msgs, diagnostic_msgs, rcl_interfaces, builtin_interfaces of ROS 2.
"""

from __future__ import annotations

import re

FLOAT = "std_msgs/msg/Float64"
STRING = "std_msgs/msg/String"
JOINT_STATE = "sensor_msgs/msg/JointState"
IMU = "sensor_msgs/msg/Imu"
TWIST = "geometry_msgs/msg/TwistStamped"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"
LOG = "rcl_interfaces/msg/Log"

_FIELDS = {
    "builtin_interfaces/msg/Time": "int32 sec\nuint32 nanosec",
    "std_msgs/msg/Header": "builtin_interfaces/Time stamp\nstring frame_id",
    FLOAT: "float64 data",
    STRING: "string data",
    "geometry_msgs/msg/Vector3": "float64 x\nfloat64 y\nfloat64 z",
    "geometry_msgs/msg/Quaternion": "float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1",
    "geometry_msgs/msg/Twist": "geometry_msgs/Vector3 linear\ngeometry_msgs/Vector3 angular",
    "geometry_msgs/msg/Transform": "geometry_msgs/Vector3 translation\ngeometry_msgs/Quaternion rotation",
    "geometry_msgs/msg/TransformStamped": (
        "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/Transform transform"
    ),
    TWIST: "std_msgs/Header header\ngeometry_msgs/Twist twist",
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

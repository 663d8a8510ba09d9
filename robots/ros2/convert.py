"""From what was seen of a robot to the fields of ROS 2 messages: pure, and without ROS.

Units and axes are those of REP 103 on both sides, so little is converted; names, stamps and frames are what ROS 2
expects: joints as in the robot's URDF, the time of the reading and not of the sending.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from robots.robot import Array
from robots.ros2 import topics
from robots.ros2.definitions import Message
from robots.ros2.seen import Seen
from robots.ros2.stamp import header
from robots.ros2.topics import Topic

BASE, IMU_FRAME, WORLD = "base_link", "imu_link", "odom"
UNKNOWN = "UNKNOWN"  # the mode of a robot whose actor is silent
_DRIVEN = ("NORMAL", "HOLD")  # modes in which the motors have targets
_NO_ESTIMATE = -1.0  # in the first place of a covariance (sensor_msgs/Imu)


@dataclass(frozen=True)
class ImuNoise:
    """Standard deviations of the IMU, the same about each axis; 0: not known, which is what ROS 2 is told then."""

    orientation: float = 0.0  # rad
    gyro: float = 0.0  # rad/s
    accel: float = 0.0  # m/s^2

    def __post_init__(self) -> None:
        if not all(math.isfinite(one) and one >= 0 for one in (self.orientation, self.gyro, self.accel)):
            raise ValueError(f"standard deviations are finite and not negative, got {self}")


def joint_states(seen: Seen) -> Message:
    """sensor_msgs/JointState, measured."""
    return _joint_state(seen, joint_names(seen), seen.joint_pos, seen.joint_vel, seen.joint_torque)


def joint_commands(seen: Seen) -> Message | None:
    """sensor_msgs/JointState with the targets alone; None while the motors have none."""
    if seen.mode not in _DRIVEN or not np.isfinite(seen.joint_target).all():
        return None
    return _joint_state(seen, joint_names(seen), seen.joint_target)


def foot_contacts(seen: Seen) -> Message:
    """sensor_msgs/JointState by foot link: position 1.0 on the ground, effort the force in the robot's own unit."""
    names = [f"{name}_foot" for name in seen.foot_names]
    return _joint_state(seen, names, seen.foot_contact, None, seen.foot_force)


def imu(seen: Seen, noise: ImuNoise | None = None) -> Message:
    """sensor_msgs/Imu. A quaternion that is no rotation is marked as no estimate."""
    noise = noise or ImuNoise()
    turned = _covariance(noise.orientation)
    quat = seen.quat_xyzw
    if not _is_rotation(quat):
        quat, turned = np.array([0.0, 0.0, 0.0, 1.0]), [_NO_ESTIMATE, *[0.0] * 8]
    return {
        "header": header(seen.wall, IMU_FRAME),
        "orientation": _quaternion(quat),
        "orientation_covariance": turned,
        "angular_velocity": _vector(seen.gyro),
        "angular_velocity_covariance": _covariance(noise.gyro),
        "linear_acceleration": _vector(seen.accel),
        "linear_acceleration_covariance": _covariance(noise.accel),
    }


def odom_twist(seen: Seen) -> Message | None:
    """geometry_msgs/TwistStamped of the body, in its own frame; None where nothing estimates it."""
    if not np.isfinite(seen.velocity_body).all():
        return None
    twist = {"linear": _vector(seen.velocity_body), "angular": _vector(seen.gyro)}
    return {"header": header(seen.wall, BASE), "twist": twist}


def transforms(seen: Seen, place: Array) -> Message | None:
    """tf2_msgs/TFMessage: how the body lies, at ``place`` [3] m; None where its quaternion is no rotation."""
    if not _is_rotation(seen.quat_xyzw):
        return None
    moved = {"translation": _vector(place), "rotation": _quaternion(seen.quat_xyzw)}
    return {"transforms": [{"header": header(seen.wall, WORLD), "child_frame_id": BASE, "transform": moved}]}


def mode(seen: Seen | None) -> Message:
    """std_msgs/String; None: the actor is silent."""
    return {"data": seen.mode if seen is not None else UNKNOWN}


def joint_names(seen: Seen) -> list[str]:
    """As in the URDF of ``robots.a1.urdf``: FR_hip_joint."""
    return [f"{name}_joint" for name in seen.joint_names]


# What is said of each moment. The rest is said seldom (``diagnostics``), or when it changes.
EACH_MOMENT: Mapping[Topic, Callable[[Seen], Message | None]] = {
    topics.JOINTS: joint_states,
    topics.COMMANDS: joint_commands,
    topics.IMU: imu,
    topics.FEET: foot_contacts,
    topics.TWIST: odom_twist,
}


def _joint_state(
    seen: Seen, names: list[str], position: Array, velocity: Array | None = None, effort: Array | None = None
) -> Message:
    return {
        "header": header(seen.wall),
        "name": names,
        "position": _numbers(position),
        "velocity": _numbers(velocity),
        "effort": _numbers(effort),
    }


def _numbers(values: Array | None) -> list[float]:
    return [] if values is None else [float(value) for value in values]


def _is_rotation(quat: Array) -> bool:
    return bool(abs(np.linalg.norm(quat) - 1.0) < 0.05)  # false also where it is not a number


def _quaternion(values: Array) -> dict[str, Any]:
    return dict(zip("xyzw", _numbers(values), strict=True))


def _vector(values: Array) -> dict[str, Any]:
    return dict(zip("xyz", _numbers(values), strict=True))


def _covariance(deviation: float) -> list[float]:
    """[9] row-major, the same variance about each axis. Zeros mean: not known."""
    return [float(value) for value in (np.eye(3) * deviation**2).ravel()]

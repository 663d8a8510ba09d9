"""What a sensor cannot read: no rotation, a jump, the same thing for ever, an up that is not up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from robots.robot import Array, RobotState
from robots.safety.checks import up_in_body
from robots.safety.config import Rules
from robots.safety.faults import Fault, Finding

GRAVITY = 9.81  # m/s^2


@dataclass(frozen=True)
class Trail:
    """Since when, s, what we watch for has been so."""

    imu_same: float
    joints_same: float
    joints_target: Array  # [J] rad, the target when they last read anew
    mismatch: float

    @classmethod
    def start(cls, now: float, target: Array) -> Trail:
        """Nothing has been seen yet."""
        return cls(now, now, target, now)


def rotation(rules: Rules, state: RobotState) -> Finding | None:
    """NO_ROTATION: the quaternion's norm is not 1."""
    norm = math.hypot(*state.quat_xyzw.tolist())
    limit = rules.config.quat_norm
    return None if abs(norm - 1.0) <= limit else Finding(Fault.NO_ROTATION, norm, limit)


def jumps(rules: Rules, last: RobotState, state: RobotState, seconds: float) -> list[Finding]:
    """JOINT_JUMP and IMU_JUMP: more change in ``seconds`` than the robot can do. Both must be rotations."""
    config, found = rules.config, []
    moved = np.abs(state.joint_pos - last.joint_pos)
    allowed = rules.velocity * seconds + config.joint_jump
    if not (moved <= allowed).all():
        joint = int(np.argmax(moved - allowed))
        found.append(Finding(Fault.JOINT_JUMP, float(moved[joint]), float(allowed[joint]), joint))
    turned, limit = _angle(last.quat_xyzw, state.quat_xyzw), config.turn_rate * seconds + config.turn_jump
    if not turned <= limit:
        found.append(Finding(Fault.IMU_JUMP, turned, limit))
    return found


def follow(
    rules: Rules, trail: Trail, last: RobotState, state: RobotState, target: Array, now: float
) -> tuple[Trail, list[Finding]]:
    """Go on from ``trail`` with a new reading: IMU_FROZEN, JOINTS_FROZEN, GRAVITY_MISMATCH.

    Args:
        rules: The limits.
        trail: As of ``last``.
        last: The reading before.
        state: The new one; its orientation is a rotation.
        target: Where the joints were told to be, ``[J]`` rad.
        now: Seconds.
    """
    config = rules.config
    imu = trail.imu_same if _same_imu(last, state) else now
    joints, joints_target = _joints_same(rules, trail, last, state, target, now)
    mismatch = trail.mismatch if _mismatched(rules, state) else now
    watched = (
        (Fault.IMU_FROZEN, imu, config.frozen_imu),
        (Fault.JOINTS_FROZEN, joints, config.frozen_joints),
        (Fault.GRAVITY_MISMATCH, mismatch, config.gravity_for),
    )
    found = [Finding(fault, now - since, limit) for fault, since, limit in watched if now - since > limit]
    return Trail(imu, joints, joints_target, mismatch), found


def _same_imu(last: RobotState, state: RobotState) -> bool:
    return np.array_equal(last.gyro, state.gyro) and np.array_equal(last.accel, state.accel)


def _joints_same(
    rules: Rules, trail: Trail, last: RobotState, state: RobotState, target: Array, now: float
) -> tuple[float, Array]:
    """Since when the joints ought to have moved and did not, and the target before that."""
    same = (
        np.array_equal(last.joint_pos, state.joint_pos)
        and np.array_equal(last.joint_vel, state.joint_vel)
        and np.array_equal(last.joint_torque, state.joint_torque)
    )
    if not same:
        return now, target
    # A robot at rest may well read the same for long: its time only counts once it was told to move.
    asked = float(np.abs(target - trail.joints_target).max()) > rules.config.frozen_moved
    return (trail.joints_same if asked else now), trail.joints_target


def _mismatched(rules: Rules, state: RobotState) -> bool:
    """Still enough for the accelerometer to know up, and it is another one than the orientation's."""
    config = rules.config
    x, y, z = state.accel.tolist()
    felt, turning = math.hypot(x, y, z), math.hypot(*state.gyro.tolist())
    if abs(felt - GRAVITY) > config.still_accel or turning > config.still_gyro:
        return False
    up_x, up_y, up_z = up_in_body(state.quat_xyzw)
    cosine = (x * up_x + y * up_y + z * up_z) / felt
    return math.acos(min(max(cosine, -1.0), 1.0)) > config.gravity_angle


def _angle(one: Array, other: Array) -> float:
    """Angle, rad, of the turn between two orientations of about norm 1; q and -q are the same one."""
    cosine = abs(float(one @ other)) / (math.hypot(*one.tolist()) * math.hypot(*other.tolist()))
    return 2.0 * math.acos(min(cosine, 1.0))

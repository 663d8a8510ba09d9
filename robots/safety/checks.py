"""What can be told from one reading or one command alone: pure functions, a Finding or nothing each.

Comparisons are written so that what is no number counts as beyond the limit.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from robots.robot import Array, JointCommand, RobotInfo, RobotState
from robots.safety import limits
from robots.safety.config import Rules
from robots.safety.faults import Fault, Finding


def sensible(info: RobotInfo, state: RobotState) -> Finding | None:
    """STATE_SENSELESS when any of it has a wrong shape or type, or is not finite."""
    joints, feet = (info.joints,), (info.feet,)
    wanted = (
        (state.joint_pos, joints),
        (state.joint_vel, joints),
        (state.joint_torque, joints),
        (state.temperature, joints),
        (state.quat_xyzw, (4,)),
        (state.gyro, (3,)),
        (state.accel, (3,)),
        (state.foot_force, feet),
    )
    whole = all(_numbers(value, shape) for value, shape in wanted)
    # All at once: eight arrays one by one take four times as long.
    whole = whole and bool(np.isfinite(np.concatenate([value for value, _ in wanted])).all())
    whole = whole and isinstance(state.time, Real) and math.isfinite(state.time)
    return None if whole else Finding(Fault.STATE_SENSELESS)


def reading(rules: Rules, state: RobotState) -> list[Finding]:
    """All that a sensible reading shows of the motors, by its limits."""
    found = (position(rules, state), velocity(rules, state), torque(rules, state), temperature(rules, state))
    return [finding for finding in found if finding is not None]


def position(rules: Rules, state: RobotState) -> Finding | None:
    """JOINT_POSITION: a measured angle outside the joint limits by more than the margin."""
    pos, lower, upper = state.joint_pos, rules.position_lower, rules.position_upper
    if ((lower <= pos) & (pos <= upper)).all():
        return None
    joint = int(np.argmax(np.maximum(lower - pos, pos - upper)))
    limit = lower[joint] if pos[joint] < lower[joint] else upper[joint]
    return Finding(Fault.JOINT_POSITION, float(pos[joint]), float(limit), joint)


def velocity(rules: Rules, state: RobotState) -> Finding | None:
    """JOINT_VELOCITY: faster than the motor can turn by itself."""
    return _beyond(Fault.JOINT_VELOCITY, np.abs(state.joint_vel), rules.velocity)


def torque(rules: Rules, state: RobotState) -> Finding | None:
    """JOINT_TORQUE: more than the motor may give."""
    return _beyond(Fault.JOINT_TORQUE, np.abs(state.joint_torque), rules.torque)


def temperature(rules: Rules, state: RobotState) -> Finding | None:
    """MOTOR_HOT or MOTOR_WARM: at the limit already, as temperatures come in whole degrees."""
    joint = int(np.argmax(state.temperature))
    degrees, config = float(state.temperature[joint]), rules.config
    if degrees >= config.motor_hot:
        return Finding(Fault.MOTOR_HOT, degrees, config.motor_hot, joint)
    if degrees >= config.motor_warm:
        return Finding(Fault.MOTOR_WARM, degrees, config.motor_warm, joint)
    return None


def tilt(rules: Rules, state: RobotState) -> Finding | None:
    """TILT: the body's z axis leans too far from up. The orientation must be a rotation."""
    angle = math.acos(up_in_body(state.quat_xyzw)[2])
    return None if angle <= rules.config.tilt else Finding(Fault.TILT, angle, rules.config.tilt)


def power(state: RobotState) -> float:
    """Mechanical power of all motors, W, each counted as positive: braking heats a motor as well."""
    return float(np.abs(state.joint_torque * state.joint_vel).sum())


def excess(rules: Rules, readings: int, watts: float) -> Finding | None:
    """POWER, when that many ``readings`` in a row were above the limit, the newest with ``watts``."""
    if readings < rules.config.power_readings:
        return None
    return Finding(Fault.POWER, watts, rules.config.power)


def state_age(rules: Rules, age: float) -> Finding | None:
    """STATE_LATE or STATE_LOST: no new reading for ``age`` s."""
    config = rules.config
    if not age <= config.state_damp:
        return Finding(Fault.STATE_LOST, age, config.state_damp)
    return None if age <= config.state_hold else Finding(Fault.STATE_LATE, age, config.state_hold)


def command_age(rules: Rules, age: float) -> Finding | None:
    """COMMAND_LATE or COMMAND_LOST: no new command for ``age`` s."""
    config = rules.config
    if not age <= config.command_damp:
        return Finding(Fault.COMMAND_LOST, age, config.command_damp)
    return None if age <= config.command_hold else Finding(Fault.COMMAND_LATE, age, config.command_hold)


def limited(
    rules: Rules, command: JointCommand, start: Array, measured: Array, elapsed: float
) -> tuple[JointCommand, list[Finding]]:
    """The nearest command within all limits, and what was beyond them.

    Args:
        rules: The limits.
        command: Checked by ``limits.check``.
        start: Where the targets are now, ``[J]`` rad.
        measured: Where the joints are now, ``[J]`` rad.
        elapsed: Seconds since the last command.
    """
    config, info = rules.config, rules.info
    within = limits.clamp(info, command)
    seconds = min(max(elapsed, 0.0), config.target_gap)
    # An infinite rate times no time at all would be no number.
    step = config.target_rate * seconds if math.isfinite(config.target_rate) else math.inf
    asked = _between(command.pos, rules.target_lower, rules.target_upper)
    pos = _between(asked, start - step, start + step)
    pos = _between(pos, measured - config.target_error, measured + config.target_error)
    found = [
        _first(Fault.TARGET_RANGE, command.pos, asked),
        _first(Fault.TARGET_STEP, asked, pos),
        *(
            _first(Fault.COMMAND_RANGE, getattr(command, name), getattr(within, name))
            for name in ("vel", "torque", "kp", "kd")
        ),
    ]
    # The range comes last: ``start`` or ``measured`` may lie outside it.
    pos = _between(pos, rules.target_lower, rules.target_upper)
    result = JointCommand(pos, within.vel, within.torque, within.kp, within.kd)
    return result, [finding for finding in found if finding is not None]


def up_in_body(quat_xyzw: Array) -> tuple[float, float, float]:
    """Up, a unit vector in the body frame, for an orientation of about norm 1. Its z never rounds beyond 1."""
    x, y, z, w = quat_xyzw.tolist()  # plain numbers: numpy is slow on four
    double = 2.0 / (x * x + y * y + z * z + w * w)
    return double * (x * z - w * y), double * (y * z + w * x), 1.0 - double * (x * x + y * y)


def _between(value: Array, lower: Array, upper: Array) -> Array:
    """As ``np.clip``, which takes twice as long on twelve numbers."""
    clipped: Array = np.minimum(np.maximum(value, lower), upper)
    return clipped


def _numbers(value: Any, shape: tuple[int, ...]) -> bool:
    """An array of real numbers, finite or not."""
    return isinstance(value, np.ndarray) and value.shape == shape and value.dtype.kind in "fiu"


def _beyond(fault: Fault, value: Array, limit: Array) -> Finding | None:
    """The joint farthest beyond ``limit [J]``."""
    if (value <= limit).all():
        return None
    joint = int(np.argmax(value - limit))
    return Finding(fault, float(value[joint]), float(limit[joint]), joint)


def _first(fault: Fault, asked: Array, given: Array) -> Finding | None:
    """The first joint for which less was ``given`` than ``asked``."""
    differ = asked != given
    if not differ.any():
        return None
    joint = int(np.argmax(differ))
    return Finding(fault, float(asked[joint]), float(given[joint]), joint)

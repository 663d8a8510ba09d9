"""The one table of faults: what is seen, what the guard does, and how it clears.

``python -m robots.safety.faults`` writes the table of ``docs/safety.md``.
"""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass
from enum import Enum

from robots.robot import RobotInfo
from robots.safety.config import SafetyConfig
from robots.safety.modes import Mode


class Fault(Enum):
    """Everything that can be wrong; the value is the name that people and logs see."""

    TARGET_RANGE = "target_range"
    TARGET_STEP = "target_step"
    COMMAND_RANGE = "command_range"
    MOTOR_WARM = "motor_warm"
    COMMAND_SENSELESS = "command_senseless"
    COMMAND_LATE = "command_late"
    STATE_LATE = "state_late"
    STATE_SENSELESS = "state_senseless"
    NO_ROTATION = "no_rotation"
    GRAVITY_MISMATCH = "gravity_mismatch"
    IMU_FROZEN = "imu_frozen"
    IMU_JUMP = "imu_jump"
    COMMAND_LOST = "command_lost"
    STATE_LOST = "state_lost"
    JOINT_POSITION = "joint_position"
    JOINT_VELOCITY = "joint_velocity"
    JOINT_TORQUE = "joint_torque"
    POWER = "power"
    TILT = "tilt"
    JOINTS_FROZEN = "joints_frozen"
    JOINT_JUMP = "joint_jump"
    WRITE_FAILED = "write_failed"
    EMERGENCY_STOP = "emergency_stop"
    STOP_BUTTON = "stop_button"
    STOP_BOX_SILENT = "stop_box_silent"
    STOP_BOX_UNPLUGGED = "stop_box_unplugged"
    STOP_BOX_SENSELESS = "stop_box_senseless"
    STOP_REMOTE = "stop_remote"
    MOTOR_HOT = "motor_hot"
    SWITCHED_OFF = "switched_off"

    @property
    def row(self) -> Row:
        """Its row of the table."""
        return TABLE[self]

    @property
    def mode(self) -> Mode:
        """The mode it demands; NORMAL for what is told and changes nothing."""
        return TABLE[self].mode


@dataclass(frozen=True)
class Row:
    """One fault, for a person. Words in braces are figures of the configuration."""

    mode: Mode
    unit: str  # of the value and the limit of a Finding; empty: it has none
    text: str
    seen: str  # when exactly
    within: str  # how soon after it began
    clears: str  # what must be so before a reset is granted
    proof: str  # the test that proves it, FILE::TEST under tests/robots/safety


@dataclass(frozen=True)
class Finding:
    """A fault that is there now, with the figure that gave it away."""

    fault: Fault
    value: float = 0.0
    limit: float = 0.0
    joint: int = -1  # -1: of no joint

    def text(self, info: RobotInfo) -> str:
        """One line for a person."""
        row = self.fault.row
        where = f" at {info.joint_names[self.joint]}" if self.joint >= 0 else ""
        if not row.unit:
            return f"{row.text}{where}"
        return f"{row.text}{where}: {self.value:.4g} {row.unit}, the limit is {self.limit:.4g} {row.unit}"


_TOLD, _READING, _COMMAND = "nothing to clear", "the same reading", "the same command"
_RELEASED, _HEARD = "when it is released", "when its heartbeat is back and its button released"
SILENCE = 0.2  # s without a sign of life, after which a stop box is lost

TABLE: dict[Fault, Row] = {
    Fault.TARGET_RANGE: Row(
        Mode.NORMAL,
        "rad",
        "a target outside its range was reduced",
        "target less than {target_margin} rad inside a joint limit",
        _COMMAND,
        _TOLD,
        "test_checks_command.py::test_a_target_beyond_its_range_is_brought_back",
    ),
    Fault.TARGET_STEP: Row(
        Mode.NORMAL,
        "rad",
        "a leap of a target was reduced",
        "target moves faster than {target_rate} rad/s, or is farther than {target_error} rad "
        "from the measured angle",
        _COMMAND,
        _TOLD,
        "test_checks_command.py::test_a_target_moves_no_faster_than_its_rate",
    ),
    Fault.COMMAND_RANGE: Row(
        Mode.NORMAL,
        "",
        "a velocity, torque or gain beyond the motor's was reduced",
        "feed-forward velocity or torque beyond the motor's own, kp outside 0 .. 200, kd outside 0 .. 20",
        _COMMAND,
        _TOLD,
        "test_checks_command.py::test_what_a_motor_cannot_do_is_reduced_and_told",
    ),
    Fault.MOTOR_WARM: Row(
        Mode.NORMAL,
        "degC",
        "a motor is warm",
        "{motor_warm} degC or more",
        _READING,
        _TOLD,
        "test_checks.py::test_a_motor_is_warm_at_50_and_hot_at_60",
    ),
    Fault.COMMAND_SENSELESS: Row(
        Mode.HOLD,
        "",
        "a command was no command",
        "wrong shape or type, or a number that is not finite",
        _COMMAND,
        "at once; look at what computed it",
        "test_core.py::test_a_senseless_command_holds",
    ),
    Fault.COMMAND_LATE: Row(
        Mode.HOLD,
        "s",
        "no new command",
        "a stiff robot got none for more than {command_hold} s",
        "{command_hold} s",
        "at once; look at who should command",
        "test_core_memory.py::test_a_driven_robot_that_gets_no_command_holds_then_damps",
    ),
    Fault.STATE_LATE: Row(
        Mode.HOLD,
        "s",
        "no new reading",
        "a stiff robot, or one that is being commanded, gave no sensible one for more than "
        "{state_hold} s, or none ever",
        "{state_hold} s",
        "when it reads again",
        "test_core_memory.py::test_a_driven_robot_that_falls_silent_holds_then_damps",
    ),
    Fault.STATE_SENSELESS: Row(
        Mode.HOLD,
        "",
        "a reading was no reading",
        "wrong shape or type, or a number that is not finite",
        _READING,
        "when readings are whole again",
        "test_core.py::test_a_senseless_reading_holds_the_pose_before_it",
    ),
    Fault.NO_ROTATION: Row(
        Mode.HOLD,
        "",
        "the orientation is no rotation",
        "norm of the quaternion more than {quat_norm} from 1",
        _READING,
        "when the norm is 1 again",
        "test_plausible.py::test_the_norm_of_a_quaternion",
    ),
    Fault.GRAVITY_MISMATCH: Row(
        Mode.HOLD,
        "rad",
        "accelerometer and orientation disagree about up",
        "more than {gravity_angle} rad apart while still (accelerometer within {still_accel} "
        "m/s^2 of 9.81, gyro within {still_gyro} rad/s) for more than {gravity_for} s",
        "{gravity_for} s of being still",
        "at once; it is watched anew",
        "test_plausible.py::test_gravity_must_agree_with_the_orientation",
    ),
    Fault.IMU_FROZEN: Row(
        Mode.HOLD,
        "s",
        "the IMU repeats itself",
        "new readings with gyro and accelerometer the same to the last bit for more than {frozen_imu} s",
        "{frozen_imu} s",
        "at once; it is watched anew",
        "test_plausible.py::test_an_imu_that_repeats_itself_is_frozen",
    ),
    Fault.IMU_JUMP: Row(
        Mode.HOLD,
        "rad",
        "the orientation jumped",
        "turned between two readings by more than {turn_rate} rad/s x time + {turn_jump} rad",
        _READING,
        "at once; it is watched anew",
        "test_plausible.py::test_an_orientation_that_jumps",
    ),
    Fault.COMMAND_LOST: Row(
        Mode.DAMP,
        "s",
        "no new command for long",
        "as command_late, for more than {command_damp} s",
        "{command_damp} s",
        "at once; look at who should command",
        "test_core_memory.py::test_a_driven_robot_that_gets_no_command_holds_then_damps",
    ),
    Fault.STATE_LOST: Row(
        Mode.DAMP,
        "s",
        "no new reading for long",
        "as state_late, for more than {state_damp} s",
        "{state_damp} s",
        "when it reads again",
        "test_core_memory.py::test_a_driven_robot_that_falls_silent_holds_then_damps",
    ),
    Fault.JOINT_POSITION: Row(
        Mode.DAMP,
        "rad",
        "a joint is outside its limits",
        "more than {position_margin} rad outside",
        _READING,
        "when it is back inside: move it by hand",
        "test_checks.py::test_position_at_its_boundary",
    ),
    Fault.JOINT_VELOCITY: Row(
        Mode.DAMP,
        "rad/s",
        "a joint is too fast",
        "more than {velocity_factor} x the motor's limit",
        _READING,
        "when it is slower",
        "test_checks.py::test_velocity_at_its_boundary",
    ),
    Fault.JOINT_TORQUE: Row(
        Mode.DAMP,
        "N m",
        "a joint's torque is too large",
        "more than {torque_factor} x the motor's limit",
        _READING,
        "when it is smaller",
        "test_checks.py::test_torque_at_its_boundary",
    ),
    Fault.POWER: Row(
        Mode.DAMP,
        "W",
        "the motors' power is too large",
        "sum of absolute torque x velocity above {power} W in {power_readings} consecutive readings",
        "{power_readings} readings",
        "at once; it is counted anew",
        "test_checks.py::test_power_trips_on_the_sixth_consecutive_excess",
    ),
    Fault.TILT: Row(
        Mode.DAMP,
        "rad",
        "the body is tilted too far",
        "more than {tilt} rad from upright",
        _READING,
        "when it is upright again",
        "test_checks.py::test_tilt_at_its_boundary",
    ),
    Fault.JOINTS_FROZEN: Row(
        Mode.DAMP,
        "s",
        "the joints repeat themselves",
        "new readings with angles, velocities and torques the same to the last bit for more "
        "than {frozen_joints} s while a target moved more than {frozen_moved} rad",
        "{frozen_joints} s",
        "at once; it is watched anew",
        "test_plausible.py::test_joints_that_are_told_to_move_and_repeat_themselves_are_frozen",
    ),
    Fault.JOINT_JUMP: Row(
        Mode.DAMP,
        "rad",
        "a joint's angle jumped",
        "changed between two readings by more than {velocity_factor} x the motor's speed x time "
        "+ {joint_jump} rad",
        _READING,
        "at once; it is watched anew",
        "test_plausible.py::test_an_angle_that_jumps",
    ),
    Fault.WRITE_FAILED: Row(
        Mode.DAMP,
        "",
        "a command could not be sent",
        "the robot's driver refused a command that was within limits, or the system did",
        _COMMAND,
        "at once; look at the connection",
        "test_guard_failures.py::test_a_write_that_fails_damps_and_is_tried_again",
    ),
    Fault.EMERGENCY_STOP: Row(
        Mode.DAMP,
        "",
        "someone pressed stop",
        "reported from outside by `trip`",
        "the call",
        "at once",
        "test_guard.py::test_a_trip_acts_at_once",
    ),
    Fault.STOP_BUTTON: Row(
        Mode.DAMP,
        "",
        "the stop button is pressed",
        "the stop box says so",
        "one line of the box",
        _RELEASED,
        "test_estop.py::test_a_pressed_button_stops_at_once",
    ),
    Fault.STOP_BOX_SILENT: Row(
        Mode.DAMP,
        "s",
        "the stop box gives no sign of life",
        f"no heartbeat whose counter moves on for more than {SILENCE} s",
        f"{SILENCE} s",
        _HEARD,
        "test_estop.py::test_silence_is_a_pressed_button",
    ),
    Fault.STOP_BOX_UNPLUGGED: Row(
        Mode.DAMP,
        "",
        "the stop box is unplugged",
        "its port fails",
        "the same look at the port",
        "after `close` and `connect`, with the box plugged in",
        "test_estop_serial.py::test_unplugged_stops",
    ),
    Fault.STOP_BOX_SENSELESS: Row(
        Mode.DAMP,
        "",
        "the stop box speaks nonsense",
        "a line that is no heartbeat, once it has been heard",
        "one line of the box",
        _HEARD,
        "test_estop.py::test_nonsense_is_a_pressed_button",
    ),
    Fault.STOP_REMOTE: Row(
        Mode.DAMP,
        "",
        "L2 and B are pressed on the robot's remote control",
        "both bits are set in the robot's state",
        _READING,
        _RELEASED,
        "../a1/test_remote.py::test_the_chord_stops_the_servo_at_the_same_packet",
    ),
    Fault.MOTOR_HOT: Row(
        Mode.OFF,
        "degC",
        "a motor is too hot",
        "{motor_hot} degC or more",
        _READING,
        "when it is cooler: wait",
        "test_checks.py::test_a_motor_is_warm_at_50_and_hot_at_60",
    ),
    Fault.SWITCHED_OFF: Row(
        Mode.OFF,
        "",
        "someone switched it off",
        "reported from outside by `trip`",
        "the call",
        "at once",
        "test_guard.py::test_off_damps_once_and_then_falls_silent",
    ),
}


def table() -> str:
    """All faults as Markdown, mildest first, with the figures of the default configuration."""
    settings = asdict(SafetyConfig())
    figures = {name: "inf (off)" if value == math.inf else value for name, value in settings.items()}
    lines = [
        "| fault | means | seen when | seen within | mode | a reset is granted | proved by |",
        "|---|---|---|---|---|---|---|",
    ]
    for fault, row in TABLE.items():
        cells = (
            f"`{fault.value}`",
            row.text,
            row.seen,
            row.within,
            row.mode.name,
            row.clears,
            f"`{row.proof}`",
        )
        lines.append("| " + " | ".join(cell.format(**figures) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())

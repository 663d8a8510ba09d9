"""Every limit on what is measured, at its boundary: on it nothing is found, beyond it the fault and its figures."""

import math
from dataclasses import replace

import numpy as np
import pytest

from robots.safety import checks
from robots.safety.config import Rules, SafetyConfig
from robots.safety.faults import Fault, Finding
from tests.robots.safety.readings import INFO, STAND, at, reading, rolled, rules

RULES = rules()


@pytest.mark.parametrize("joint", range(12))
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_position_at_its_boundary(joint, side):
    limit = getattr(RULES, f"position_{side}")[joint]
    beyond = np.nextafter(limit, math.inf if side == "upper" else -math.inf)
    assert checks.position(RULES, reading(joint_pos=at(joint, limit, STAND))) is None
    found = checks.position(RULES, reading(joint_pos=at(joint, beyond, STAND)))
    assert found == Finding(Fault.JOINT_POSITION, beyond, limit, joint)


def test_the_joint_farthest_outside_is_named():
    # Thigh 1: 0.2 beyond 4.19 + 0.087; hip 3: 0.3 below -0.802 - 0.087; calf 5: 0.1 above -0.916 + 0.087.
    pos = STAND.copy()
    pos[[1, 3, 5]] = 4.477, -1.189, -0.729
    found = checks.position(RULES, reading(joint_pos=pos))
    assert found.joint == 3
    assert (found.value, found.limit) == (pytest.approx(-1.189), pytest.approx(-0.889))


@pytest.mark.parametrize("joint", range(12))
@pytest.mark.parametrize("sign", [-1, 1])
def test_velocity_at_its_boundary(joint, sign):
    limit = 1.2 * 21.0
    beyond = np.nextafter(limit, math.inf)
    assert checks.velocity(RULES, reading(joint_vel=at(joint, sign * limit))) is None
    found = checks.velocity(RULES, reading(joint_vel=at(joint, sign * beyond)))
    assert found == Finding(Fault.JOINT_VELOCITY, beyond, limit, joint)


@pytest.mark.parametrize("joint", range(12))
@pytest.mark.parametrize("sign", [-1, 1])
def test_torque_at_its_boundary(joint, sign):
    limit = 1.05 * 33.5
    beyond = np.nextafter(limit, math.inf)
    assert checks.torque(RULES, reading(joint_torque=at(joint, sign * limit))) is None
    found = checks.torque(RULES, reading(joint_torque=at(joint, sign * beyond)))
    assert found == Finding(Fault.JOINT_TORQUE, beyond, limit, joint)


def test_the_joint_farthest_beyond_its_own_limit_is_named():
    # Joint 4 may do 12 rad/s and is 3 beyond, joint 9 may do 24 and is 2 beyond.
    slow = replace(INFO, max_velocity=at(4, 10.0, 20.0))
    found = checks.velocity(Rules(slow, SafetyConfig()), reading(joint_vel=at(4, 15.0) + at(9, 26.0)))
    assert found == Finding(Fault.JOINT_VELOCITY, 15.0, 12.0, 4)


@pytest.mark.parametrize("joint", range(12))
def test_a_motor_is_warm_at_50_and_hot_at_60(joint):
    def judged(degrees):
        return checks.temperature(RULES, reading(temperature=at(joint, degrees, 30.0)))

    assert judged(np.nextafter(50.0, 0)) is None
    assert judged(50.0) == Finding(Fault.MOTOR_WARM, 50.0, 50.0, joint)
    assert judged(59.0) == Finding(Fault.MOTOR_WARM, 59.0, 50.0, joint)
    assert judged(60.0) == Finding(Fault.MOTOR_HOT, 60.0, 60.0, joint)
    assert judged(90.0) == Finding(Fault.MOTOR_HOT, 90.0, 60.0, joint)


@pytest.mark.parametrize("turn", [-1, 1])
def test_tilt_at_its_boundary(turn):
    tilting = rules(tilt=math.radians(30))
    assert checks.tilt(tilting, reading(quat_xyzw=rolled(turn * math.radians(29.999)))) is None
    found = checks.tilt(tilting, reading(quat_xyzw=rolled(turn * math.radians(30.001))))
    assert found.fault is Fault.TILT
    assert (found.value, found.limit) == (pytest.approx(math.radians(30.001)), math.radians(30))


def test_tilt_exactly_on_the_limit_is_within():
    # On its back the angle is exactly pi.
    back = reading(quat_xyzw=np.array([1.0, 0.0, 0.0, 0.0]))
    assert checks.tilt(rules(tilt=math.pi), back) is None
    assert checks.tilt(rules(tilt=3.14), back).value == math.pi


def test_a_robot_on_its_back_is_fine_by_default():
    assert checks.tilt(RULES, reading(quat_xyzw=np.array([1.0, 0.0, 0.0, 0.0]))) is None


def test_tilt_of_a_quaternion_a_little_too_long():
    # 1.04 is still a rotation; its z axis may not come out longer than 1.
    assert checks.tilt(rules(tilt=0.0), reading(quat_xyzw=np.array([0.0, 0.0, 0.0, 1.04]))) is None
    found = checks.tilt(rules(tilt=1.0), reading(quat_xyzw=1.04 * rolled(1.2)))
    assert found.value == pytest.approx(1.2)


def test_power_is_the_sum_of_absolute_products():
    # 10 N m x 2 rad/s drives, -5 N m x 4 rad/s brakes: 20 + 20 W.
    state = reading(joint_torque=at(0, 10.0) + at(1, -5.0), joint_vel=at(0, 2.0) + at(1, 4.0))
    assert checks.power(state) == pytest.approx(40.0)


def test_power_trips_on_the_sixth_consecutive_excess():
    assert checks.excess(RULES, 5, 900.0) is None
    assert checks.excess(RULES, 6, 900.0) == Finding(Fault.POWER, 900.0, 800.0)
    assert checks.excess(RULES, 7, 900.0) == Finding(Fault.POWER, 900.0, 800.0)


@pytest.mark.parametrize(
    ("age", "fault"),
    [(0.1, None), (math.nextafter(0.1, 1), Fault.STATE_LATE), (0.5, Fault.STATE_LATE),
     (math.nextafter(0.5, 1), Fault.STATE_LOST), (math.inf, Fault.STATE_LOST), (math.nan, Fault.STATE_LOST)],
)  # fmt: skip
def test_state_age_at_its_boundaries(age, fault):
    found = checks.state_age(RULES, age)
    assert (found and found.fault) is fault
    if found and not math.isnan(age):
        assert (found.value, found.limit) == (age, 0.1 if fault is Fault.STATE_LATE else 0.5)


@pytest.mark.parametrize(
    ("age", "fault"),
    [(0.2, None), (math.nextafter(0.2, 1), Fault.COMMAND_LATE), (1.0, Fault.COMMAND_LATE),
     (math.nextafter(1.0, 2), Fault.COMMAND_LOST), (math.inf, Fault.COMMAND_LOST), (math.nan, Fault.COMMAND_LOST)],
)  # fmt: skip
def test_command_age_at_its_boundaries(age, fault):
    found = checks.command_age(RULES, age)
    assert (found and found.fault) is fault
    if found and not math.isnan(age):
        assert (found.value, found.limit) == (age, 0.2 if fault is Fault.COMMAND_LATE else 1.0)


def test_a_good_reading_shows_nothing():
    assert checks.sensible(INFO, reading()) is None
    assert checks.reading(RULES, reading()) == []


def test_one_reading_may_show_much():
    state = reading(
        joint_pos=at(0, 2.0, STAND), joint_vel=at(1, 99.0), joint_torque=at(2, 99.0), temperature=at(3, 55.0)
    )
    found = [(finding.fault, finding.joint) for finding in checks.reading(RULES, state)]
    assert found == [
        (Fault.JOINT_POSITION, 0), (Fault.JOINT_VELOCITY, 1), (Fault.JOINT_TORQUE, 2), (Fault.MOTOR_WARM, 3),
    ]  # fmt: skip


ARRAYS = {
    "joint_pos": 12, "joint_vel": 12, "joint_torque": 12, "quat_xyzw": 4, "gyro": 3, "accel": 3,
    "foot_force": 4, "temperature": 12,
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
class TestSensible:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("place", [0, -1])
    def test_a_number_that_is_not_finite(self, name, value, place):
        spoilt = np.ones(ARRAYS[name])
        spoilt[place] = value
        assert checks.sensible(INFO, reading(**{name: spoilt})) == Finding(Fault.STATE_SENSELESS)

    @pytest.mark.parametrize("dtype", [bool, complex, object, "U3"])
    def test_what_is_no_real_number(self, name, dtype):
        assert checks.sensible(INFO, reading(**{name: np.zeros(ARRAYS[name], dtype)})) is not None

    def test_what_is_no_array(self, name):
        assert checks.sensible(INFO, reading(**{name: [0.0] * ARRAYS[name]})) is not None
        assert checks.sensible(INFO, reading(**{name: None})) is not None

    @pytest.mark.parametrize("change", [-1, 1])
    def test_a_wrong_shape(self, name, change):
        assert checks.sensible(INFO, reading(**{name: np.ones(ARRAYS[name] + change)})) is not None

    @pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8])
    def test_any_real_number_will_do(self, name, dtype):
        assert checks.sensible(INFO, reading(**{name: np.ones(ARRAYS[name], dtype)})) is None


@pytest.mark.parametrize("time", [math.nan, math.inf, None, "now"])
def test_a_time_that_is_none(time):
    assert checks.sensible(INFO, reading(time=time)) == Finding(Fault.STATE_SENSELESS)
    assert checks.sensible(INFO, reading(time=np.float64(3.0))) is None


@pytest.mark.parametrize("angle", [0.0, 0.3, -1.2, 3.0])
def test_up_in_the_body(angle):
    # Rolled to the right (about x) by a, up leans to the body's left: (0, sin a, cos a).
    up = checks.up_in_body(rolled(angle))
    np.testing.assert_allclose(up, [0.0, math.sin(angle), math.cos(angle)], atol=1e-12)
    # Pitched nose down (about y) by a, up leans back: (-sin a, 0, cos a).
    pitched = np.array([0.0, math.sin(angle / 2), 0.0, math.cos(angle / 2)])
    np.testing.assert_allclose(checks.up_in_body(pitched), [-math.sin(angle), 0, math.cos(angle)], atol=1e-12)


def test_up_in_the_body_of_any_turn():
    # A rotation matrix's last row is the world's z in the body; here from the matrix of a turn about (1, 2, 3).
    axis, angle = np.array([1.0, 2.0, 3.0]) / math.sqrt(14), 0.7
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    matrix = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    quat = np.array([*(axis * math.sin(angle / 2)), math.cos(angle / 2)])
    np.testing.assert_allclose(checks.up_in_body(1.03 * quat), matrix[2], atol=1e-12)

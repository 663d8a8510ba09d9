"""What no sensor can read, at its boundary."""

import math
from dataclasses import replace

import numpy as np
import pytest

from robots.safety import plausible
from robots.safety.checks import up_in_body
from robots.safety.config import Rules, SafetyConfig
from robots.safety.faults import Fault, Finding
from robots.safety.plausible import Trail
from tests.robots.safety.readings import INFO, STAND, at, reading, rolled, rules

RULES = rules()
SIXTY_FOURTH = 1 / 64  # s; a sum of these is exact in binary


@pytest.mark.parametrize(
    ("norm", "fine"),
    [(0.0, False), (0.949, False), (0.951, True), (1.0, True), (1.049, True), (1.051, False)],
)
def test_the_norm_of_a_quaternion(norm, fine):
    found = plausible.rotation(RULES, reading(quat_xyzw=norm * np.array([0.5, -0.5, 0.5, 0.5])))
    assert (found is None) is fine
    if not fine:
        assert found == Finding(Fault.NO_ROTATION, pytest.approx(norm), 0.05)


@pytest.mark.parametrize("norm", [0.75, 1.25])
def test_the_norm_on_its_limit_is_within(norm):
    assert plausible.rotation(rules(quat_norm=0.25), reading(quat_xyzw=at(0, norm)[:4])) is None


def test_a_quaternion_too_large_for_a_number():
    with np.errstate(over="ignore"):
        assert plausible.rotation(RULES, reading(quat_xyzw=np.full(4, 1e200))) is not None


class TestJumps:
    # In 20 ms a joint may turn 1.2 x 21 rad/s x 0.02 s + 0.1 rad = 0.604 rad,
    # and the body 35 rad/s x 0.02 s + 0.2 rad = 0.9 rad.

    @pytest.mark.parametrize("joint", [0, 7, 11])
    @pytest.mark.parametrize("sign", [-1, 1])
    def test_an_angle_that_jumps(self, joint, sign):
        def found(moved):
            later = reading(joint_pos=at(joint, STAND[joint] + sign * moved, STAND))
            return plausible.jumps(RULES, reading(), later, 0.02)

        assert found(0.603) == []
        assert found(0.605) == [
            Finding(Fault.JOINT_JUMP, pytest.approx(0.605), pytest.approx(0.604), joint),
        ]

    def test_an_angle_on_the_limit_is_within(self):
        exact = rules(joint_jump=0.5)
        later = reading(joint_pos=np.full(12, 0.5))
        assert plausible.jumps(exact, reading(joint_pos=np.zeros(12)), later, 0.0) == []

    def test_the_joint_farthest_beyond_its_own_limit_is_named(self):
        # Joint 2 may turn 1.2 x 10 x 0.02 + 0.1 = 0.34 rad and is 0.36 beyond, joint 5 may 0.604 and is 0.296 beyond.
        slow = Rules(replace(INFO, max_velocity=at(2, 10.0, 21.0)), SafetyConfig())
        later = reading(joint_pos=STAND + at(2, 0.7) + at(5, -0.9))
        assert plausible.jumps(slow, reading(), later, 0.02) == [
            Finding(Fault.JOINT_JUMP, pytest.approx(0.7), pytest.approx(0.34), 2)
        ]

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_an_orientation_that_jumps(self, sign):
        def found(angle):
            # The other sign of a quaternion is the same orientation.
            return plausible.jumps(
                RULES, reading(quat_xyzw=rolled(0.3)), reading(quat_xyzw=sign * rolled(angle)), 0.02
            )

        assert found(0.3) == [] and found(1.199) == [] and found(-0.599) == []
        jumped = [Finding(Fault.IMU_JUMP, pytest.approx(0.901), pytest.approx(0.9))]
        assert found(1.201) == jumped and found(-0.601) == jumped

    def test_a_turn_on_the_limit_is_within(self):
        # Right over: exactly pi.
        over = reading(quat_xyzw=np.array([1.0, 0.0, 0.0, 0.0]))
        assert plausible.jumps(rules(turn_jump=math.pi), reading(), over, 0.0) == []

    def test_length_is_no_turn(self):
        longer = reading(quat_xyzw=1.04 * rolled(0.3))
        assert plausible.jumps(rules(turn_jump=1e-6), reading(quat_xyzw=rolled(0.3)), longer, 0.0) == []
        turned = reading(quat_xyzw=1.04 * rolled(1.3))
        assert plausible.jumps(rules(turn_jump=0.9), reading(quat_xyzw=1.04 * rolled(0.3)), turned, 0.0)[
            0
        ].value == (pytest.approx(1.0))


def watch(changing, seconds, target=lambda now: STAND, by=RULES):
    """Readings every 1/64 s for ``seconds``; ``changing(n)`` gives what differs in the n-th.

    Returns the times at which each fault was found.
    """
    trail, last, times = Trail.start(0.0, target(0.0)), reading(**changing(0)), {}
    for number in range(1, round(seconds / SIXTY_FOURTH) + 1):
        now, state = number * SIXTY_FOURTH, reading(**changing(number))
        trail, found = plausible.follow(by, trail, last, state, target(now), now)
        for finding in found:
            since = times.get(finding.fault, [now])[0]
            assert finding.value == pytest.approx(finding.limit + SIXTY_FOURTH + now - since)
            times.setdefault(finding.fault, []).append(now)
        last = state
    return times


def alive(number):
    """The noise of sensors that live."""
    noise = 1e-9 * number
    return {
        "gyro": np.full(3, noise),
        "accel": np.array([0.0, 0.0, 9.81 + noise]),
        "joint_vel": np.full(12, noise),
    }


def test_living_sensors_show_nothing():
    assert watch(alive, 3.0) == {}
    assert watch(alive, 3.0, target=lambda now: STAND + now) == {}


@pytest.mark.parametrize("lively", [None, "gyro", "accel"])
def test_an_imu_that_repeats_itself_is_frozen(lively):
    def imu(number):
        fresh = alive(number)
        return {"joint_vel": fresh["joint_vel"]} | ({lively: fresh[lively]} if lively else {})

    times = watch(imu, 1.0)
    if lively:
        assert times == {}, "one of the two is enough to live"
    else:
        # On the limit, 0.5 s, it is within; at the next reading it is not.
        assert list(times) == [Fault.IMU_FROZEN]
        assert times[Fault.IMU_FROZEN][0] == 0.5 + SIXTY_FOURTH
        assert times[Fault.IMU_FROZEN][-1] == 1.0


def test_an_imu_that_wakes_is_watched_anew():
    # Frozen, but for one reading at 0.25 s: 0.5 s count from there.
    def imu(number):
        return alive(number) | {
            "gyro": np.full(3, float(number >= 16) * 0.01),
            "accel": np.array([0, 0, 9.81]),
        }

    assert watch(imu, 1.0)[Fault.IMU_FROZEN][0] == 0.75 + SIXTY_FOURTH


def test_the_frozen_imu_can_be_switched_off():
    assert (
        watch(lambda number: {"joint_vel": alive(number)["joint_vel"]}, 3.0, by=rules(frozen_imu=math.inf))
        == {}
    )


def still_joints(number):
    return alive(number) | {"joint_vel": np.zeros(12)}


def test_joints_at_rest_may_repeat_themselves():
    assert watch(still_joints, 3.0) == {}
    assert watch(still_joints, 3.0, target=lambda now: STAND + (0.049 if now > 0 else 0.0)) == {}


@pytest.mark.parametrize("sign", [-1, 1])
def test_joints_that_are_told_to_move_and_repeat_themselves_are_frozen(sign):
    # One target leaves at 1 s; half a second later that is a fault.
    times = watch(still_joints, 2.0, target=lambda now: STAND + at(5, sign * 0.051 * (now >= 1.0)))
    assert list(times) == [Fault.JOINTS_FROZEN]
    # Until 1 s - 1/64 s the target was where it had been.
    assert times[Fault.JOINTS_FROZEN][0] == 1.5


def test_a_target_that_moved_no_more_than_the_limit():
    exact = rules(frozen_moved=0.25)
    assert watch(still_joints, 2.0, lambda now: np.full(12, 0.25 * (now >= 1.0)), exact) == {}


@pytest.mark.parametrize("name", ["joint_pos", "joint_vel", "joint_torque"])
def test_any_change_of_the_joints_is_life(name):
    def joints(number):
        return still_joints(number) | {
            name: (STAND if name == "joint_pos" else 0.0) + np.full(12, 1e-9 * number)
        }

    assert watch(joints, 3.0, target=lambda now: STAND + now) == {}


def test_joints_that_wake_take_the_target_of_that_moment():
    # They moved at 1 s, and the target has not since: all is well.
    def joints(number):
        return still_joints(number) | {"joint_pos": STAND + 0.2 * (number >= 64)}

    assert watch(joints, 3.0, target=lambda now: STAND + 0.2 * (now >= 0.75)) == {}


class TestGravity:
    def tilted(self, angle, **more):
        # The orientation says rolled by ``angle``, the accelerometer says level.
        return lambda number: alive(number) | {"quat_xyzw": rolled(angle)} | more

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_gravity_must_agree_with_the_orientation(self, sign):
        assert watch(self.tilted(sign * 0.499), 2.0) == {}
        times = watch(self.tilted(sign * 0.501), 1.0)
        assert list(times) == [Fault.GRAVITY_MISMATCH]
        assert times[Fault.GRAVITY_MISMATCH][0] == 0.5 + SIXTY_FOURTH

    def test_on_the_back_it_reads_minus_g(self):
        back = np.array([1.0, 0.0, 0.0, 0.0])
        lying = {"quat_xyzw": back, "accel": np.array([0.0, 0.0, -9.81])}
        assert watch(lambda number: alive(number) | lying, 2.0) == {}
        upright = {"quat_xyzw": back}
        assert Fault.GRAVITY_MISMATCH in watch(lambda number: alive(number) | upright, 2.0)

    @pytest.mark.parametrize(
        ("felt", "still"),
        [(8.8, False), (8.82, True), (9.0, True), (10.8, True), (10.82, False), (0.0, False)],
    )
    def test_only_an_accelerometer_that_reads_g_tells_up(self, felt, still):
        def moving(number):
            return self.tilted(1.0)(number) | {"accel": np.array([0.0, 0.0, felt])}

        assert (Fault.GRAVITY_MISMATCH in watch(moving, 2.0)) is still

    @pytest.mark.parametrize(("turning", "still"), [(0.299, True), (0.301, False)])
    def test_only_a_body_that_does_not_turn_tells_up(self, turning, still):
        def rolling(number):
            return self.tilted(1.0)(number) | {"gyro": np.array([0.0, -turning, 0.0])}

        assert (Fault.GRAVITY_MISMATCH in watch(rolling, 2.0)) is still

    def test_an_angle_on_the_limit_is_within(self):
        # Level, and feeling g along x: exactly a right angle.
        sideways = {"accel": np.array([9.81, 0.0, 0.0])}
        by = rules(gravity_angle=math.acos(0.0))
        assert watch(lambda number: alive(number) | sideways, 2.0, by=by) == {}
        assert Fault.GRAVITY_MISMATCH in watch(lambda number: alive(number) | sideways, 2.0)

    def test_every_axis_counts(self):
        # Lying on either side, or standing on nose or tail, with the accelerometer agreeing.
        half = math.sqrt(0.5)
        for quat, up in (
            ([half, 0, 0, half], [0, 1, 0]),
            ([-half, 0, 0, half], [0, -1, 0]),
            ([0, half, 0, half], [-1, 0, 0]),
            ([0, -half, 0, half], [1, 0, 0]),
        ):
            posed = {"quat_xyzw": np.array(quat), "accel": 9.81 * np.array(up)}
            assert watch(lambda number, posed=posed: alive(number) | posed, 2.0) == {}
            posed["accel"] = -posed["accel"]
            assert Fault.GRAVITY_MISMATCH in watch(lambda number, posed=posed: alive(number) | posed, 2.0)

    def test_the_limits_themselves_are_still(self):
        by = rules(still_accel=0.5, still_gyro=0.25)
        both = {"accel": np.array([0.0, 0.0, 9.81 + 0.5]), "gyro": np.array([0.25, 0.0, 0.0])}
        assert abs(9.81 + 0.5 - 9.81) <= 0.5
        assert Fault.GRAVITY_MISMATCH in watch(self.tilted(1.0, **both), 2.0, by=by)

    def test_a_half_second_of_disagreement_in_two_parts_is_none(self):
        def twice(number):
            return alive(number) | {"quat_xyzw": rolled(0.0 if number == 24 else 1.0)}

        # Agrees at 24/64 s, and 0.5 s later it has disagreed for long enough.
        assert watch(twice, 1.0)[Fault.GRAVITY_MISMATCH][0] == 24 / 64 + 0.5 + SIXTY_FOURTH


def test_cosines_that_round_beyond_one_do_no_harm():
    rng, beyond = np.random.default_rng(0), set()
    for _ in range(300):
        quat = rng.normal(size=4)
        quat /= np.linalg.norm(quat)
        up = np.array(up_in_body(quat))
        beyond.add(np.sign(float(up @ up) - 1.0))
        trail = Trail.start(0.0, STAND)
        for sign, found in ((1, []), (-1, [Fault.GRAVITY_MISMATCH])):
            state = reading(quat_xyzw=quat, accel=sign * 9.81 * up)
            assert plausible.jumps(rules(turn_jump=1e-7), state, state, 0.0) == []
            _, judged = plausible.follow(rules(frozen_imu=9.0), trail, state, state, STAND, 1.0)
            assert [finding.fault for finding in judged] == found
    assert beyond == {-1.0, 0.0, 1.0}, "rounding went both ways"

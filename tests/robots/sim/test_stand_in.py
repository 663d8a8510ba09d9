"""The PyBullet A1: how it lies, stands, feels, is pushed, and keeps its promises as a robot."""

import subprocess
import sys

import numpy as np
import pytest

from robots.a1.skeleton import from_quaternion
from robots.clock import ManualClock
from robots.robot import CommandError, JointCommand, Robot, RobotError, RobotState, StaleState
from robots.sim.noise import NoiseConfig
from robots.sim.stand_in import DT, StandIn

pytest.importorskip("pybullet")
STEP = 0.05  # s, one control step


def stand_in(**options) -> StandIn:
    options.setdefault("noise", NoiseConfig.none())
    robot = StandIn(**options)
    robot.connect()
    return robot


def wait(robot: StandIn, seconds: float) -> None:
    robot.clock.sleep_until(robot.clock.now() + seconds)


def up_z(quat_xyzw) -> float:
    """World z of the body's z axis: 1 upright, -1 on its back."""
    x, y, _, _ = quat_xyzw
    return 1 - 2 * (x * x + y * y)


def hold_stand(robot: StandIn, seconds: float) -> list[RobotState]:
    states = []
    for _ in range(round(seconds / STEP)):
        robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
        wait(robot, STEP)
        states.append(robot.read())
    return states


def test_it_is_a_robot():
    assert isinstance(StandIn(), Robot)


def test_info_needs_no_pybullet():
    code = (
        "import sys; sys.modules['pybullet'] = None\n"
        "from robots.registry import make\n"
        "from robots.robot import RobotError\n"
        "robot = make('a1-sim'); assert robot.info.joints == 12; robot.close()\n"
        "try: robot.connect()\n"
        "except RobotError as error: assert '.[sim]' in str(error)\n"
        "else: raise SystemExit('connected without pybullet')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_lies_on_its_back_and_stays_there():
    with stand_in(start="back") as robot:
        assert up_z(robot.truth()["quat_xyzw"]) < -0.9
        wait(robot, 2.0)
        assert up_z(robot.truth()["quat_xyzw"]) < -0.9
        assert up_z(robot.read().quat_xyzw) < -0.9
        np.testing.assert_allclose(robot.read().accel, [0, 0, -9.81], atol=0.1)


def test_on_its_belly_it_lies_still():
    with stand_in(start="belly") as robot:
        wait(robot, 2.0)
        assert up_z(robot.truth()["quat_xyzw"]) > 0.9
        assert robot.truth()["position"][2] < 0.15
        assert np.linalg.norm(robot.truth()["velocity"]) < 0.05


def test_it_stands():
    with stand_in(start="stand") as robot:
        for _ in range(3):
            state = hold_stand(robot, 1.0)[-1]
            assert robot.truth()["position"][2] > 0.2
        np.testing.assert_allclose(state.accel, [0, 0, 9.81], atol=0.6)
        np.testing.assert_allclose(state.gyro, 0, atol=0.1)
        # Four feet carry 12.458 kg x 9.81 m/s^2 = 122 N, and each is above the contact threshold.
        assert state.foot_force.sum() == pytest.approx(122.2, rel=0.05)
        assert (state.foot_force > 0.5 * robot.info.contact_force).all()


def test_a_payload_is_carried_by_the_feet():
    with stand_in(start="stand", payload=2.0) as robot:
        state = hold_stand(robot, 1.0)[-1]
        assert state.foot_force.sum() == pytest.approx((12.458 + 2.0) * 9.81, rel=0.05)


def test_torque_never_exceeds_the_motors():
    with stand_in(start="back") as robot:
        rng = np.random.default_rng(0)
        largest = 0.0
        for _ in range(20):
            target = rng.uniform(robot.info.joint_lower, robot.info.joint_upper)
            asked = JointCommand(
                target, np.zeros(12), rng.uniform(-99, 99, 12), np.full(12, 200.0), np.ones(12)
            )
            robot.write(asked)
            for _ in range(5):
                wait(robot, DT)
                largest = max(largest, np.abs(robot.read().joint_torque).max())
        assert largest == pytest.approx(33.5)


def test_same_seed_and_commands_give_the_same_numbers():
    def trajectory(seed: int) -> list[RobotState]:
        with stand_in(seed=seed, noise=NoiseConfig()) as robot:
            rng = np.random.default_rng(1)
            states = []
            for _ in range(30):
                robot.write(JointCommand.hold(rng.uniform(-1, 1, 12), robot.info))
                wait(robot, STEP)
                states.append(robot.read())
            return states

    def flat(states: list[RobotState]) -> np.ndarray:
        return np.array([np.concatenate([s.joint_pos, s.joint_vel, s.quat_xyzw, s.accel]) for s in states])

    first, again, other = flat(trajectory(3)), flat(trajectory(3)), flat(trajectory(4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_stand_ins_in_one_process_do_not_touch_each_other():
    with stand_in(start="stand") as alone:
        expected = hold_stand(alone, 0.5)[-1]
    with stand_in(start="stand") as one, stand_in(start="back") as two:
        for _ in range(10):
            one.write(JointCommand.hold(one.info.stand_pos, one.info))
            two.write(JointCommand.hold(-two.info.stand_pos, two.info))
            wait(one, STEP)
            wait(two, STEP)
        np.testing.assert_array_equal(one.read().joint_pos, expected.joint_pos)
        assert up_z(two.truth()["quat_xyzw"]) < 0


@pytest.mark.parametrize("steps", [0, 2, 10])
def test_latency_delays_motion_by_its_steps(steps):
    with stand_in(start="back", latency=steps * DT, start_jitter=0.0) as robot:
        wait(robot, 1.0)
        still = robot.read().joint_pos
        asked = JointCommand(still, np.zeros(12), np.full(12, 20.0), np.zeros(12), np.zeros(12))
        robot.write(asked)
        speeds = []
        for _ in range(steps + 1):
            wait(robot, DT)
            speeds.append(np.abs(robot.read().joint_vel).max())
        assert max(speeds[:steps], default=0.0) < 0.3
        assert speeds[steps] > 1.0


def test_a_push_moves_it():
    with stand_in(start="stand") as robot:
        hold_stand(robot, 0.5)
        before = robot.truth()["velocity"][1]
        robot.push(np.array([0.0, 5.0, 0.0]))
        wait(robot, DT)
        # 5 N s on 12.458 kg is 0.40 m/s when the legs move along; the trunk alone takes a little more at first.
        assert 0.3 < robot.truth()["velocity"][1] - before < 1.2


def test_less_friction_slides_further():
    def slide(friction: float) -> float:
        with stand_in(start="back", friction=friction) as robot:
            robot.push(np.array([12.0, 0.0, 0.0]))
            wait(robot, 1.0)
            return float(robot.truth()["position"][0])

    assert slide(0.2) > 1.5 * slide(0.8) > 0


def test_the_accelerometer_adds_up_to_the_change_of_velocity_in_a_body_that_turns():
    with stand_in(start="stand") as robot:
        hold_stand(robot, 0.5)
        robot.push(np.array([4.0, -3.0, 0.0]))
        first = hold_stand(robot, STEP)[-1]
        before = robot.truth()["velocity"]
        state = hold_stand(robot, STEP)[-1]
        turned = 0.5 * (from_quaternion(first.quat_xyzw) + from_quaternion(state.quat_xyzw))
        gained = (turned @ state.accel - [0, 0, 9.81]) * STEP
        np.testing.assert_allclose(before + gained, robot.truth()["velocity"], atol=2e-3)


def test_a_robot_that_is_put_somewhere_is_let_go_of():
    with stand_in(start="stand") as robot:
        robot.carry(np.zeros(3))
        wait(robot, STEP)
        robot.set_pose("hang")
        robot.set_pose("stand")
        hold_stand(robot, 0.2)
        robot.push(np.array([10.0, 0.0, 0.0]))
        hold_stand(robot, 0.1)
        assert abs(robot.truth()["velocity"][0]) > 0.1, "nobody holds it"


def test_a_hanging_robot_is_carried_from_where_it_hangs():
    with stand_in(start="hang") as robot:
        hung = robot.truth()["position"]
        for _ in range(2):
            robot.carry(np.array([1.0, 0.0, 0.0]))
            wait(robot, 0.2)
            assert robot.truth()["position"] - hung == pytest.approx([0.2, 0.0, 0.0], abs=0.02)
            robot.set_pose("hang")  # at the origin again, and held there anew


def test_what_a_motion_tells_is_the_torque_that_the_joints_got():
    def power(scale: float) -> float:
        with stand_in(start="hang", distortion={"torque_scale": [scale] * 12}) as robot:
            robot.motion()
            robot.write(JointCommand.hold(robot.info.stand_pos + 0.3, robot.info))
            wait(robot, STEP)
            asked, given = robot._torque, robot.motion().torque[-1]
            return float(np.abs(given).sum() / np.abs(asked).sum())

    assert power(0.8) == pytest.approx(0.8) and power(1.0) == pytest.approx(1.0)


def test_noise_has_its_standard_deviation():
    config = NoiseConfig(
        joint_pos=0.01, joint_vel=0.2, orientation=0.02, gyro=0.05, accel=0.3, foot_force=2.0
    )
    with stand_in(start="back", noise=config) as robot:
        wait(robot, 2.0)
        states = []
        for _ in range(300):
            wait(robot, DT)
            states.append(robot.read())
    for name in ("joint_pos", "joint_vel", "gyro", "accel", "foot_force"):
        spread = np.std([getattr(s, name) for s in states], axis=0).mean()
        assert spread == pytest.approx(getattr(config, name), rel=0.15), name
    assert np.allclose([np.linalg.norm(s.quat_xyzw) for s in states], 1.0)


def test_a_reading_is_repeated_until_time_moves():
    with stand_in() as robot:
        first = robot.read()
        assert robot.read() is first
        wait(robot, STEP)
        second = robot.read()
        assert second.seq == first.seq + 1
        assert second.time == pytest.approx(first.time + STEP)


def test_setting_a_pose_takes_no_robot_time():
    with stand_in(start="back") as robot:
        wait(robot, 0.5)
        robot.set_pose("stand")
        assert robot.clock.now() == pytest.approx(0.5)
        assert up_z(robot.truth()["quat_xyzw"]) > 0.9


def test_realtime_keeps_to_the_wall_clock():
    wall = ManualClock(50.0)
    with stand_in(speed="realtime", wall=wall) as robot:
        wait(robot, 0.3)
        assert wall.now() == pytest.approx(50.3)
        assert robot.clock.now() == pytest.approx(0.3)


def test_write_returns_what_was_sent():
    with stand_in() as robot:
        sent = robot.write(JointCommand.hold(np.full(12, 9.0), robot.info))
        np.testing.assert_allclose(sent.pos, robot.info.joint_upper)


def test_a_command_that_is_not_finite_moves_nothing():
    with stand_in(start="stand") as one, stand_in(start="stand") as two:
        bad = JointCommand.hold(one.info.stand_pos, one.info)
        bad.pos[4] = np.nan
        with pytest.raises(CommandError, match="FL_thigh"):
            one.write(bad)
        wait(one, STEP)
        wait(two, STEP)
        np.testing.assert_array_equal(one.read().joint_pos, two.read().joint_pos)


def test_unconnected_and_closed_it_says_so():
    robot = StandIn()
    robot.close()
    for _ in range(2):
        with pytest.raises(StaleState, match="connect"):
            robot.read()
        with pytest.raises(CommandError, match="connect"):
            robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
        with pytest.raises(RobotError, match="connect"):
            robot.clock.sleep_until(1.0)
        robot.connect()
        robot.connect()
        robot.read()
        robot.close()
        robot.close()


@pytest.mark.parametrize(
    "options", [{"start": "head"}, {"speed": "fast"}, {"latency": -1.0}, {"friction": np.nan}]
)
def test_nonsense_is_refused_at_once(options):
    with pytest.raises(RobotError):
        StandIn(**options)


def test_the_camera_sees_the_robot_and_changes_nothing():
    with stand_in(start="stand") as watched, stand_in(start="stand") as unwatched:
        image = watched.camera(160, 120)
        assert image.shape == (120, 160, 3)
        assert image.dtype == np.uint8
        red, blue = image[..., 0].astype(int), image[..., 2].astype(int)
        assert (red - blue > 60).sum() > 200  # the orange legs, against a blue and white floor
        seen, unseen = hold_stand(watched, 0.5)[-1], hold_stand(unwatched, 0.5)[-1]
        np.testing.assert_array_equal(seen.joint_pos, unseen.joint_pos)

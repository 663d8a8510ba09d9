"""What every robot promises, as tests: inherit ``RobotContract``, say how to make one, and run.

class TestMyRobot(RobotContract):
    def make_robot(self):
        return MyRobot()
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from robots.robot import CommandError, JointCommand, Robot, RobotError, RobotInfo

FIELDS = [field.name for field in fields(JointCommand)]
PERIOD = 0.05  # s, one control step


class RobotContract:
    """The tests. ``self.make_robot()`` gives a new robot, not connected, on a clock that does not wait."""

    real_time = False  # True: its time goes on while a busy computer gives the test, or the robot, no turn

    def make_robot(self) -> Robot:
        raise NotImplementedError("return a new robot that is not connected")

    def last_sent(self, robot: Robot) -> JointCommand:
        """The last command that the motors got, also after close; override where the robot can tell."""
        pytest.skip("this robot does not tell what its motors got last")

    @pytest.fixture
    def robot(self):
        robot = self.make_robot()
        robot.connect()
        yield robot
        robot.close()

    def test_it_is_a_robot(self):
        assert isinstance(self.make_robot(), Robot)

    def test_info_is_readable_before_connecting(self):
        info = self.make_robot().info
        assert info.name and info.joints > 0
        assert len(set(info.joint_names)) == info.joints
        assert len(set(info.foot_names)) == info.feet
        arrays = (
            "joint_lower",
            "joint_upper",
            "max_torque",
            "max_velocity",
            "stand_pos",
            "default_kp",
            "default_kd",
        )
        for name in arrays:
            value = getattr(info, name)
            assert value.shape == (info.joints,) and value.dtype == np.float64, name
            assert np.isfinite(value).all(), name
        assert (info.joint_lower < info.joint_upper).all()
        assert ((info.joint_lower <= info.stand_pos) & (info.stand_pos <= info.joint_upper)).all()
        assert (info.max_torque > 0).all() and (info.max_velocity > 0).all() and (info.default_kd > 0).all()

    def test_nothing_works_before_connecting(self):
        robot = self.make_robot()
        with pytest.raises(RobotError):
            robot.read()
        with pytest.raises(CommandError):
            robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))

    def test_connecting_twice_is_harmless(self, robot):
        robot.connect()
        robot.read()

    def test_a_reading_has_every_sensor(self, robot):
        state, info = robot.read(), robot.info
        shapes = {
            "joint_pos": (info.joints,), "joint_vel": (info.joints,), "joint_torque": (info.joints,),
            "quat_xyzw": (4,), "gyro": (3,), "accel": (3,), "foot_force": (info.feet,), "temperature": (info.joints,),
        }  # fmt: skip
        for name, shape in shapes.items():
            value = getattr(state, name)
            assert value.shape == shape and value.dtype == np.float64, name
            assert np.isfinite(value).all(), name
        assert np.linalg.norm(state.quat_xyzw) == pytest.approx(1.0, abs=1e-3)
        assert isinstance(state.seq, int)

    def test_time_goes_with_the_clock(self, robot):
        def look():
            before = robot.read()
            robot.clock.sleep_until(robot.clock.now() + PERIOD)
            after = robot.read()
            assert after.time > before.time
            assert after.time == pytest.approx(robot.clock.now(), abs=0.01)

        once_in(50 if self.real_time else 1, look)

    def test_seq_counts_readings(self, robot):
        def look():
            seen = [robot.read().seq]
            for _ in range(5):
                robot.clock.sleep_until(robot.clock.now() + PERIOD)
                seen.append(robot.read().seq)
            assert seen == sorted(set(seen)), "every new reading has a larger seq"

        once_in(50 if self.real_time else 1, look)

    def test_a_reading_is_not_changed_by_the_next(self, robot):
        state = robot.read()
        kept = state.joint_pos.copy()
        robot.write(JointCommand.hold(kept + 0.2, robot.info))
        robot.clock.sleep_until(robot.clock.now() + PERIOD)
        robot.read()
        np.testing.assert_array_equal(state.joint_pos, kept)

    def test_joints_follow_a_command(self, robot):
        start, info = robot.read().joint_pos, robot.info
        away = np.where(start < 0.5 * (info.joint_lower + info.joint_upper), 0.2, -0.2)
        # 5 s: a second is enough, but a busy computer may keep a robot in real time from it
        for _ in range(100):
            robot.write(JointCommand.hold(start + away, info))
            robot.clock.sleep_until(robot.clock.now() + PERIOD)
            moved = (robot.read().joint_pos - start) / away
            if np.median(moved) > 0.7:
                return
        pytest.fail(f"most joints go most of the way; they went {np.round(moved, 2)} of it")

    def test_write_returns_a_command_within_limits_as_it_is(self, robot):
        info = robot.info
        command = JointCommand.hold(info.stand_pos, info)
        sent = robot.write(command)
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(sent, name), getattr(command, name))

    def test_write_returns_what_is_left_of_a_command_beyond_limits(self, robot):
        info = robot.info
        huge = np.full(info.joints, 1e6)
        sent = robot.write(JointCommand(huge, -huge, huge, huge, huge))
        np.testing.assert_array_equal(sent.pos, info.joint_upper)
        np.testing.assert_array_equal(sent.vel, -info.max_velocity)
        np.testing.assert_array_equal(sent.torque, info.max_torque)
        assert (sent.kp < 1e6).all() and (sent.kd < 1e6).all()

    @pytest.mark.parametrize("name", FIELDS)
    @pytest.mark.parametrize("fault", ["short", "flat", "nan", "inf", "scalar"])
    def test_a_senseless_command_is_refused_and_nothing_moves(self, robot, name, fault):
        before = robot.read().joint_pos
        # All but the one field asks for a leap that would be seen.
        leap = JointCommand.hold(
            np.clip(before + 0.5, robot.info.joint_lower, robot.info.joint_upper), robot.info
        )
        with pytest.raises(CommandError):
            robot.write(replace(leap, **{name: spoil(getattr(leap, name), fault)}))
        robot.clock.sleep_until(robot.clock.now() + PERIOD)
        assert np.abs(robot.read().joint_pos - before).max() < 0.1

    def test_a_refusal_names_the_joint(self, robot):
        command = JointCommand.hold(robot.info.stand_pos, robot.info)
        command.vel[2] = np.nan
        with pytest.raises(CommandError, match=robot.info.joint_names[2]):
            robot.write(command)

    def test_the_caller_may_reuse_its_arrays(self, robot):
        command = JointCommand.hold(robot.info.stand_pos.copy(), robot.info)
        sent = robot.write(command)
        command.pos[:] = 0.0
        np.testing.assert_array_equal(sent.pos, robot.info.stand_pos)

    def test_truth_is_the_simulators_own(self, robot):
        truth = robot.truth()
        if not robot.info.simulated:
            assert not truth
            return
        assert {name: value.shape for name, value in truth.items()} == {
            "position": (3,), "velocity": (3,), "quat_xyzw": (4,),
        }  # fmt: skip

    def test_close_damps(self, robot):
        robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
        robot.close()
        last = self.last_sent(robot)
        assert not last.kp.any() and not last.torque.any() and (last.kd > 0).all()

    def test_close_can_be_repeated(self, robot):
        robot.close()
        robot.close()

    def test_close_is_safe_when_never_connected(self):
        self.make_robot().close()

    def test_nothing_works_after_close(self, robot):
        command = JointCommand.hold(robot.info.stand_pos, robot.info)
        robot.close()
        with pytest.raises(RobotError):
            robot.read()
        with pytest.raises(CommandError):
            robot.write(command)

    def test_it_can_be_connected_again(self, robot):
        robot.close()
        robot.connect()
        robot.read()

    def test_the_context_manager_connects_and_closes(self):
        with self.make_robot() as robot:
            robot.read()
        with pytest.raises(RobotError):
            robot.read()

    def test_the_context_manager_closes_on_an_error_and_lets_it_through(self):
        robot = self.make_robot()
        with pytest.raises(ZeroDivisionError), robot:
            raise ZeroDivisionError
        with pytest.raises(RobotError):
            robot.read()


def once_in(looks: int, look: Callable[[], None]) -> None:
    """``look`` must hold, at least once: a computer with too little time for all may spoil some looks, not all."""
    for left in reversed(range(looks)):
        try:
            return look()
        except AssertionError:
            if not left:
                raise


def spoil(value: np.ndarray, fault: str):
    """``value`` made senseless in one way."""
    if fault == "short":
        return value[:-1]
    if fault == "flat":
        return value[None]
    if fault == "scalar":
        return 1.0
    spoilt = value.copy()
    spoilt[-1] = np.nan if fault == "nan" else np.inf
    return spoilt


def short_info(info: RobotInfo) -> RobotInfo:
    """The same robot with its first joint only, for tests that need another size."""
    arrays = (
        "joint_lower",
        "joint_upper",
        "max_torque",
        "max_velocity",
        "stand_pos",
        "default_kp",
        "default_kd",
    )
    return replace(
        info, joint_names=info.joint_names[:1], **{name: getattr(info, name)[:1] for name in arrays}
    )

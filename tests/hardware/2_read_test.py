"""Step 2, motors off: every sensor reads, moves, and makes sense. The robot lies on its belly or hangs."""

import numpy as np
import pytest

from tests.contracts.robot_contract import once_in


def test_states_come_at_the_rate_of_the_servo(a1, wait):
    def look():
        first = a1.read()
        wait(0.5)
        second = a1.read()
        assert second.time - first.time == pytest.approx(0.5, abs=0.1)
        # 250 states at 500 Hz; a busy computer may lose some.
        assert 100 < second.seq - first.seq < 300

    once_in(10, look)


def test_the_joints_are_within_their_limits_and_still(a1):
    state, info = a1.read(), a1.info
    assert (state.joint_pos > info.joint_lower - 0.087).all()
    assert (state.joint_pos < info.joint_upper + 0.087).all()
    assert np.abs(state.joint_vel).max() < 2.0


def test_the_imu_feels_gravity(a1, wait):
    a1.read()
    wait(0.2)
    state = a1.read()  # accel is the mean since the reading before
    assert np.linalg.norm(state.quat_xyzw) == pytest.approx(1.0, abs=1e-3)
    assert np.linalg.norm(state.accel) == pytest.approx(9.81, abs=1.0)
    assert np.abs(state.gyro).max() < 0.5


def test_no_motor_is_warm(a1):
    assert (a1.read().temperature < 50).all()


def test_the_remote_is_heard(a1):
    assert len(a1.remote()) == 40


def test_the_servo_keeps_its_rate(a1, wait):
    def look():
        begun, before = a1.clock.now(), a1.statistics()
        wait(1.0)
        seconds, after = a1.clock.now() - begun, a1.statistics()
        assert (after["ticks"] - before["ticks"]) / seconds > 400
        assert after["late_p50_ms"] < 2.0 or not after["realtime"]

    once_in(10, look)
    assert a1.statistics()["dropped"] == 0

"""Motor boards, heat and the line of the emulated A1, each by itself, with numbers worked by hand."""

import numpy as np
import pytest

from robots.a1 import model, wire
from robots.a1.line import Line, LineConfig
from robots.a1.motor_boards import Drive, MotorBoards, is_within_limits
from robots.a1.protocol import LowCmd
from robots.a1.thermal import Thermal, ThermalConfig
from robots.robot import JointCommand

ZERO, ONE = np.zeros(12), np.ones(12)
STAND = np.tile([0.0, 0.9, -1.8], 4)


def command(pos=STAND, vel=0.0, torque=0.0, kp=0.0, kd=0.0) -> LowCmd:
    return LowCmd.servo(JointCommand(*(ONE * value for value in (pos, vel, torque, kp, kd))))


def test_a_servo_does_all_five_numbers():
    boards = MotorBoards()
    boards.take(command(pos=0.1, vel=2.0, torque=3.0, kp=50.0, kd=0.5))
    # 3 + 50 (0.1 - 0.04) + 0.5 (2 - 1) = 3 + 3 + 0.5 = 6.5
    np.testing.assert_allclose(boards.torque(0.04 * ONE, ONE), 6.5)


def test_pos_stop_and_vel_stop_track_nothing_whatever_the_gains():
    boards = MotorBoards()
    boards.take(command(pos=wire.POS_STOP, vel=wire.VEL_STOP, torque=1.5, kp=50.0, kd=5.0))
    np.testing.assert_allclose(boards.torque(ONE, ONE), 1.5)


@pytest.mark.parametrize("mode", [wire.BRAKE, 0x01, 0xFF])
def test_any_mode_but_the_servos_brakes_and_asks_for_nothing(mode):
    boards = MotorBoards(brake_kd=1.5)
    boards.take(command(pos=0.1, torque=9.0, kp=50.0)._replace(mode=np.full(20, float(mode))))
    np.testing.assert_allclose(boards.torque(ZERO, 2.0 * ONE), -3.0)  # -1.5 x 2
    assert boards.drive is Drive.DAMPED
    assert (boards.mode == mode).all()


def test_every_motor_has_a_mode_of_its_own():
    boards, mode = MotorBoards(brake_kd=1.0), np.full(20, float(wire.SERVO))
    mode[3] = wire.BRAKE
    boards.take(command(torque=4.0)._replace(mode=mode))
    np.testing.assert_allclose(boards.torque(ZERO, ONE)[2:5], [4.0, -1.0, 4.0])
    assert boards.drive is Drive.DRIVEN


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_motor_gives_no_more_than_it_can(sign):
    boards = MotorBoards()
    boards.take(command(torque=sign * 100.0))
    np.testing.assert_allclose(boards.torque(ZERO, ZERO), sign * 33.5)


@pytest.mark.parametrize(
    ("asked", "drive"),
    [
        (dict(kp=20.0), Drive.DRIVEN),
        (dict(torque=0.1), Drive.DRIVEN),
        (dict(vel=1.0, kd=1.0), Drive.DRIVEN),
        (dict(kd=2.0), Drive.DAMPED),
        (dict(vel=1.0), Drive.LIMP),  # a velocity without a gain asks for nothing
        (dict(), Drive.LIMP),
    ],
)
def test_what_the_motors_do_has_a_name(asked, drive):
    boards = MotorBoards()
    boards.take(command(**asked))
    assert boards.drive is drive


def test_before_any_command_the_motors_brake():
    assert MotorBoards().drive is Drive.DAMPED


INFO = model.info(simulated=False)


@pytest.mark.parametrize(
    ("asked", "fine"),
    [
        (dict(kp=100.0, kd=2.0), True),
        (dict(pos=INFO.joint_upper, kp=1.0), True),
        (dict(pos=INFO.joint_lower, kp=1.0), True),
        (dict(pos=INFO.joint_upper + 0.001, kp=1.0), False),
        (dict(pos=INFO.joint_lower - 0.001, kp=1.0), False),
        (dict(pos=INFO.joint_upper + 0.001), True),  # not tracked
        (dict(pos=wire.POS_STOP, vel=wire.VEL_STOP, kp=1.0, kd=1.0), True),
        (dict(vel=21.0, kd=1.0), True),
        (dict(vel=21.1, kd=1.0), False),
        (dict(torque=33.5), True),
        (dict(torque=-33.6), False),
        (dict(kp=-0.1), False),
        (dict(kd=-0.1), False),
    ],
)
def test_a_command_that_an_a1_must_not_be_given_is_recognised(asked, fine):
    assert is_within_limits(command(**asked)) is fine


def test_a_motor_warms_as_its_torque_squared_and_cools_to_the_air():
    config = ThermalConfig(ambient=25.0, start=25.0, heating=0.00125, time_constant=300.0)
    heat = Thermal(config, motors=3, dt=300.0)
    # After one time constant 1 - 1/e = 0.632 of the way to 25 + 0.375 torque^2: 8 N m settles at 49.
    np.testing.assert_allclose(heat.step(np.array([0.0, 8.0, -8.0])), [25.0, 40.171, 40.171], atol=1e-3)
    for _ in range(20):
        warm = heat.step(np.array([0.0, 8.0, -8.0]))
    np.testing.assert_allclose(warm, [25.0, 49.0, 49.0], atol=1e-6)
    for _ in range(20):
        warm = heat.step(np.zeros(3))
    np.testing.assert_allclose(warm, 25.0, atol=1e-6)


def test_a_stalled_motor_is_too_hot_after_22_seconds():
    heat = Thermal(ThermalConfig(), motors=1, dt=0.1)
    seconds = 0.0
    while heat.step(np.array([33.5]))[0] < 60:
        seconds += 0.1
    assert seconds == pytest.approx(22, abs=1)


@pytest.mark.parametrize("wrong", [dict(heating=-1.0), dict(time_constant=0.0)])
def test_a_motor_that_cools_by_work_is_refused(wrong):
    with pytest.raises(ValueError, match="heating is zero or more"):
        ThermalConfig(**wrong)


def test_a_perfect_line_delivers_at_once_and_once():
    line = Line(LineConfig(), seed=0)
    line.send("a", 1.0)
    line.send("b", 1.0)
    assert line.arrived(1.0) == ["a", "b"]
    assert line.arrived(2.0) == []


def test_a_late_line_delivers_after_its_latency():
    line = Line(LineConfig(latency=0.01), seed=0)
    line.send("a", 1.0)
    assert line.arrived(1.0099) == []
    assert line.arrived(1.01) == ["a"]


def test_jitter_lets_packets_overtake_each_other_and_loses_none():
    line = Line(LineConfig(latency=0.002, jitter=0.010), seed=1)
    for number in range(200):
        line.send(number, number * 0.001)
    assert line.arrived(0.0019) == []
    came = line.arrived(0.2 + 0.012)
    assert sorted(came) == list(range(200)) and came != sorted(came)


def test_loss_is_counted_and_repeatable():
    def survivors(seed):
        line = Line(LineConfig(loss=0.3), seed)
        for number in range(1000):
            line.send(number, 0.0)
        return line.arrived(0.0), line.lost

    came, lost = survivors(5)
    assert len(came) + lost == 1000 and 250 < lost < 350
    assert survivors(5)[0] == came != survivors(6)[0]


def test_a_full_line_refuses_and_counts():
    line = Line(LineConfig(latency=1.0), seed=0, capacity=3)
    for number in range(5):
        line.send(number, 0.0)
    assert line.refused == 2
    assert line.arrived(1.0) == [0, 1, 2]


@pytest.mark.parametrize(
    "wrong", [dict(latency=-0.1), dict(jitter=float("inf")), dict(loss=1.1), dict(loss=-0.1)]
)
def test_an_impossible_line_is_refused(wrong):
    with pytest.raises(ValueError, match="a loss between 0 and 1"):
        LineConfig(**wrong)

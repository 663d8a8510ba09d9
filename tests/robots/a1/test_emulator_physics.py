"""The emulated A1 with physics behind it, over real UDP on loopback; in lockstep, so as fast as the computer can."""

import socket

import numpy as np
import pytest

from robots.a1.emulator import Emulator
from robots.a1.firmware import FirmwareConfig
from robots.a1.motor_boards import Drive
from robots.a1.protocol import LowCmd, decode_state, encode_command
from robots.a1.sim_body import SimBody
from robots.clock import ManualClock
from robots.robot import JointCommand, RobotError
from robots.sim.noise import NoiseConfig

pytest.importorskip("pybullet")

STAND = np.tile([0.0, 0.9, -1.8], 4)
KD = np.tile([1.0, 2.0, 2.0], 4)


def client(to: Emulator) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.connect(to.address)
    made.settimeout(60.0)
    return made


def turn(emulator: Emulator, count: int = 1) -> None:
    for _ in range(count):
        emulator.turn()
        emulator.clock.advance(0.002)


def conversation(emulator: Emulator, me: socket.socket, command: JointCommand, ticks: int):
    """Send ``command`` and take the answer, tick by tick, as fast as it goes; the last state."""
    data = encode_command(LowCmd.servo(command))
    state = None
    for _ in range(ticks):
        me.send(data)
        turn(emulator)
        state = decode_state(me.recv(2048))
    return state


@pytest.fixture
def a1():
    with Emulator(SimBody(start="belly"), port=0, clock=ManualClock()) as made:
        yield made


def test_lying_on_its_belly_the_sensors_make_sense(a1):
    rest = JointCommand(STAND, *np.zeros((3, 12)), np.full(12, 2.0))
    with client(a1) as me:
        state = conversation(a1, me, rest, 50)
    assert abs(state.quat_wxyz[0]) > 0.98 and np.linalg.norm(state.quat_wxyz) == pytest.approx(1, abs=1e-5)
    assert state.accel[2] == pytest.approx(9.81, abs=1.0)
    assert np.abs(state.gyro).max() < 0.5 and np.abs(state.vel[:12]).max() < 1.0
    assert (state.temperature[:12] == 30).all()
    assert a1.firmware.counters.beyond_limits == 0


def test_it_stands_up_over_udp_and_lies_down_when_commands_stop():
    body = SimBody(start="belly", seed=1)
    with Emulator(body, FirmwareConfig(command_timeout=0.05), port=0, clock=ManualClock()) as a1:
        with client(a1) as me:
            me.send(encode_command(LowCmd.brake()))
            turn(a1)
            lying = decode_state(me.recv(2048)).pos[:12]
            for share in np.linspace(0, 1, 40):  # 1.2 s, in steps of 30 ms
                target = lying + share * (STAND - lying)
                hold = JointCommand(target, np.zeros(12), np.zeros(12), np.full(12, 100.0), KD)
                state = conversation(a1, me, hold, 15)
            state = conversation(a1, me, hold, 150)
        assert body.truth().position[2] > 0.22
        assert state.foot_force.sum() == pytest.approx(12.5 * 9.81, rel=0.3)  # its weight, in N
        assert a1.firmware.drive is Drive.DRIVEN
        turn(a1, 27)  # 54 ms of silence
        assert a1.firmware.drive is Drive.DAMPED
        turn(a1, 750)
        assert body.truth().position[2] < 0.15
        assert a1.firmware.thermal.temperature.max() > 30.0


def test_on_its_back_gravity_points_the_other_way():
    body = SimBody(start="back", yaw_drift=0.0)
    try:
        reading = body.sense()
        assert reading.accel[2] == pytest.approx(-9.81, abs=1.0)
        x, y, _, _ = reading.quat_xyzw
        assert 1 - 2 * (x * x + y * y) < -0.9  # the trunk's z, upwards
    finally:
        body.close()


def test_the_yaw_of_an_imu_without_a_compass_drifts():
    body = SimBody(start="belly", noise=NoiseConfig.none(), yaw_drift=5.0)
    try:
        before = body.sense().quat_xyzw
        for _ in range(50):
            body.step(np.zeros(12))
        after, truth = body.sense().quat_xyzw, body.truth().quat_xyzw
    finally:
        body.close()
    assert np.abs(before @ truth) == pytest.approx(1.0, abs=1e-3)
    # 5 rad/s for 0.1 s is half a radian, of which the quaternion shows cos(0.25) = 0.969.
    assert np.abs(after @ truth) == pytest.approx(0.969, abs=2e-3)


def test_the_same_seed_gives_the_same_packets():
    def packets():
        with Emulator(SimBody(seed=3), port=0, clock=ManualClock()) as a1, client(a1) as me:
            hold = JointCommand(STAND, *np.zeros((2, 12)), np.full(12, 20.0), KD)
            return [conversation(a1, me, hold, 10).pos.tobytes() for _ in range(5)]

    assert packets() == packets()


@pytest.mark.parametrize("wrong", [dict(start="upside"), dict(dt=0.0), dict(dt=0.1)], ids=str)
def test_a_body_that_cannot_be_is_refused(wrong):
    with pytest.raises(RobotError):
        SimBody(**wrong)

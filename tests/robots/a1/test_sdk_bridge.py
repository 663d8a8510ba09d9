"""What the bridge makes of our packets and of the vendor's values, and what it does when either stops coming."""

import socket
from types import SimpleNamespace

import numpy as np
import pytest

from robots.a1 import model, wire
from robots.a1.protocol import LowCmd, decode_command, decode_state, encode_command
from robots.a1.sdk_process import SILENCE, SdkBridge
from robots.a1.sdk_values import damping, motor_commands, state_packet
from robots.clock import ManualClock
from robots.robot import JointCommand, RobotError

INFO = model.info(simulated=False)


def a_state(tick=1, quat=(1.0, 0.0, 0.0, 0.0)):
    """An observation as the vendor's module gives it: motor i at i / 10 rad."""
    motors = [
        SimpleNamespace(mode=10, q=i / 10, dq=-i / 10, ddq=1.0, tauEst=0.5, temperature=30 + i)
        for i in range(20)
    ]
    imu = SimpleNamespace(
        quaternion=list(quat), gyroscope=[0.1, 0.2, 0.3], accelerometer=[0, 0, 9.8], rpy=[0] * 3
    )
    return SimpleNamespace(
        imu=imu, motorState=motors, footForce=[21, 22, 23, 24], tick=tick, wirelessRemote=[-1] * 40
    )


class Recorder:
    """A RobotInterface that remembers what it was sent, and says what it is told to say."""

    def __init__(self):
        self.sent: list[list[float]] = []
        self.state = a_state()

    def send_command(self, motors):
        self.sent.append(motors)

    def receive_observation(self):
        return self.state


@pytest.fixture
def line():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside:
        inside.bind(("127.0.0.1", 0))
        yield inside


@pytest.fixture
def servo(line):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.connect(line.getsockname())
        outside.settimeout(60.0)
        yield outside


@pytest.fixture
def interface():
    return Recorder()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def bridge(interface, line, clock):
    return SdkBridge(interface, line, clock)


def stand() -> bytes:
    return encode_command(LowCmd.servo(JointCommand.hold(INFO.stand_pos, INFO)))


def test_a_command_is_sixty_numbers_motor_by_motor():
    command = JointCommand(
        INFO.stand_pos, np.full(12, 0.5), np.full(12, -2.0), np.full(12, 40.0), INFO.default_kd
    )
    numbers = motor_commands(LowCmd.servo(command))
    # FR hip stands at 0 rad, FR thigh at 0.9; each is q, Kp, dq, Kd, tau.
    assert numbers[:10] == [0.0, 40.0, 0.5, 1.0, -2.0, 0.9, 40.0, 0.5, 2.0, -2.0]
    assert len(numbers) == 60


def test_brake_is_damping_and_never_sixteen_thousand_radians_per_second():
    assert motor_commands(LowCmd.brake()) == damping()
    columns = np.reshape(damping(), (12, 5)).T
    assert not columns[1].any() and not columns[2].any() and not columns[4].any()
    np.testing.assert_array_equal(columns[3], INFO.default_kd)


@pytest.mark.parametrize(("field", "value"), [("vel", wire.VEL_STOP), ("pos", wire.POS_STOP), ("mode", 0.0)])
def test_one_motor_that_is_not_in_servo_mode_damps_all(field, value):
    low = LowCmd.servo(JointCommand.hold(INFO.stand_pos, INFO))
    getattr(low, field)[3] = value
    assert motor_commands(low) == damping()


def test_what_a_motor_must_not_be_asked_is_reduced_once_more():
    low = LowCmd.servo(JointCommand.hold(INFO.stand_pos, INFO))
    low.pos[0], low.torque[0] = 2.0, 120.0
    assert motor_commands(low)[:5] == [0.802, 100.0, 0.0, 1.0, 33.5]


def test_a_state_becomes_the_packet_that_says_the_same():
    low = decode_state(state_packet(a_state(tick=7)))
    np.testing.assert_allclose(low.pos[:12], np.arange(12) / 10, rtol=1e-6)
    np.testing.assert_allclose(low.vel[:12], -np.arange(12) / 10, rtol=1e-6)
    assert not low.pos[12:].any()
    np.testing.assert_array_equal(low.temperature[:12], 30 + np.arange(12))
    np.testing.assert_array_equal(low.foot_force, [21, 22, 23, 24])
    np.testing.assert_array_equal(low.quat_wxyz, [1, 0, 0, 0])
    assert (low.tick, low.remote) == (7, b"\xff" * 40)


def test_before_the_first_packet_there_is_no_state():
    assert state_packet(a_state(quat=(0.0, 0.0, 0.0, 0.0))) is None


def test_a_state_of_another_robot_is_refused_with_what_is_missing():
    state = a_state()
    del state.imu.gyroscope
    with pytest.raises(RobotError, match=r"gyroscope.*v3\.2 to v3\.3\.4"):
        state_packet(state)


def test_a_command_goes_in_and_a_state_comes_out(bridge, servo, interface):
    servo.send(stand())
    bridge.turn()
    (sent,) = interface.sent
    np.testing.assert_allclose(
        sent, motor_commands(LowCmd.servo(JointCommand.hold(INFO.stand_pos, INFO))), rtol=1e-6
    )
    assert decode_state(servo.recv(2048)).tick == 1


def test_a_state_is_passed_on_once(bridge, servo, interface):
    for _ in range(3):
        servo.send(stand())
        bridge.turn()
    interface.state = a_state(tick=2)
    bridge.turn()
    assert [decode_state(servo.recv(2048)).tick for _ in range(2)] == [1, 2]
    servo.setblocking(False)
    with pytest.raises(BlockingIOError):
        servo.recv(2048)


def test_nothing_is_sent_to_the_robot_before_the_first_command(bridge, interface, clock):
    clock.advance(60.0)
    bridge.turn()
    bridge.damp()
    assert interface.sent == []


def test_it_damps_when_commands_stop_coming(bridge, servo, interface, clock):
    servo.send(stand())
    bridge.turn()
    clock.advance(SILENCE)
    bridge.turn()
    assert len(interface.sent) == 1
    clock.advance(0.001)
    bridge.turn()
    assert interface.sent[1:] == [damping()]


def damp() -> bytes:
    return encode_command(LowCmd.brake())


def test_of_the_commands_that_wait_only_the_newest_is_done(bridge, servo, interface):
    for _ in range(60):
        servo.send(stand())
    servo.send(damp())
    bridge.turn()
    bridge.turn()
    assert interface.sent == [damping()]


def test_what_waited_while_the_module_blocked_is_not_done_and_the_next_command_is(
    bridge, servo, interface, clock
):
    """At 500 Hz for 0.3 s, and then a stop for which the socket has no room."""

    class Blocks(Recorder):
        def send_command(self, motors):
            super().send_command(motors)
            if len(self.sent) == 1:
                for _ in range(150):
                    servo.send(stand())
                servo.send(damp())
                clock.advance(0.3)

    bridge._interface = blocks = Blocks()
    servo.send(stand())
    for _ in range(3):
        bridge.turn()
    driven = motor_commands(decode_command(stand()))
    assert blocks.sent == [driven, damping(), damping()]
    servo.send(stand())
    bridge.turn()
    assert blocks.sent[3:] == [driven]


@pytest.mark.parametrize(("blocked", "does"), [(SILENCE, "what waited"), (SILENCE + 0.001, "damps")])
def test_how_old_a_command_may_be(bridge, servo, interface, clock, blocked, does):
    clock.advance(blocked)
    servo.send(stand())
    bridge.turn()
    assert (interface.sent == [damping()]) is (does == "damps")


def test_bad_packets_and_strangers_are_dropped(bridge, servo, line, interface):
    servo.send(bytes(wire.COMMAND_BYTES))
    servo.send(stand())
    bridge.turn()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(stand(), line.getsockname())
        bridge.turn()
    assert (bridge.dropped, len(interface.sent)) == (2, 1)


def test_a_reading_that_is_not_finite_is_left_out(bridge, servo, interface):
    interface.state.imu.gyroscope[0] = float("nan")
    servo.send(stand())
    bridge.turn()
    assert bridge.dropped == 1


def test_the_last_thing_it_asks_for_is_damping(bridge, servo, interface):
    servo.send(stand())
    bridge.turn()
    bridge.damp()
    assert len(interface.sent) > 2 and interface.sent[1:] == [damping()] * (len(interface.sent) - 1)

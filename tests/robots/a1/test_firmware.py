"""The emulated A1's firmware: packets in, motors moving, packets out. No network and no time but the test's own."""

import numpy as np
import pytest

from robots.a1 import crc, wire
from robots.a1.body import Reading
from robots.a1.firmware import Firmware, FirmwareConfig
from robots.a1.line import LineConfig
from robots.a1.motor_boards import Drive
from robots.a1.protocol import Header, LowCmd, decode_state, encode_command
from robots.a1.thermal import ThermalConfig
from robots.robot import JointCommand

ME, OTHER = ("127.0.0.1", 8080), ("127.0.0.1", 9999)
STAND = np.tile([0.0, 0.9, -1.8], 4)
DT = 0.002


class Wheels:
    """Twelve free joints of 1 kg m^2 each: torque is acceleration."""

    def __init__(self, angle=STAND):
        self.dt = DT
        self.pos, self.vel = np.array(angle, float), np.zeros(12)
        self.torque = np.zeros(12)

    def joints(self):
        return self.pos.copy(), self.vel.copy()

    def step(self, torque):
        self.torque = torque
        self.vel = self.vel + torque * self.dt
        self.pos = self.pos + self.vel * self.dt

    def sense(self):
        half = np.pi / 12  # rolled by 30 degrees
        return Reading(
            self.pos,
            self.vel,
            quat_xyzw=np.array([np.sin(half), 0.0, 0.0, np.cos(half)]),
            gyro=np.array([0.1, 0.2, 0.3]),
            accel=np.array([0.0, 4.905, 8.496]),
            foot_force=np.array([30.4, 30.6, 0.0, 100.0]),
        )

    def close(self):
        pass


class Desk:
    """A firmware and a clock that a test turns by hand."""

    def __init__(self, **config):
        self.body = Wheels()
        self.firmware = Firmware(self.body, FirmwareConfig(**config))
        self.now = 100.0

    def send(self, packet, source=ME):
        self.firmware.receive(packet, source, self.now)

    def tick(self, count=1):
        """Run ``count`` ticks; every packet that reached a client."""
        out = []
        for _ in range(count):
            out += self.firmware.tick(self.now)
            self.now += DT
        return out


def packet(pos=STAND, vel=0.0, torque=0.0, kp=0.0, kd=0.0) -> bytes:
    one = np.ones(12)
    return encode_command(LowCmd.servo(JointCommand(one * pos, one * vel, one * torque, one * kp, one * kd)))


def test_it_wakes_up_damped_and_says_nothing_until_spoken_to():
    desk = Desk(reply="stream")
    assert desk.firmware.drive is Drive.DAMPED
    assert desk.tick(50) == []


def test_a_command_moves_the_motors_in_the_same_tick():
    desk = Desk()
    desk.send(packet(torque=4.0))
    desk.tick()
    np.testing.assert_allclose(desk.body.torque, 4.0)
    assert desk.firmware.counters.commands == 1


def test_the_motors_run_pd_between_commands_and_reach_the_target():
    desk = Desk()
    desk.send(packet(pos=STAND + 0.3, kp=100.0, kd=20.0))  # critically damped: kd = 2 sqrt(kp x 1)
    desk.tick(1000)
    np.testing.assert_allclose(desk.body.pos, STAND + 0.3, atol=1e-3)
    assert desk.firmware.counters.commands == 1


def test_the_last_good_packet_of_a_burst_wins():
    desk = Desk()
    for torque in (1.0, 2.0, 3.0):
        desk.send(packet(torque=torque))
    desk.send(bytes(610))
    answers = desk.tick()
    np.testing.assert_allclose(desk.body.torque, 3.0)
    assert len(answers) == 1


def test_an_answer_says_what_the_sensors_say():
    desk = Desk(thermal=ThermalConfig(start=41.4))
    desk.firmware.hold_remote(bytes(range(40)))
    desk.send(packet(torque=4.0))
    ((answer, source),) = desk.tick()
    state = decode_state(answer)
    assert source == ME and len(answer) == 771
    # Rolled by 30 degrees: quaternion w x y z is (cos 15, sin 15, 0, 0).
    np.testing.assert_allclose(state.quat_wxyz, [0.9659258, 0.2588190, 0, 0], atol=1e-6)
    np.testing.assert_allclose(state.rpy, [np.pi / 6, 0, 0], atol=1e-6)
    np.testing.assert_allclose(state.gyro, [0.1, 0.2, 0.3], atol=1e-7)
    np.testing.assert_allclose(state.accel, [0.0, 4.905, 8.496], atol=1e-6)
    np.testing.assert_array_equal(state.foot_force, [30, 31, 0, 100])
    # 4 N m on 1 kg m^2 for 2 ms: 4 rad/s^2, 0.008 rad/s.
    np.testing.assert_allclose(state.vel[:12], 0.008, rtol=1e-6)
    np.testing.assert_allclose(state.acc[:12], 4.0)
    np.testing.assert_allclose(state.torque[:12], 4.0)
    np.testing.assert_allclose(state.pos[:12], STAND + 0.008 * DT, atol=1e-6)
    np.testing.assert_array_equal(state.mode[:12], wire.SERVO)
    np.testing.assert_array_equal(state.temperature[:12], 41)
    assert not state.pos[12:].any() and not state.temperature[12:].any()
    assert state.remote == bytes(range(40))
    assert state.tick == 2  # ms


def test_the_acceleration_is_over_the_time_since_the_state_before():
    desk = Desk()
    desk.send(packet(torque=4.0))
    desk.tick(25)
    desk.send(packet(torque=4.0))
    ((answer, _),) = desk.tick()
    np.testing.assert_allclose(decode_state(answer).acc[:12], 4.0)


def test_the_tick_counter_wraps_and_can_count_microseconds():
    desk = Desk(reply="stream", first_tick=2**32 - 4, client_timeout=10.0)
    desk.send(packet())
    assert [decode_state(p).tick for p, _ in desk.tick(3)] == [2**32 - 2, 0, 2]
    micro = Desk(reply="stream", tick_hz=1e6)
    micro.send(packet())
    assert [decode_state(p).tick for p, _ in micro.tick(2)] == [2000, 4000]


def test_one_answer_for_each_tick_with_a_command_or_a_stream():
    answering, streaming = Desk(reply="answer"), Desk(reply="stream", client_timeout=0.05)
    for desk in (answering, streaming):
        desk.send(packet())
    assert len(answering.tick(100)) == 1
    # A stream goes on until its client is given up after 0.05 s = 25 ticks, the first one included.
    assert len(streaming.tick(100)) in (25, 26)


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (bytes(610), "bad_checksum"),
        (bytes(609), "bad_length"),
        (b"", "bad_length"),
        (bytes(2048), "bad_length"),
        (packet()[:-1] + b"\x00", "bad_checksum"),
        (encode_command(LowCmd.brake()._replace(header=Header(level=0xEE))), "wrong_level"),
    ],
    ids=["610 zeros", "short", "empty", "long", "last byte", "high level"],
)
def test_a_bad_packet_is_counted_and_changes_nothing(data, counter):
    desk = Desk()
    desk.send(data)
    assert desk.tick() == [], "a packet that is not understood gets no answer"
    assert getattr(desk.firmware.counters, counter) == 1
    desk.send(packet(torque=2.0))
    assert len(desk.tick()) == 1
    desk.send(data)
    assert desk.tick() == []
    np.testing.assert_allclose(desk.body.torque, 2.0)
    assert getattr(desk.firmware.counters, counter) == 2


def test_a_command_that_is_not_finite_is_counted_and_changes_nothing():
    bad = bytearray(packet(torque=5.0))
    bad[11:15] = np.float32(np.nan).tobytes()
    desk = Desk()
    desk.send(crc.seal(bad))
    assert desk.tick() == []
    assert desk.firmware.counters.not_finite == 1
    assert desk.firmware.drive is Drive.DAMPED


def test_a_flood_of_random_bytes_does_not_disturb_the_motors():
    desk, rng = Desk(), np.random.default_rng(0)
    desk.send(packet(torque=2.0))
    desk.tick()
    for _ in range(200):
        desk.send(rng.bytes(int(rng.choice([0, 4, 610, 771, 1400]))), OTHER)
    desk.tick()
    np.testing.assert_allclose(desk.body.torque, 2.0)
    assert desk.firmware.counters.strangers == 200


def test_a_stranger_is_turned_away_while_the_client_is_there():
    desk = Desk(client_timeout=0.5)
    desk.send(packet(torque=2.0))
    desk.tick()
    desk.send(packet(torque=-9.0), OTHER)
    assert desk.tick() == []
    np.testing.assert_allclose(desk.body.torque, 2.0)
    assert desk.firmware.counters.strangers == 1


def test_a_stranger_may_take_over_from_a_client_that_fell_silent():
    desk = Desk(client_timeout=0.1)
    desk.send(packet(torque=2.0))
    desk.tick(60)  # 0.12 s
    desk.send(packet(torque=1.0), OTHER)
    ((_, source),) = desk.tick()
    assert source == OTHER
    np.testing.assert_allclose(desk.body.torque, 1.0)


def test_bad_packets_make_nobody_a_client():
    desk = Desk()
    desk.send(bytes(610), OTHER)
    desk.send(packet(torque=1.0), ME)
    ((_, source),) = desk.tick()
    assert source == ME


def test_by_default_the_motors_go_on_for_ever_with_the_last_command():
    desk = Desk()
    desk.send(packet(torque=1.0))
    desk.tick(2000)
    np.testing.assert_allclose(desk.body.torque, 1.0)
    assert desk.firmware.counters.timeouts == 0


def test_with_a_time_out_the_motors_brake_when_commands_stop_and_the_log_says_when():
    desk = Desk(command_timeout=0.05, brake_kd=3.0)
    desk.send(packet(torque=10.0))
    desk.tick(25)
    assert desk.firmware.drive is Drive.DRIVEN
    desk.tick(2)
    assert desk.firmware.drive is Drive.DAMPED
    vel = desk.body.vel
    desk.tick()
    np.testing.assert_allclose(desk.body.torque, -3.0 * vel)
    assert desk.firmware.counters.timeouts == 1
    driven, damped = desk.firmware.log
    assert (driven.time, driven.drive, driven.cause) == (100.0, Drive.DRIVEN, "command")
    assert (damped.drive, damped.cause) == (Drive.DAMPED, "no command came")
    assert damped.time == pytest.approx(100.052, abs=0.0021)


def test_after_a_time_out_the_next_command_is_done():
    desk = Desk(command_timeout=0.05)
    desk.send(packet(torque=1.0))
    desk.tick(100)
    desk.send(packet(torque=1.0))
    desk.tick()
    assert desk.firmware.drive is Drive.DRIVEN
    assert [change.drive for change in desk.firmware.log] == [Drive.DRIVEN, Drive.DAMPED, Drive.DRIVEN]


def test_a_command_past_the_limits_is_done_and_counted():
    desk = Desk()
    desk.send(packet(pos=STAND + 3.0, kp=1.0))
    desk.tick()
    assert desk.firmware.counters.beyond_limits == 1
    desk.send(packet(pos=STAND, kp=1.0))
    desk.tick()
    assert desk.firmware.counters.beyond_limits == 1
    assert desk.firmware.counters.commands == 2


def test_latency_delays_the_command_and_the_answer():
    desk = Desk(commands=LineConfig(latency=0.009), states=LineConfig(latency=0.019))
    desk.send(packet(torque=2.0))
    reached = [(len(desk.tick()), desk.body.torque[0]) for _ in range(20)]
    # Ticks are at 0, 2, 4 ms...: the first at or after 9 ms is number 5, at 10 ms; after 29 ms it is number 15.
    assert next(index for index, (_, torque) in enumerate(reached) if torque) == 5
    assert [index for index, (count, _) in enumerate(reached) if count] == [15]


def test_a_line_that_loses_everything_gives_no_answer():
    deaf, mute = Desk(commands=LineConfig(loss=1.0)), Desk(states=LineConfig(loss=1.0))
    for desk in (deaf, mute):
        desk.send(packet(torque=2.0))
        assert desk.tick(10) == []
    assert deaf.firmware.counters.commands == 0
    assert mute.firmware.counters.commands == 1


def test_a_motor_that_works_gets_warm_and_says_so():
    desk = Desk(reply="stream", client_timeout=60.0, thermal=ThermalConfig(start=30.0, heating=1.0))
    desk.send(packet(torque=4.0))
    *_, (last, _) = desk.tick(500)
    # 1 K/s for one (N m)^2: 16 K in the second.
    np.testing.assert_allclose(decode_state(last).temperature[:12], 46.0, atol=0.1)


@pytest.mark.parametrize(
    "wrong", [dict(reply="both"), dict(client_timeout=0.0), dict(command_timeout=-1.0)], ids=str
)
def test_a_wrong_configuration_is_refused(wrong):
    with pytest.raises(ValueError, match=r"reply is|time-outs are"):
        FirmwareConfig(**wrong)


def test_a_remote_has_40_bytes():
    with pytest.raises(ValueError, match="40 bytes, got 39"):
        Desk().firmware.hold_remote(bytes(39))

"""The emulated A1 over real UDP on loopback: short, and in lockstep wherever time does not matter."""

import socket
import threading

import numpy as np
import pytest

from robots.a1.body import Reading
from robots.a1.emulator import PACKETS_PER_TICK, Emulator
from robots.a1.firmware import FirmwareConfig
from robots.a1.protocol import LowCmd, decode_state, encode_command
from robots.clock import ManualClock, MonotonicClock
from robots.robot import JointCommand, RobotError
from tests.contracts.robot_contract import once_in

STAND = np.tile([0.0, 0.9, -1.8], 4)


class Still:
    """A body that does not move, and remembers whether it was let go."""

    def __init__(self, dt=0.002):
        self.dt = dt
        self.torque, self.closed = np.zeros(12), False

    def joints(self):
        return STAND.copy(), np.zeros(12)

    def step(self, torque):
        self.torque = torque

    def sense(self):
        up = np.array([0.0, 0.0, 0.0, 1.0])
        return Reading(STAND, np.zeros(12), up, np.zeros(3), np.array([0.0, 0.0, 9.81]), np.zeros(4))

    def close(self):
        self.closed = True


def client(to: Emulator) -> socket.socket:
    """A socket as the vendor's client has it: connected, so that an answer from another port never reaches it."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.connect(to.address)
    made.settimeout(60.0)
    return made


def packet(torque=0.0) -> bytes:
    return encode_command(
        LowCmd.servo(JointCommand(STAND, *np.zeros((1, 12)), np.full(12, torque), *np.zeros((2, 12))))
    )


@pytest.fixture
def emulator():
    with Emulator(Still(), port=0, clock=ManualClock()) as made:
        yield made


def turn(emulator: Emulator, count: int = 1) -> None:
    for _ in range(count):
        emulator.turn()
        emulator.clock.advance(0.002)


def test_a_command_is_answered_from_the_port_it_was_sent_to(emulator):
    with client(emulator) as me:
        me.send(packet(torque=3.0))
        turn(emulator)
        state = decode_state(me.recv(2048))
    np.testing.assert_allclose(state.torque[:12], 3.0)


def test_the_zeros_that_a_client_may_begin_with_are_survived(emulator):
    with client(emulator) as me:
        me.send(bytes(610))
        me.send(packet(torque=3.0))
        turn(emulator)
        assert len(me.recv(2048)) == 771
    assert emulator.firmware.counters.bad_checksum == 1


def test_any_datagram_is_survived(emulator):
    rng = np.random.default_rng(0)
    with client(emulator) as me:
        for size in (0, 1, 609, 610, 611, 2048, 9000):
            me.send(rng.bytes(size))
        turn(emulator)
        me.send(packet(torque=1.0))
        turn(emulator)
        assert len(me.recv(2048)) == 771
    counters = emulator.firmware.counters
    assert (counters.bad_length, counters.bad_checksum, counters.commands) == (6, 1, 1)


def test_a_client_that_went_away_does_not_disturb_the_next(emulator):
    with client(emulator) as gone:
        gone.send(packet())
    turn(emulator, 5)
    emulator.clock.advance(1.0)
    with client(emulator) as me:
        me.send(packet(torque=2.0))
        turn(emulator)
        assert len(me.recv(2048)) == 771


def test_two_clients_do_not_mix(emulator):
    with client(emulator) as first, client(emulator) as second:
        first.send(packet(torque=1.0))
        second.send(packet(torque=-5.0))
        turn(emulator)
        assert decode_state(first.recv(2048)).torque[0] == 1.0
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(2048)
    assert emulator.firmware.counters.strangers == 1


def test_a_flood_costs_a_tick_no_more_than_its_share(emulator):
    with client(emulator) as me:
        me.send(packet(torque=1.0))
        turn(emulator)
        with client(emulator) as flood:
            for _ in range(3 * PACKETS_PER_TICK):
                flood.send(b"x" * 610)
            turn(emulator)
            assert emulator.firmware.counters.strangers <= PACKETS_PER_TICK
            turn(emulator, 3)
        me.send(packet(torque=2.0))
        turn(emulator)
        assert emulator.firmware.counters.commands == 2


def test_a_taken_port_is_told_and_the_body_is_let_go(emulator):
    body = Still()
    with pytest.raises(RobotError, match="Is another one running"):
        Emulator(body, port=emulator.address[1])
    assert body.closed


def test_closing_frees_the_port_and_may_be_done_twice():
    body = Still()
    emulator = Emulator(body, port=0)
    emulator.close()
    emulator.close()
    assert body.closed
    with Emulator(Still(), port=emulator.address[1]) as again:
        assert again.address == emulator.address


def test_in_real_time_it_ticks_at_500_hz_and_never_runs_ahead():
    clock, done = MonotonicClock(), threading.Event()
    with Emulator(Still(), FirmwareConfig(reply="stream"), port=0) as emulator, client(emulator) as me:
        thread = threading.Thread(target=emulator.run, args=(done.is_set,))
        thread.start()
        try:
            begun = clock.now()
            me.send(packet())
            first = last = decode_state(me.recv(2048))

            def look():
                """tick counts milliseconds of the robot's time. A busy computer may hold it back, now and then."""
                nonlocal last
                before, since = last, clock.now()
                while clock.now() - since < 0.1:
                    me.send(packet())  # or the robot takes its client for gone
                    last = decode_state(me.recv(2048))
                assert (last.tick - before.tick) / 1000 > 0.3 * (clock.now() - since)

            once_in(50, look)
            # It never runs ahead, but for a tick that began before the first command.
            assert (last.tick - first.tick) / 1000 < clock.now() - begun + 0.03
        finally:
            done.set()
            thread.join(timeout=60)
    assert not thread.is_alive()

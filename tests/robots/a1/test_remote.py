"""The A1's own remote control: its bytes, and the chord that stops the robot in the servo."""

from dataclasses import replace

import numpy as np
import pytest

from robots.a1 import model, remote, wire
from robots.a1.protocol import LowState, decode_command, encode_state
from robots.a1.records import ORDER, blank, get_causes, put_command
from robots.a1.remote import STOP, Button
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_loop import ServoLoop
from robots.robot import JointCommand
from robots.safety.faults import Fault
from robots.safety.modes import Mode

INFO = model.info(simulated=False)
NONE = Button(0)


def test_where_the_buttons_are():
    # Byte 2: R1 L1 start select R2 L2 F1 F2 from the lowest bit; byte 3: A B X Y up right down left.
    bits = bytes([0x55, 0x51, 0b0010_0000, 0b0000_0010]) + bytes(36)
    assert remote.held(bits) == Button.L2 | Button.B
    assert remote.holding(Button.L2 | Button.B) == bits
    assert remote.held(bytes([0, 0, 0b0000_0001, 0b1000_0000]) + bytes(36)) == Button.R1 | Button.LEFT
    assert len(Button) == 16


@pytest.mark.parametrize("button", Button)
def test_every_button_comes_back_and_none_stops_alone(button):
    bits = remote.holding(button)
    assert len(bits) == 40
    assert remote.held(bits) == button
    assert not remote.stops(bits)


def test_the_chord_stops_whatever_else_is_held_or_said():
    assert remote.stops(remote.holding(STOP))
    assert remote.stops(b"\xff" * 40)
    assert remote.stops(bytes([0, 0, 0x20, 0x02]) + b"\x99" * 36), "the head is not asked for"
    assert not remote.stops(bytes(40)), "a remote that is off"
    assert not remote.stops(remote.holding(Button.L1 | Button.B | Button.R2 | Button.A))


class Held:
    """A servo that drives a robot whose joints go where they are told, 20 commands a second."""

    def __init__(self):
        self.now, self.loop, self.order = 10.0, ServoLoop(INFO, ServoConfig(), 10.0), blank(ORDER)
        self.rng = np.random.default_rng(0)
        for _ in range(5):
            self.command()
            for _ in range(25):
                self.tick()

    def command(self):
        put_command(self.order, "command", JointCommand.hold(INFO.stand_pos, INFO))
        self.order["commands"] += 1
        self.loop.obey(self.order, self.now)

    def hear(self, buttons=NONE):
        slots = np.zeros(wire.SLOTS)
        pos, noise = slots.copy(), self.rng.normal(0, 1e-3, 3)
        pos[:12] = INFO.stand_pos
        rest = (slots, pos, slots, slots, slots, slots + 30.0, np.full(4, 30.0))
        up = np.array([1.0, 0.0, 0.0, 0.0])
        state = LowState(up, noise, np.array([0.0, 0.0, 9.81]) + noise, np.zeros(3), *rest)
        self.loop.hear(encode_state(state._replace(remote=remote.holding(buttons))), self.now)

    def tick(self, buttons=NONE):
        self.now += 0.002
        self.hear(buttons)
        return decode_command(self.loop.step(self.now))

    def reset(self):
        self.order["resets"] += 1
        self.loop.obey(self.order, self.now)
        return self.loop.mode


@pytest.fixture
def driven():
    made = Held()
    assert made.tick().kp[:12].all()
    return made


def test_the_chord_stops_the_servo_at_the_same_packet(driven):
    low = driven.tick(STOP)
    assert not low.kp.any() and (low.kd[:12] > 0).all()
    assert driven.loop.mode is Mode.DAMP
    (cause,) = get_causes(driven.loop.report)
    assert cause.text(INFO) == "L2 and B are pressed on the robot's remote control"


def test_a_chord_of_one_packet_among_several_of_a_tick_stops(driven):
    driven.hear(STOP)
    assert not driven.tick().kp.any()
    assert driven.loop.mode is Mode.DAMP


def test_other_buttons_do_nothing(driven):
    assert driven.tick(Button.L2 | Button.A | Button.START).kp[:12].all()
    assert driven.loop.mode is Mode.NORMAL


def test_a_reset_waits_until_it_is_let_go(driven):
    driven.tick(STOP)
    assert driven.reset() is Mode.DAMP
    assert not driven.tick(STOP).kp.any()
    driven.tick()
    assert driven.reset() is Mode.NORMAL
    assert driven.loop.stops == ()
    driven.tick()
    assert driven.loop.mode is Mode.NORMAL


def test_it_is_told_once_a_tick(driven):
    faults = driven.loop.report["faults"]
    before = faults.sum()
    driven.hear(STOP)
    driven.tick(STOP)
    driven.tick(STOP)
    assert faults.sum() - before == 2
    assert [stop.fault for stop in driven.loop.stops] == [Fault.STOP_REMOTE]


def test_it_stops_a_passive_robot_too():
    loop = ServoLoop(INFO, replace(ServoConfig()), 0.0)
    held = Held.__new__(Held)
    held.now, held.loop, held.rng = 0.0, loop, np.random.default_rng(0)
    held.tick(STOP)
    assert loop.mode is Mode.DAMP and [stop.fault for stop in loop.stops] == [Fault.STOP_REMOTE]

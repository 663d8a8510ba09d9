"""A robot's controller that says one and the same packet for ever measures nothing: it is silent."""

import numpy as np
import pytest

from robots.a1 import model, wire
from robots.a1.body import Reading
from robots.a1.firmware import Firmware
from robots.a1.protocol import decode_command
from robots.a1.records import ORDER, blank, get_causes, put_command
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_loop import ServoLoop
from robots.robot import JointCommand
from robots.safety.config import SafetyConfig
from robots.safety.faults import Fault
from robots.safety.modes import Mode

INFO = model.info(simulated=False)
TICK = 0.002


class Rests:
    """The body of a robot that stands, of which no sensor has any noise: only its clock goes on."""

    dt = TICK

    def joints(self):
        return INFO.stand_pos, np.zeros(12)

    def step(self, torque):
        """It stays."""

    def sense(self):
        up, still, gravity = np.array([0.0, 0.0, 0.0, 1.0]), np.zeros(3), np.array([0.0, 0.0, 9.81])
        return Reading(INFO.stand_pos, still.repeat(4), up, still, gravity, np.full(4, 30.0))

    def close(self):
        """Nothing."""


class Standing:
    """A servo, the emulated firmware that it talks to, and the driver that says "stay" 20 times a second."""

    def __init__(self):
        self.now, self.ticks, self.repeats, self.newest = 10.0, 0, False, b""
        self.loop = ServoLoop(INFO, ServoConfig(safety=SafetyConfig(frozen_imu=np.inf)), self.now)
        self.order, self.firmware = blank(ORDER), Firmware(Rests())
        self.sent = self.loop.step(self.now)

    def run(self, seconds):
        """The last command that the robot got."""
        for _ in range(round(seconds / TICK)):
            self.now, self.ticks = self.now + TICK, self.ticks + 1
            self.firmware.receive(self.sent, ("127.0.0.1", 8080), self.now)
            ((packet, _),) = self.firmware.tick(self.now)
            self.newest = self.newest if self.repeats else packet
            self.loop.hear(self.newest, self.now)
            if self.ticks % 25 == 0:
                put_command(self.order, "command", JointCommand.hold(INFO.stand_pos, INFO))
                self.order["commands"] += 1
                self.loop.obey(self.order, self.now)
            self.sent = self.loop.step(self.now)
        return decode_command(self.sent)

    def reset(self):
        self.order["resets"] += 1
        self.loop.obey(self.order, self.now)
        return self.loop.mode

    @property
    def state(self):
        """How the robot's newest reading is numbered."""
        return int(self.loop.report["state"]["seq"])

    @property
    def causes(self):
        return {finding.fault for finding in get_causes(self.loop.report)}


@pytest.fixture
def standing():
    made = Standing()
    assert made.run(1.0).kp[:12].all() and made.loop.mode is Mode.NORMAL
    return made


def test_a_robot_that_rests_repeats_nothing(standing):
    """The emulated one, whose sensors have no noise here: its packets tell the time."""
    assert standing.state == 500 and standing.loop.report["repeated"] == 0


def test_a_packet_for_ever_holds_then_damps(standing):
    standing.repeats = True
    low = standing.run(0.15)
    assert standing.loop.mode is Mode.HOLD and low.kp[:12].all() and standing.causes == {Fault.STATE_LATE}
    low = standing.run(0.4)
    assert standing.loop.mode is Mode.DAMP and standing.causes == {Fault.STATE_LOST}
    assert not low.kp.any() and (low.kd[:12] > 0).all() and (low.mode[:12] == wire.SERVO).all()
    assert standing.state == 500 and standing.loop.report["repeated"] == 275
    assert standing.loop.report["dropped"] == 0
    assert standing.reset() is Mode.DAMP, "it still repeats itself"
    standing.repeats = False
    standing.run(TICK)
    assert standing.reset() is Mode.NORMAL


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_packet_that_the_network_brings_twice_is_one_reading(standing, kind):
    accel_sum = standing.loop.report["accel_sum"].copy()
    standing.loop.hear(kind(standing.newest), standing.now)
    assert standing.state == 500 and standing.loop.report["repeated"] == 1
    np.testing.assert_array_equal(standing.loop.report["accel_sum"], accel_sum)
    standing.run(0.01)
    assert standing.state == 505 and standing.loop.mode is Mode.NORMAL

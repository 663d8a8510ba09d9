"""A laboratory for the A1's driver: its servo's loop in this process, a robot that answers, time that is told."""

import numpy as np

from robots.a1 import model, wire
from robots.a1.protocol import LowState, encode_state
from robots.a1.servo_loop import ServoLoop
from robots.clock import ManualClock

INFO = model.info(simulated=False)


class Watched(ManualClock):
    """Time, and what other threads do while this one waits."""

    def __init__(self):
        super().__init__(100.0)
        self.meanwhile = lambda: None

    def sleep_until(self, deadline):
        self.meanwhile()
        super().sleep_until(deadline)


class Laboratory:
    """What outlives a connection: the clock, the robot, and what is wrong with either end."""

    def __init__(self):
        self.clock, self.rng = Watched(), np.random.default_rng(0)
        self.answers = True  # the robot
        self.hangs = False  # the servo
        self.dead = False
        self.on_report = lambda: None  # what another thread does while this one waits for a report
        self.on_start = lambda: None  # and before there is a servo
        self.on_end = lambda: None  # and while it damps and leaves
        self.servos = []
        self.joint_pos, self.joint_vel = INFO.stand_pos.copy(), np.zeros(12)

    def make(self, config):
        self.on_start()
        self.servos.append(Servo(self, config))
        return self.servos[-1]

    def feel(self, packet):
        """The robot gets ``packet`` from the servo; this one does not move."""

    def packet(self):
        slots, noise = np.zeros(wire.SLOTS), self.rng.normal(0, 1e-3, 3)
        pos = slots.copy()
        pos[:12], vel = self.joint_pos, slots.copy()
        vel[:12] = self.joint_vel
        rest = (slots, pos, vel, slots, slots, slots + 30.0, np.full(4, 30.0))
        up = np.array([1.0, 0.0, 0.0, 0.0])
        return encode_state(LowState(up, noise, np.array([0.0, 0.0, 9.81]) + noise, np.zeros(3), *rest))


class Servo:
    """The face of ``ServoProcess`` on a loop that ticks whenever it is asked for a report."""

    pid = 1

    def __init__(self, laboratory, config):
        self._laboratory = laboratory
        self._loop = ServoLoop(INFO, config, laboratory.clock.now())
        self._order = None

    @property
    def running(self):
        return not self._laboratory.dead

    def order(self, record):
        self._order = record.copy()

    def report(self):
        it = self._laboratory
        it.on_report()
        if it.dead or it.hangs:
            return None
        it.clock.advance(0.002)
        now = it.clock.now()
        if it.answers:
            self._loop.hear(it.packet(), now)
        if self._order is not None:
            self._loop.obey(self._order, now)
        it.feel(self._loop.step(now))
        return self._loop.report.copy()

    def last_words(self):
        return "killed"

    def kill(self):
        self._laboratory.dead = True
        return "nothing could be sent in its place"

    def end(self, hangs):
        self._laboratory.on_end()
        self.report()

    def free(self):
        """It shares nothing."""

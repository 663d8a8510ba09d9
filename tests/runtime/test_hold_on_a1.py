"""What holds an A1's pose, through driver and servo loop: a pause, a full spool, a policy that says no number."""

import numpy as np
import pytest

from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.tasks.walk import WalkTask
from daydreamer.runtime.actor import Actor, ActorConfig
from daydreamer.runtime.attendant import Attendant
from daydreamer.transport.console_messages import Hand
from daydreamer.transport.link import LinkStatus, SpoolFull
from robots.a1.driver import A1
from robots.a1.protocol import decode_command
from robots.clock import ManualClock
from robots.safety.modes import Mode
from tests.robots.a1.laboratory import INFO, Laboratory

THIGH = 1  # of the leg FR
INERTIA = 0.05  # kg m^2
TICK = 0.002  # s


class Leg(Laboratory):
    """Every joint follows at once, but for a thigh with inertia, which something may block."""

    def __init__(self):
        super().__init__()
        self.clock.sleep_until = self.sleep_until
        self.blocked, self.farthest = True, 0.0

    def sleep_until(self, deadline):
        """The servo ticks meanwhile."""
        while self.clock.now() < deadline:
            self.servos[-1].report() if self.servos else self.clock.advance(TICK)

    def feel(self, packet):
        command = decode_command(packet)
        thigh = self.joint_pos[THIGH], self.joint_vel[THIGH]
        self.joint_pos = np.where(command.kp[:12] > 0, command.pos[:12], self.joint_pos)
        self.joint_pos[THIGH] = thigh[0]
        error, slip = command.pos[THIGH] - thigh[0], command.vel[THIGH] - thigh[1]
        if not self.blocked:
            self.joint_vel[THIGH] += TICK * (command.kp[THIGH] * error + command.kd[THIGH] * slip) / INERTIA
            self.joint_pos[THIGH] += TICK * self.joint_vel[THIGH]
        self.farthest = max(self.farthest, self.joint_pos[THIGH])


class Reach:
    """A policy that asks the thigh to go far; or says no number."""

    version = 0

    def __init__(self):
        self.sane = True

    def initial(self):
        return {}

    def noise(self, explore):
        return {}

    def __call__(self, carry, obs, noise):
        action = np.zeros(12, np.float32)
        action[THIGH] = 0.9
        return carry, {"action": action if self.sane else action * np.nan}


class Link:
    """Takes every row while there is room."""

    stream = "stream"

    def __init__(self):
        self.room = True

    def send(self, row):
        if not self.room:
            raise SpoolFull("full")
        return 0

    def policy(self):
        return None

    def credit(self):
        return 1

    def report(self, metrics):
        """Nobody reads it."""

    def status(self):
        return LinkStatus(True, 0, 0, 0, 0, full=not self.room)


class Life:
    """An actor on that robot; 30 steps in something makes it hold, and 10 later the thigh comes free."""

    def __init__(self, monkeypatch):
        self.leg = Leg()
        monkeypatch.setattr("robots.a1.driver.ServoProcess", self.leg.make)
        self.robot = A1("127.0.0.1", patience=0.5)
        self.robot._clock, self.robot._reports._now = self.leg.clock, self.leg.clock.now
        self.env = RobotEnv(self.robot, WalkTask(INFO), wall=ManualClock())
        self.attendant, self.link, self.policy = Attendant(self.env, "actor"), Link(), Reach()
        self.actor = Actor(self.env, self.link, ActorConfig(), self.leg.clock, attendant=self.attendant)
        self.actor._policy = self.policy
        self.before = None

    def interrupt(self, how):
        self.before = self.env.brake.sent
        if how == "pause":
            self.attendant.take(Hand("pause", "Ann", "test"))
        self.link.room = how != "full spool"
        self.policy.sane = how != "no number"

    def run(self, how):
        asked = 0

        def stop():
            nonlocal asked
            asked += 1
            if asked == 30:
                self.interrupt(how)
            if asked == 40:
                self.leg.blocked = False
            return "enough" if asked > 50 else None

        self.actor.run(stop)
        self.actor.close()


@pytest.fixture
def life(monkeypatch):
    return Life(monkeypatch)


@pytest.mark.parametrize("how", ["pause", "full spool", "no number"])
def test_a_joint_that_was_blocked_stays_where_it_is_when_it_comes_free(life, how):
    life.run(how)
    assert life.before.pos[THIGH] > 3.0, "it was asked to go far"
    assert life.leg.farthest < INFO.stand_pos[THIGH] + 0.25
    assert life.robot.mode is Mode.NORMAL and life.env.brake.stiff
    life.env.close()


@pytest.mark.parametrize("how", ["pause", "full spool", "no number"])
def test_a_robot_that_follows_holds_what_it_was_asked_for(life, how):
    life.leg.blocked = False
    life.run(how)
    assert life.leg.farthest > 3.0
    # To a full spool one more step is added, which finds it full.
    np.testing.assert_allclose(
        life.env.brake.sent.pos, life.before.pos, atol=1e-3 if how == "full spool" else 0
    )
    np.testing.assert_array_equal(life.env.brake.sent.kp, INFO.default_kp)
    life.env.close()

"""A person's stop for any robot: at once, from any thread, and until a named person resets it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Protocol, cast

import numpy as np

from robots.clock import Clock
from robots.robot import Array, CommandError, JointCommand, Robot, RobotError, RobotInfo, RobotState
from robots.safety.config import SafetyConfig
from robots.safety.faults import Fault
from robots.safety.modes import Mode, released_by

_log = logging.getLogger(__name__)

HOLD_ERROR = SafetyConfig.hold_error  # rad, as in the mode HOLD
_PATIENCE = 0.2  # s for a command on its way to the motors to be out of the way


class Guarded(Protocol):
    """A robot with a safety of its own: an A1's servo process, or a SafetyGuard."""

    @property
    def mode(self) -> Mode:
        """What it lets the robot do."""
        ...

    def trip(self, fault: Fault) -> None:
        """Something outside saw ``fault``: act now. Any thread."""
        ...

    def reset(self, operator: str) -> None:
        """Back to NORMAL. Raises RobotError when a fault is still there."""
        ...


class Brake:
    """A Robot around a Robot: the same face, until ``trip``; from then on nothing but damping reaches the motors.

    A robot that is guarded is tripped through its guard. For one that is not, such as a stand-in, the brake writes
    the damping command itself, and in place of every command after it.
    """

    def __init__(self, robot: Robot):
        self._robot = robot
        # Asked by name: from Python 3.12 on isinstance does not see what a calibrated robot passes on.
        guarded = all(hasattr(robot, name) for name in ("mode", "trip", "reset"))
        self._guard = cast(Guarded, robot) if guarded else None
        self._lock = threading.Lock()  # a command on its way to the motors; never held while waiting
        self._deciding = threading.Lock()  # of the next two; held for microseconds
        self._why = ""  # empty: not tripped
        self.trips = (
            0  # so often was it tripped: a reset that was asked for before the newest is worth nothing
        )
        self._last: RobotState | None = None  # whose angles are numbers
        self._held: JointCommand | None = None  # the pose, while nothing else is written
        self.sent: JointCommand | None = (
            None  # to the motors last, as the robot told it; None before the first
        )

    # What a brake is

    def trip(self, why: str) -> bool:
        """Damp now, and stay so; ``why`` is for people. Any thread, also while the control loop hangs.

        Returns:
            Whether it was tripped already.
        """
        with self._deciding:  # first: from here on no command of the loop passes
            again = self.tripped
            self._why = f"DAMP: {why}"
            self.trips += 1
        if self._guard is None:
            self._damp_bare()
            return again
        try:
            self._guard.trip(Fault.EMERGENCY_STOP)
        except RobotError as error:  # not connected: nothing moves, and ``connect`` tells it
            _log.warning("the robot's own safety could not be told to stop: %s", error)
        return again

    def _damp_bare(self) -> None:
        held = self._lock.acquire(timeout=_PATIENCE)
        try:
            self._robot.write(self._damping())
        except (RobotError, OSError) as error:
            _log.warning("the damping command was not taken: %s", error)
        finally:
            if held:
                self._lock.release()

    def reset(self, operator: str, trips: int | None = None) -> None:
        """Let commands pass again, because ``operator`` looked at the robot.

        Args:
            operator: A person's name.
            trips: What ``trips`` was when they asked for it; as it is now when None.

        Raises:
            RobotError: nobody is named, the robot's own safety still stops it, or someone has stopped it since; then it
                stays stopped.
        """
        trips = self.trips if trips is None else trips
        released_by(operator)
        if trips == self.trips:
            if self._guard is not None:
                self._guard.reset(operator)
            elif self._robot.stopped:
                raise RobotError(f"robot '{self.info.name}' stays stopped: {self._robot.stopped}")
            with self._deciding:
                if trips == self.trips:
                    self._why = ""
                    return
            if self._guard is not None:  # a stop came while it was being reset
                self._guard.trip(Fault.EMERGENCY_STOP)
        raise RobotError(
            f"robot '{self.info.name}' was stopped anew after this reset was asked for: {self._why}"
        )

    @property
    def tripped(self) -> bool:
        """Whether a person's stop waits for its reset."""
        return bool(self._why)

    @property
    def mode(self) -> Mode:
        """What the robot may do now."""
        if self._guard is not None:
            return max(self._guard.mode, Mode.DAMP) if self._why else self._guard.mode
        return Mode.DAMP if self.stopped else Mode.NORMAL

    @property
    def estop(self) -> str:
        """The state of its stop button; "none" where it has none."""
        return str(getattr(self._robot, "estop", "none"))

    @property
    def faults(self) -> tuple[str, ...]:
        """What its safety found last, for people; nothing where it does not tell."""
        found = getattr(self._robot, "faults", ())
        return tuple(one.text(self.info) for one in found)

    # What a robot is

    @property
    def info(self) -> RobotInfo:
        """The robot's."""
        return self._robot.info

    @property
    def clock(self) -> Clock:
        """The robot's."""
        return self._robot.clock

    @property
    def stopped(self) -> str:
        """Why the robot does not obey; empty while it does."""
        own = self._robot.stopped
        if self._why and own.startswith("OFF"):  # whoever should have damped it may not be there
            return f"{self._why}; {own}"
        if self._why:  # a robot that keeps stops on a disk says when it could not
            return self._why + str(getattr(self._robot, "unkept", ""))
        return own

    def connect(self) -> None:
        """Connect it. A brake that was on stays on."""
        self._robot.connect()
        if self._why and self._guard is not None:
            self._guard.trip(Fault.EMERGENCY_STOP)

    def read(self) -> RobotState:
        """The newest state, as the robot gives it."""
        state = self._robot.read()
        if np.isfinite(state.joint_pos).all():
            self._last = state
        return state

    def write(self, command: JointCommand) -> JointCommand:
        """Send ``command``, or damping in its place; what comes of it, as the robot tells it."""
        self._held = None
        return self._send(command)

    def hold(self) -> JointCommand:
        """Keep the pose that the first of these calls in a row finds; what comes of it.

        It is what was asked for last, but no farther than ``HOLD_ERROR`` from the joints as they were read: a joint
        that something blocks would go on pulling otherwise, and swing once it is free. What was not stiff damps.
        """
        if self._why or not self.stiff:
            return self.damp()
        if self._held is None:
            self._held = self._pose()
        return self._send(self._held)

    @property
    def stiff(self) -> bool:
        """Whether any joint was sent to a pose last."""
        return self.sent is not None and bool((self.sent.kp > 0).any())

    def _pose(self) -> JointCommand:
        assert self.sent is not None, "only what is stiff is held"
        stiff, pos = self.sent.kp > 0, self.sent.pos
        if self._last is not None:
            read = self._last.joint_pos
            pos = np.where(stiff, np.clip(pos, read - HOLD_ERROR, read + HOLD_ERROR), read)
        held = JointCommand.hold(pos, self.info)
        return replace(held, kp=np.where(stiff, held.kp, 0.0))

    def _send(self, command: JointCommand) -> JointCommand:
        if not self._lock.acquire(timeout=_PATIENCE):
            raise CommandError(f"robot '{self.info.name}' is busy with another command; nothing was sent")
        try:
            self.sent = self._robot.write(self._damping() if self._why else command)
            return self.sent
        finally:
            self._lock.release()

    def damp(self) -> JointCommand:
        """Write the damping command once, whatever the robot reads; what comes of it."""
        return self.write(self._damping())

    def truth(self) -> Mapping[str, Array]:
        """The robot's."""
        return self._robot.truth()

    def close(self) -> None:
        """Damp, then let go. The brake stays on."""
        self._robot.close()

    def __enter__(self) -> Brake:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _damping(self) -> JointCommand:
        """Without asking the robot anything: a simulator must not be read in another thread than it runs in."""
        last, zero = self._last, np.zeros(self.info.joints)
        if last is not None:
            return JointCommand.damp(last, self.info)
        pos, kd = self.info.stand_pos.copy(), self.info.default_kd.copy()
        return JointCommand(pos, zero, zero.copy(), zero.copy(), kd)

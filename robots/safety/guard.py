"""A robot around a robot: the same face, and nothing unsafe passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from threading import RLock
from types import TracebackType

from robots.clock import Clock, MonotonicClock
from robots.robot import (
    Array,
    CommandError,
    JointCommand,
    Robot,
    RobotError,
    RobotInfo,
    RobotState,
    StaleState,
)
from robots.safety import limits
from robots.safety.config import Rules, SafetyConfig
from robots.safety.core import Memory, Moment, check, damp, forgive
from robots.safety.estop import EstopState
from robots.safety.estop_serial import StopBox
from robots.safety.faults import Fault, Finding
from robots.safety.modes import Mode
from robots.safety.watchdog import Watchdog


class SafetyGuard:
    """Guards ``robot``. Faults are flags, never exceptions: look at ``mode`` after every read and write.

    Its errors are those of the contract only: StaleState when there is nothing fresh to read, CommandError for a
    senseless command or when not connected, RobotError from ``reset``.

    It acts only when it is called: by a loop that stops calling it nobody is guarded. ``tick`` in a loop of its
    own watches over a commander that may hang. Any thread may call.
    """

    def __init__(
        self, robot: Robot, config: SafetyConfig | None = None, estop: str = "", wall: Clock | None = None
    ):
        """Guard ``robot``; ``estop`` is the serial port of a stop box, which is heard in ``wall`` time."""
        self._robot = robot
        self._estop_port = estop
        self._box: StopBox | None = None
        self._wall: Clock = wall or MonotonicClock()  # the robot's own may be a simulator's
        self._rules = Rules(robot.info, config or SafetyConfig())
        self._lock = RLock()
        self._connected = False
        self._commands = Watchdog(robot.clock)
        self._memory = Memory.begin(robot.clock.now())
        self._faults: tuple[Finding, ...] = ()
        self.counts: Counter[Fault] = Counter()  # checks that found it, since made

    # What a robot is

    @property
    def info(self) -> RobotInfo:
        """The guarded robot's."""
        return self._robot.info

    @property
    def clock(self) -> Clock:
        """The guarded robot's."""
        return self._robot.clock

    def truth(self) -> Mapping[str, Array]:
        """The guarded robot's."""
        return self._robot.truth()

    def connect(self) -> None:
        """Connect the guarded robot, once its stop box is heard. A mode that was brought down stays down.

        Raises:
            RobotError: the robot, or the stop box, is not there.
        """
        with self._lock:
            if self._estop_port and self._box is None:
                self._box = self._open_box()
            self._robot.connect()
            if self._connected:
                return
            self._connected = True
            begun, old = Memory.begin(self.clock.now()), self._memory
            self._memory = replace(begun, mode=old.mode, cause=old.cause)

    def read(self) -> RobotState:
        """The newest state, judged: what lowers the mode acts at once, not at the next ``write``.

        Raises:
            StaleState: none came, or none new and sensible for longer than ``state_hold``.
            RobotError: not connected.
        """
        with self._lock:
            if not self._connected:
                raise RobotError(f"robot '{self.info.name}' is not connected. Call connect() first.")
            try:
                state = self._robot.read()
            except RobotError:
                self._judge(None, None)
                raise
            self._judge(state, None)
            age = self.clock.now() - self._memory.last_at
            if age > self._rules.config.state_hold:
                raise StaleState(
                    f"robot '{self.info.name}' has read nothing new and sensible for {age:.3f} s, the limit is "
                    f"{self._rules.config.state_hold} s. Is it on, and its cable in?"
                )
            return state

    def write(self, command: JointCommand) -> JointCommand:
        """Send what is safe of ``command``; return what was really sent, which may be another command altogether.

        Raises:
            CommandError: not connected; or a senseless command, for which the robot holds.
        """
        with self._lock:
            if not self._connected:
                raise CommandError(f"robot '{self.info.name}' is not connected. Call connect() first.")
            self._judge(self._newest(), command, always=True)
            limits.check(self.info, command)
            self._commands.feed()  # after the check: what makes no sense is no command
            # A copy: what was sent is remembered, and the caller's to change.
            return limits.clamp(self.info, self._last_sent())

    def close(self) -> None:
        """Damp, then let go. The mode stays."""
        with self._lock:
            try:
                if self._connected:
                    self._send(damp(self._rules, self._memory))
            finally:
                self._connected = False
                box, self._box = self._box, None
                if box is not None:
                    box.close()
                self._robot.close()

    def __enter__(self) -> SafetyGuard:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What a guard is

    @property
    def robot(self) -> Robot:
        """The guarded robot. Writing to it goes past the guard."""
        return self._robot

    @property
    def mode(self) -> Mode:
        """What the robot may do now."""
        return self._memory.mode

    @property
    def estop(self) -> str:
        """The stop box: "none", "waiting", "ready", "pressed" or "lost"; "none" as well when not connected."""
        return (EstopState.NONE if self._box is None else self._box.estop.state).value

    @property
    def faults(self) -> tuple[Finding, ...]:
        """All that the last check found, harmless or not."""
        return self._faults

    @property
    def stopped(self) -> str:
        """Why the robot no longer obeys, for a person; empty while it does."""
        if self.mode is Mode.NORMAL:
            return ""
        causes = "; ".join(finding.text(self.info) for finding in self._memory.cause)
        clears = "; ".join(dict.fromkeys(finding.fault.row.clears for finding in self._memory.cause))
        return f"{self.mode.name}: {causes}. A reset is granted: {clears}."

    def tick(self) -> None:
        """Judge without a command; in HOLD and DAMP, say it to the motors again."""
        with self._lock:
            if self._connected:
                self._judge(self._newest(), None, always=True)

    def trip(self, fault: Fault) -> None:
        """Something outside saw ``fault``, such as an emergency stop: act now."""
        with self._lock:
            self._judge(None, None, alarms=(Finding(fault),), always=True)

    def reset(self, operator: str) -> None:
        """Back to NORMAL, because ``operator`` looked at the robot. The next target starts where it is now.

        Raises:
            RobotError: nobody is named, or a fault is still there; then the mode stays.
        """
        with self._lock:
            state = self.read()
            if self._box is not None:
                self._box.estop.forgive(operator, self._wall.now())
            moment = Moment(self.clock.now(), command_age=0.0, alarms=self._pressed())
            verdict = check(self._rules, moment, state, None, forgive(self._memory, operator))
            if verdict.memory.mode is not Mode.NORMAL:
                still = "; ".join(finding.text(self.info) for finding in verdict.memory.cause)
                raise RobotError(f"robot '{self.info.name}' stays in {self.mode.name}: {still}")
            self._memory, self._faults = verdict.memory, verdict.faults
            self._commands.feed()

    # Inside

    def _open_box(self) -> StopBox:
        box = StopBox(self._estop_port, self._wall.now())
        try:
            box.await_ready(self._wall)
        except BaseException:
            box.close()
            raise
        return box

    def _pressed(self) -> tuple[Finding, ...]:
        """What the stop box says now."""
        if self._box is None:
            return ()
        self._box.poll(self._wall.now())
        return self._box.estop.look(self._wall.now())

    def _newest(self) -> RobotState | None:
        try:
            return self._robot.read()
        except RobotError:
            return None

    def _judge(
        self,
        state: RobotState | None,
        command: JointCommand | None,
        alarms: tuple[Finding, ...] = (),
        always: bool = False,
    ) -> None:
        """Check, remember, and send: ``always``, or when the mode has just come down."""
        before = self._memory
        moment = Moment(self.clock.now(), self._commands.age(), (*alarms, *self._pressed()))
        verdict = check(self._rules, moment, state, command, before)
        self._faults, memory = verdict.faults, verdict.memory
        self.counts.update(finding.fault for finding in verdict.faults)
        lowered = memory.mode is not before.mode
        # Until it is sent, what was sent is what was sent before.
        self._memory = replace(memory, sent=before.sent, sent_at=before.sent_at, silent=before.silent)
        if verdict.command is None or not self._connected or not (always or lowered):
            return
        if self._send(verdict.command):
            self._memory = replace(self._memory, silent=memory.silent)
        elif Fault.WRITE_FAILED not in {finding.fault for finding in alarms}:
            failed = (*alarms, Finding(Fault.WRITE_FAILED))
            self._judge(state, None, failed, always=True)

    def _send(self, command: JointCommand) -> bool:
        """False when it could not be sent."""
        try:
            sent = self._robot.write(command)
        except (RobotError, OSError):
            return False
        self._memory = replace(self._memory, sent=sent, sent_at=self.clock.now())
        return True

    def _last_sent(self) -> JointCommand:
        return self._memory.sent or damp(self._rules, self._memory)

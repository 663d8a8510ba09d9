"""The real A1 as a Robot: this process asks and reads, the servo process beside it talks to the robot."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock, RLock
from types import TracebackType
from typing import Any

import numpy as np

from robots.a1 import model
from robots.a1.realtime import Granted
from robots.a1.records import (
    ESTOPS,
    FAULTS,
    ORDER,
    Record,
    blank,
    get_causes,
    get_command,
    put_command,
)
from robots.a1.reports import QUIET, Readings, Reports
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_process import ServoProcess, nobody, statistics
from robots.clock import Clock, MonotonicClock
from robots.robot import Array, CommandError, JointCommand, RobotError, RobotInfo, RobotState, StaleState
from robots.safety import estop_serial, limits
from robots.safety.config import SafetyConfig
from robots.safety.estop import EstopState
from robots.safety.faults import Fault
from robots.safety.latch import place, refuse
from robots.safety.modes import Mode, released_by

log = logging.getLogger(__name__)

POLL = 0.005  # s between two looks while connecting or resetting
ANSWER_WITHIN = 0.5  # s
START = 60.0  # s that the servo's process may take to begin, on a computer with much else to do


class A1:
    """A Unitree A1 on low level, named "a1".

    The servo process keeps 500 Hz and the safety core; when it stops the robot, ``mode`` and ``stopped`` say so, and
    ``write`` returns what was sent in place of the command. Any thread may call.
    """

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        patience: float = 5.0,
        safety: Mapping[str, Any] | None = None,
        latch: bool | str | Path = False,
        **servo: Any,
    ):
        """Describe the robot; nothing is opened before ``connect``.

        Args:
            host: the robot's address; its own by default.
            port: the robot's UDP port.
            patience: s to wait for the first state.
            safety: changes to ``SafetyConfig``, by name.
            latch: keep a stop on disk until a person resets it, in this file; True: in the robot's usual one.
            **servo: changes to ``ServoConfig``, by name; among them ``estop``, the serial port of a stop box.

        Raises:
            RobotError: a value that cannot be, or a name that there is not.
        """
        address = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        try:
            self._config = ServoConfig(**{**servo, **address}, safety=SafetyConfig(**(safety or {})))
        except TypeError as error:
            raise RobotError(f"no such setting of an A1: {error}") from error
        self._info = model.info(simulated=False)
        self._clock: Clock = MonotonicClock()
        self._patience = patience
        if latch:
            file = place(f"{self._info.name}-{self._config.host}") if latch is True else Path(latch)
            self._config = replace(self._config, latch=str(file))
        self._lock = RLock()  # of whoever connects, resets, reads, writes or closes, which may wait
        self._ordering = Lock()  # held for microseconds: a trip waits for nothing else
        self._reports = Reports(self._clock.now)
        self._servo: ServoProcess | None = None
        self._order = blank(ORDER)
        # What brought the mode down, the worst of it; only a reset forgets it.
        self._fallen: Fault | None = None
        self._readings = Readings()

    # What a robot is

    @property
    def info(self) -> RobotInfo:
        """Readable before connecting."""
        return self._info

    @property
    def clock(self) -> Clock:
        """Monotonic time."""
        return self._clock

    def connect(self) -> None:
        """Start the servo and wait for the robot's first state; the motors damp. Does nothing when connected.

        A mode that was down at ``close`` is down again: only ``reset`` brings it up.

        Raises:
            RobotStopped: a stop of an earlier life was not reset by a person.
            RobotError: no robot answers within ``patience``, the stop box is not there, or the servo cannot run.
        """
        with self._lock:
            if self._servo is not None:
                return
            self._refuse()
            self._order, self._readings = blank(ORDER), Readings()
            self._servo = ServoProcess(self._config)
            self._reports.follow(self._servo)
            try:
                self._await_state(self._servo)
                self._await_box(self._servo)
                if (fallen := self._fallen) is not None:
                    self.trip(fallen)
                    self._await(lambda report: report["mode"] >= fallen.mode, self._servo, self._patience)
            except BaseException:
                self.close()
                raise
            missing = Granted(*map(bool, (self._told()["realtime"], self._told()["locked"]))).missing
            if missing and self._config.priority:
                log.warning("the servo runs without %s: ticks may come late on a busy computer", missing)

    def read(self) -> RobotState:
        """The newest state; ``accel`` is the mean since the one read before. Never blocks.

        Raises:
            RobotError: not connected; or the servo is gone, or hung and was killed: `close` then damps in its place.
            StaleState: the robot fell silent, or the servo has not had its turn.
        """
        with self._lock:
            servo = self._connected()
            report, limit = self._reports.newest(), self._config.safety.state_hold
            if not servo.running:
                raise RobotError(f"the servo process of '{self.info.name}' is gone: {servo.last_words()}")
            self._replace_hung(servo)
            age = float("inf") if report is None else self._clock.now() - float(report["state"]["time"])
            if report is None or age > limit:
                # The servo's silence comes on top of the robot's, which was a tick old when the servo spoke last.
                if (silence := self._reports.silence()) > min(limit, age / 2):
                    raise StaleState(
                        f"no word from the servo process of '{self.info.name}' for {silence:.3f} s: it hangs, or the "
                        "computer is too busy; what the robot does is not known"
                    )
                raise StaleState(
                    f"robot '{self.info.name}' at {self._config.host}:{self._config.port} has been silent for "
                    f"{age:.3f} s, the limit is {limit} s. Is it on, its cable in?"
                )
            return self._readings.of(report)

    def write(self, command: JointCommand) -> JointCommand:
        """Make ``command`` the servo's next target; what is sent of it, or what the servo sends instead.

        Raises:
            CommandError: wrong shape or dtype, a number that is not finite, not connected, or the servo is gone.
            RobotError: the servo hung, and was killed.
        """
        with self._lock:
            if self._servo is None:
                raise CommandError(f"robot '{self.info.name}' is not connected. Call connect() first.")
            limits.check(self._info, command)
            if not self._servo.running:
                raise CommandError(
                    f"the servo process of '{self.info.name}' is gone ({self._servo.last_words()}); nothing was "
                    "sent. close() and connect() start another one."
                )
            self._replace_hung(self._servo)
            sent = limits.clamp(self._info, command)
            with self._ordering:
                put_command(self._order, "command", sent)
                self._order["commands"] += 1
                self._servo.order(self._order)
            report = self._reports.newest()
            if report is not None and report["mode"] != Mode.NORMAL:
                return get_command(report, "sent")
            return sent

    def truth(self) -> Mapping[str, Array]:
        """Nothing: hardware has no simulator to ask."""
        return {}

    def close(self) -> None:
        """Damp for ``damp_time``, then let go. Idempotent, bounded, and safe when never connected.

        A servo that hangs is killed within QUIET + SURE, and the robot damped in its place.
        """
        with self._lock:
            servo, report = self._servo, self._reports.newest()
            if servo is None:
                return
            down = report is not None and report["mode"] != Mode.NORMAL
            with self._ordering:
                for cause in get_causes(report) if report is not None and down else ():
                    self._fall(cause.fault)
                self._order["close"] = 1
                servo.order(self._order)
            servo.end(self._reports.damps_no_more)  # until it has left it hears of every stop, and keeps it
            with self._ordering:
                self._reports.follow(None)
                self._servo = None
                servo.free()

    def __enter__(self) -> A1:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What the servo's safety core says, and what a person may tell it

    @property
    def mode(self) -> Mode:
        """What the robot may do now; OFF when not connected, or when the servo is gone or hangs. Never waits."""
        report = None if self._reports.absent() else self._reports.newest()
        return Mode.OFF if report is None else Mode(int(report["mode"]))

    @property
    def stopped(self) -> str:
        """Why the robot no longer obeys, for a person; empty while it does. Never waits."""
        absent, report = self._reports.absent(), self._reports.newest()
        if absent or report is None:
            return f"OFF: {absent or 'still being connected'}"
        mode = Mode(int(report["mode"]))
        if mode is Mode.NORMAL:
            return ""
        return f"{mode.name}: " + "; ".join(one.text(self.info) for one in get_causes(report)) + self.unkept

    @property
    def unkept(self) -> str:
        """That the disk has not taken a stop, to be read after why it stopped; empty when it has. Never waits."""
        report = self._reports.newest()
        lost = report is not None and report["unkept"]
        return f". It could not be written to {self._config.latch}: a restart forgets it" if lost else ""

    def trip(self, fault: Fault) -> None:
        """Something outside saw ``fault``, such as an emergency stop; the servo acts at its next tick.

        It takes microseconds in any thread, also while another one connects, resets or closes.

        Raises:
            RobotError: not connected; then the motors damp anyway, and the next connection begins so.
        """
        with self._ordering:
            self._fall(fault)
            servo = self._connected()
            self._order["trips"][FAULTS.index(fault)] += 1
            servo.order(self._order)

    def reset(self, operator: str) -> None:
        """Back to NORMAL, because ``operator`` looked at the robot.

        Raises:
            RobotError: nobody is named, not connected, or a fault is still there; then the mode stays. Or the servo
                does not answer; then it is told to stop once more, so that it grants no reset nobody waits for.
        """
        released_by(operator)
        with self._lock:
            servo = self._connected()
            stopped_by = [cause.fault for cause in get_causes(self._told())]
            with self._ordering:
                trips = self._order["trips"].copy()
                self._order["resets"] += 1
                self._order["operator"] = operator.encode(errors="replace")
                servo.order(self._order)
            try:
                self._await(lambda report: report["resets"] >= self._order["resets"], servo, ANSWER_WITHIN)
            except RobotError:
                for fault in stopped_by or (Fault.COMMAND_LOST,):
                    self.trip(fault)
                raise
            if self.stopped:
                raise RobotError(f"robot '{self.info.name}' stays in {self.stopped}")
            with self._ordering:
                if np.array_equal(trips, self._order["trips"]):  # else someone has stopped it anew meanwhile
                    self._fallen = None

    @property
    def estop(self) -> str:
        """The stop box: "none", "waiting", "ready", "pressed" or "lost"; "none" as well when not connected."""
        report = self._reports.newest() if self._servo is not None else None
        if report is not None and self._config.estop and self._reports.silence() > QUIET:
            return EstopState.LOST.value
        return EstopState.NONE.value if report is None else ESTOPS[int(report["estop"])].value

    @property
    def latch_file(self) -> Path | None:
        """Where a stop is kept until a person resets it; None when a restart forgets it."""
        return Path(self._config.latch) if self._config.latch else None

    @property
    def servo_pid(self) -> int | None:
        """Of the servo process; None when not connected."""
        return None if self._servo is None else self._servo.pid

    def remote(self) -> bytes:
        """The 40 bytes of the robot's own remote control, as it sent them last."""
        self._connected()
        return bytes(self._told()["remote"])

    def sent(self) -> JointCommand:
        """What went to the motors last."""
        self._connected()
        return get_command(self._told(), "sent")

    def statistics(self) -> dict[str, float]:
        """How well the servo keeps its rate, and what it has counted, since ``connect``."""
        self._connected()
        return statistics(self._told())

    def fault_counts(self) -> dict[Fault, int]:
        """In how many ticks each fault was found, since ``connect``; those never found are left out."""
        self._connected()
        counts = self._told()["faults"]
        return {fault: int(count) for fault, count in zip(FAULTS, counts, strict=True) if count}

    # Inside

    def _connected(self) -> ServoProcess:
        if self._servo is None:
            raise RobotError(f"robot '{self.info.name}' is not connected. Call connect() first.")
        return self._servo

    def _replace_hung(self, servo: ServoProcess) -> None:
        """Raise RobotError when ``servo`` hangs, having killed it and damped: the robot may do what it was told."""
        if self._reports.hangs():
            silence = self._reports.silence()
            damped = servo.kill()
            raise RobotError(
                f"the servo process of '{self.info.name}' hung for {silence:.1f} s: it was killed, and {damped}. "
                "close() and connect() start another one."
            )

    def _told(self) -> Record:
        """The newest report; there is one once ``connect`` has returned."""
        report = self._reports.newest()
        if report is None:
            raise RobotError(f"robot '{self.info.name}' is still being connected")
        return report

    def _fall(self, fault: Fault) -> None:
        """Remember ``fault`` for the next connection when it is the worst; the servo may be gone by then."""
        if fault.mode > (Mode.NORMAL if self._fallen is None else self._fallen.mode):
            self._fallen = fault

    def _await(self, condition: Callable[[Record], Any], servo: ServoProcess, within: float) -> None:
        """Until the servo reports so. Raises RobotError when it does not answer ``within`` [s]."""
        deadline = self._clock.now() + within
        while not condition(self._told()):
            if self._clock.now() > deadline or not servo.running:
                raise RobotError(f"the servo of '{self.info.name}' does not answer; the robot stays stopped")
            self._clock.sleep_until(self._clock.now() + POLL)

    def _refuse(self) -> None:
        """Raise RobotStopped when a stop of an earlier life was not reset: before anything is started."""
        if not self._config.latch:
            return
        chosen = self._info.name == "a1" and self._config.host != ServoConfig.host
        host = f" --host {self._config.host}" if chosen else ""
        how = f"daydreamer robot reset --robot {self._info.name}{host} --operator NAME"
        refuse(Path(self._config.latch), how)

    def _await_box(self, servo: ServoProcess) -> None:
        """Until the stop box is heard, pressed or not."""
        if not self._config.estop:
            return
        deadline = self._clock.now() + estop_serial.PATIENCE
        while ESTOPS[int(self._told()["estop"])] is EstopState.WAITING:
            if self._clock.now() > deadline or not servo.running:
                raise RobotError(estop_serial.not_heard(self._config.estop, estop_serial.PATIENCE))
            self._clock.sleep_until(self._clock.now() + POLL)

    def _await_state(self, servo: ServoProcess) -> None:
        started = self._clock.now()
        while True:
            report, now = self._reports.newest(), self._clock.now()
            if report is not None and report["state"]["seq"] > 0:
                return
            if not servo.running:
                raise servo.failure(f"the servo of '{self.info.name}' did not start")
            begun = started + START if report is None else float(report["began"])
            if now > begun + self._patience:
                raise nobody(self._config, self._patience)
            self._clock.sleep_until(self._clock.now() + POLL)

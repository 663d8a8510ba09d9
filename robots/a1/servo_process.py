"""The driver's side of the servo process: start it, speak with it through two mailboxes, end it."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

from robots.a1.awake import Awake
from robots.a1.mailbox import Mailbox, memory
from robots.a1.records import ORDER, REPORT, Record, parse
from robots.a1.servo_config import CANNOT, LAST_PACKETS, ServoConfig
from robots.a1.servo_loop import damping
from robots.a1.ticks import percentile
from robots.a1.udp import UdpLine
from robots.clock import Clock, MonotonicClock, Rate
from robots.program import program
from robots.robot import NO_ROBOT, RobotAbsent, RobotError
from robots.safety.latch import LAST_CHANCE

log = logging.getLogger(__name__)

PATIENCE = LAST_CHANCE + 1.0  # s for one way of ending it, on top of its damping: it may wait for the disk
LOOK = 0.02  # s between two looks whether it hangs
DAMP_FOR = 1.0  # s of damping in its place, and before it at most so many to open the line
DAMP_HZ = 100.0  # packets a second of it
SENT = "the robot was told to damp in its place"
NOT_SENT = "nothing could be sent in its place: use the robot's remote (L2 and B) or its battery's button"
KILLED = 0.5  # s in which a killed one is gone, unless the system itself hangs


class StartedProcess:
    """What is the same in each process that a driver starts; its standard error goes to the file ``_errors``."""

    _process: subprocess.Popen[bytes]
    _errors: IO[bytes]

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """False when it has ended, however."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """Why it ended, for a person."""
        code = self._process.returncode
        return self._said() or f"it ended with {f'signal {-code}' if code and code < 0 else code}"

    def failure(self, words: str) -> RobotError:
        """``words`` and why it ended, as an error: RobotAbsent where it could not reach the robot's network."""
        kind = RobotAbsent if self._process.returncode == NO_ROBOT else RobotError
        return kind(f"{words}: {self.last_words()}")

    def _said(self) -> str:
        """The last line that it wrote; empty when it wrote none."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _kill(self) -> None:
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILLED)


class ServoProcess(StartedProcess):
    """A running servo. Call ``end``, then ``free``; should this process die instead, the servo damps and leaves."""

    def __init__(self, config: ServoConfig):
        """Start it. Nothing is known of the robot before the first report."""
        self._config = config
        self._orders, self._reports = Mailbox(ORDER.itemsize), Mailbox(REPORT.itemsize)
        self._awake = Awake() if config.latch else None  # a robot whose stops are kept is one that may hurt
        # In memory: a disk that takes no stop takes no words about it either.
        self._errors = os.fdopen(memory(0), "r+b")  # closed in ``free``
        fds = self._orders.fd, self._reports.fd
        words = [config.to_json(), *map(str, fds), str(os.getpid())]
        self._process = subprocess.Popen(
            program("robots.a1.servo", *words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=fds,
            start_new_session=True,  # a Ctrl-C in the terminal is for the driver, which closes in order
            env=environment(),
        )

    def order(self, record: Record) -> None:
        """Give it ``record`` (ORDER), in place of the one before."""
        self._orders.post(record.tobytes())

    def report(self) -> Record | None:
        """Its newest report (REPORT), when there is a new one."""
        letter = self._reports.take()
        return None if letter is None else parse(REPORT, letter.content)

    def end(self, hangs: Callable[[], bool] = lambda: False) -> None:
        """Wait until it has damped and left, as it was ordered to; insist when it does not. Idempotent.

        Nobody waits for one that ``hangs``, which is asked all the time: the robot does what it was told last.
        """
        if not self._leaves(hangs):
            self._process.terminate()
        if not self._leaves(hangs):
            self._kill()
        # Killed, it damped nobody, and the robot may be doing what it said last. Refused, it never said anything.
        # The exit code alone proves nothing: where SIGCHLD is ignored, Python takes 0 for that of whoever was killed.
        code = self._process.returncode
        if code != CANNOT and (code != 0 or not self._has_damped()):
            damped = self._damp_instead()
            log.warning("the servo process ended without having damped: %s", damped)
        if code != CANNOT and (said := self._said()):
            log.warning("the servo process said before it ended: %s", said)

    def _has_damped(self) -> bool:
        """Whether it reported so, as the last thing it did; whoever else takes its reports misses none by this."""
        with Mailbox(REPORT.itemsize, os.dup(self._reports.fd)) as reports:
            letter = reports.take()
        return letter is not None and bool(parse(REPORT, letter.content)["damped"])

    def _leaves(self, hangs: Callable[[], bool]) -> bool:
        """Whether it leaves, within the time for one way of ending it."""
        clock = MonotonicClock()
        until = clock.now() + self._config.damp_time + PATIENCE
        while self.running and clock.now() < until and not hangs():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LOOK)
        return not self.running

    def kill(self) -> str:
        """At once, because it hangs; then damp in its place, and say whether that was possible.

        What it was told last is not done.
        """
        self._kill()
        return self._damp_instead()

    def _damp_instead(self) -> str:
        return damp_instead(self._config.host, self._config.port, self._config.local_port)

    def free(self) -> None:
        """Let go of what was shared with it, once it has ended. Idempotent."""
        if self._awake is not None:
            self._awake.close()
        self._orders.close()
        self._reports.close()
        self._errors.close()


def damp_instead(host: str, port: int, local_port: int) -> str:
    """Damp the robot in the place of a process that can no longer; for a person, whether anything was sent.

    For a while: packets may be lost, and from another port than before the robot may listen only when that was silent.
    Before that, for as long, our port may still be taken by the one that was killed.
    """
    clock = MonotonicClock()
    rate = Rate(clock, DAMP_HZ)
    try:
        line = _open(host, port, local_port, rate, clock)
    except RobotError as error:
        return f"{NOT_SENT} ({error})"
    count, until = 0, clock.now() + DAMP_FOR
    # Some are sent in any case: the computer may have stood still until then.
    while clock.now() < until or count < LAST_PACKETS:
        line.send(damping())
        count += 1
        rate.wait()
    line.close()
    return SENT if line.unsent < count else f"{NOT_SENT} (the system took no packet to {host}:{port})"


def _open(host: str, port: int, local_port: int, rate: Rate, clock: Clock) -> UdpLine:
    """The line, within ``DAMP_FOR``. Raises RobotError."""
    until = clock.now() + DAMP_FOR
    while True:
        try:
            return UdpLine(host, port, local_port)
        except RobotError:
            if clock.now() > until:
                raise
        rate.wait()


def nobody(config: ServoConfig, patience: float) -> RobotAbsent:
    """The error of a robot that has not answered within ``patience`` [s]."""
    return RobotAbsent(
        f"no A1 answers at {config.host}:{config.port} within {patience} s. Is it on and in low-level mode, is its "
        "cable in, and is this computer on its network?"
    )


def statistics(report: Record) -> dict[str, float]:
    """How well the servo that sent ``report`` keeps its rate, and what it has counted, since it began."""
    seconds = float(report["now"] - report["began"])
    return {
        "rate_hz": float(report["ticks"]) / seconds if seconds > 0 else 0.0,
        "late_p50_ms": 1000 * percentile(report["late"], 50),
        "late_p99_ms": 1000 * percentile(report["late"], 99),
        "late_max_ms": 1000 * float(report["latest"]),
        **{name: float(report[name]) for name in ("ticks", "missed", "dropped", "repeated", "unsent")},
        "states": float(report["state"]["seq"]),
        "realtime": float(report["realtime"]),
        "locked": float(report["locked"]),
    }


def environment() -> dict[str, str]:
    """What a Python of ours needs to find the same modules and to stay on one core."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

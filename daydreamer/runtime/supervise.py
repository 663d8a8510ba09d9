"""Learner and actor as two processes on one computer: started, watched, started again, stopped together."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket as Socket
from typing import Protocol

from daydreamer.runtime.backoff import Backoff
from daydreamer.runtime.die_with_parent import PARENT
from robots.clock import Clock, MonotonicClock
from robots.program import program
from robots.robot import NO_ROBOT

_log = logging.getLogger(__name__)

CONFIG_ERROR = 2  # exit code of a process that would fail again in the same way
# Of one that was asked to end: by itself, as SIGINT or SIGTERM want it, or just then for want of a robot.
_ENDED_WELL = (0, 130, 143, NO_ROBOT)
LEARNER_GRACE = 90.0  # s: its last checkpoint may go to a memory card, or over a network
_INSIST = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))  # after SIGINT; s that each is given to work
_LOOK_EVERY = 0.1  # s


class Process(Protocol):
    """What is used of ``subprocess.Popen``."""

    pid: int

    def poll(self) -> int | None:
        """Exit code, or None while it runs; negative: the signal that ended it."""
        ...


@dataclass
class Child:
    """One process to keep alive.

    Attributes:
        name: For people, and of its log file.
        command: Program and arguments.
        log: Its output goes there, appended.
        threads: For numerical libraries in it.
        decides: True when its end with exit code 0 ends the whole job.
        vital: False for one that the job can do without: when it cannot work, that is a warning.
        grace: s that it is given to end by itself, once it was asked to.
        socket: It inherits this one, in every life.
    """

    name: str
    command: Sequence[str]
    log: Path
    threads: int = 1
    decides: bool = False
    vital: bool = True
    grace: float = 10.0
    socket: Socket | None = None
    backoff: Backoff = field(default_factory=Backoff)
    # While its robot does not answer:
    absent: Backoff = field(default_factory=lambda: Backoff(patience=math.inf))
    # A life has ended otherwise than for want of a robot, so there may have been one: exit codes tell no more.
    met: bool = field(default=False, init=False)
    process: Process | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    due: float = field(default=0.0, init=False)  # when to start it (again)
    done: bool = field(default=False, init=False)


def start_process(child: Child) -> Process:
    """Start ``child`` in a session of its own, so that one Ctrl-C does not reach it twice."""
    child.log.parent.mkdir(parents=True, exist_ok=True)
    threads = str(child.threads)
    environment = os.environ | {
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "PYTHONUNBUFFERED": "1",
        PARENT: str(os.getpid()),
    }
    with open(child.log, "ab", opener=_for_the_owner) as log:
        return subprocess.Popen(
            list(child.command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            start_new_session=True, pass_fds=() if child.socket is None else (child.socket.fileno(),),
        )  # fmt: skip


def _for_the_owner(path: str, flags: int) -> int:
    """What a child says may be for nobody else on this computer; an older log is closed to them, too."""
    descriptor = os.open(path, flags, 0o600)
    with contextlib.suppress(PermissionError):  # another user's
        os.fchmod(descriptor, 0o600)
    return descriptor


def signal_process(process: Process, number: int) -> None:
    """Send a signal to a child and to whatever it has started."""
    with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile, which is what was wanted
        os.killpg(process.pid, number)


class Supervisor:
    """Keeps children alive until one that decides has finished, one cannot work at all, or told to stop.

    Args:
        children: In the order in which they are started.
        warn: Shows a text to the person.
        tick: Called about ten times a second.
        clock: Wall time.
        start: Starts a child.
        kill: Sends a signal to one.
    """

    def __init__(
        self,
        children: Sequence[Child],
        warn: Callable[[str], None] = _log.warning,
        tick: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
        start: Callable[[Child], Process] = start_process,
        kill: Callable[[Process, int], None] = signal_process,
    ):
        self._children, self._warn, self._tick = list(children), warn, tick
        self._clock, self._start, self._kill = clock or MonotonicClock(), start, kill
        self.failure: str | None = None

    def run(self, stop: Callable[[], str | None]) -> int:
        """Until ``stop`` gives a reason, or the job ends by itself.

        Returns:
            0 when the job has finished or was stopped; 2 when a child cannot work: ``failure`` says why.
        """
        try:
            while not stop() and not self._ended():
                self._tick()
                self._clock.sleep_until(self._clock.now() + _LOOK_EVERY)
        finally:
            self._stop_all()
        return CONFIG_ERROR if self.failure else 0

    def _ended(self) -> bool:
        """Look after every child; True when there is nothing left to supervise."""
        for child in self._children:
            if child.process is None:
                if not child.done and self._clock.now() >= child.due:
                    self._begin(child)
                    if self.failure:
                        return True
                continue
            code = child.process.poll()
            if code is not None:
                child.process = None
                self._died(child, code)
                if self.failure or (code == 0 and child.decides):
                    return True
        return False

    def _begin(self, child: Child) -> None:
        """A computer without memory or processes to spare right now is a death like others: it may pass."""
        child.started = self._clock.now()
        try:
            child.process = self._start(child)
        except OSError as error:
            self._again(child, f"could not be started ({error})")

    def _died(self, child: Child, code: int) -> None:
        if code == 0:
            child.done = True
            _log.info("%s has finished", child.name)
            return
        # Who begins wants to know at once that there is no robot. One that was there, as it may have been, is looked
        # for without end: its battery is being changed, perhaps.
        if code == CONFIG_ERROR or (code == NO_ROBOT and not child.met):
            self._give_up(child, f"the {child.name} cannot start:\n{last_words(child.log)}")
            return
        if code == NO_ROBOT:
            why = f":\n{last_words(child.log)}"
            self._later(child, "found no robot that answers", child.absent.died(0.0) or 0.0, why)
            return
        child.met, child.absent.deaths = True, 0
        self._again(child, _how(code))

    def _again(self, child: Child, how: str) -> None:
        """Start it again later, or never."""
        wait = child.backoff.died(self._clock.now() - child.started)
        if wait is None:
            self._give_up(
                child,
                f"the {child.name} {how}, for the {child.backoff.deaths}th time in a row. "
                f"The end of {child.log}:\n{last_words(child.log)}",
            )
            return
        self._later(child, how, wait)

    def _later(self, child: Child, how: str, wait: float, why: str = "") -> None:
        child.due = self._clock.now() + wait
        self._warn(f"the {child.name} {how}; starting it again in {wait:g} s (see {child.log}){why}")

    def _give_up(self, child: Child, why: str) -> None:
        """It would fail again: the job ends, or goes on without it."""
        if child.vital:
            self.failure = why
            return
        child.done = True
        self._warn(f"going on without the {child.name}: {why}")

    def _stop_all(self) -> None:
        """Ask politely, then less so. Every child gets each signal once, and has its own time.

        An error on the way is raised when all have ended: nobody else would end them. Another Ctrl-C hastens it.
        """
        trouble: BaseException | None = None
        leaving = [_Leaving(c, c.process) for c in self._children if c.process is not None]
        hurried = False
        while leaving := [one for one in leaving if self._asked(one, hurried)]:
            hurried = False
            try:
                self._tick()
                self._clock.sleep_until(self._clock.now() + _LOOK_EVERY)
            except KeyboardInterrupt as error:
                trouble, hurried = error, True
            except Exception as error:
                trouble, self._tick = error, lambda: None
        if trouble is not None:
            raise trouble

    def _asked(self, one: _Leaving, hurried: bool) -> bool:
        """Send the signal that is due; False when the child has ended, or nothing more can be done."""
        code = one.process.poll()
        if code is not None:
            self._left(one, code)
            return False
        if self._clock.now() < one.until and not hurried:
            return True
        signals = ((signal.SIGINT, one.child.grace), *_INSIST)
        if one.signals == len(signals):
            self._warn(f"the {one.child.name} cannot be ended (process {one.process.pid})")
            return False
        number, grace = signals[one.signals]
        if number == signal.SIGKILL:
            words = "was killed before it had ended: what it had not saved is lost"
            self._warn(f"the {one.child.name} {words} (see {one.child.log})")
        one.signals, one.until = one.signals + 1, self._clock.now() + grace
        self._kill(one.process, number)
        return True

    def _left(self, one: _Leaving, code: int) -> None:
        """Tell of a child that was asked to end and has failed at it; whom we had to kill was told of before."""
        if code in _ENDED_WELL or (code < 0 and one.signals > 1):
            return
        self._warn(f"the {one.child.name} {_how(code)} as it was stopped:\n{last_words(one.child.log)}")


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


@dataclass
class _Leaving:
    """A child that is to end: how many signals it was sent, and until when it has time for the last of them."""

    child: Child
    process: Process
    signals: int = 0
    until: float = -math.inf


def last_words(log: Path, count: int = 6) -> str:
    """Why the writer of ``log`` ended: its last error message, or else its last lines; indented."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError as error:
        return f"  ({error})"
    begins = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    words = lines[begins[-1] :] if begins else lines[-count:]
    return "\n".join(f"  {line.removeprefix('error: ')}" for line in words)


def learner_threads(cores: int | None, runs: int = 1) -> int:
    """Threads for the learner: one core is left to the robot, and beyond eight there is nothing to gain.

    ``runs`` at the same time share the cores: two that both use all of them slow each other down many times over.
    """
    return max(1, min(8, (cores or 1) // max(1, runs) - 1))


def threads_here(runs: int = 1) -> int:
    """The same on this computer, unless the environment says how many."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else learner_threads(os.cpu_count(), runs)


def this_program(*arguments: str) -> list[str]:
    """The command line that runs ``daydreamer ARGUMENTS`` of this installation."""
    return program("daydreamer.cli.main", *arguments)

"""Actor and learner as processes, the proxy between them, small disks under them, and the means to hurt each."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from daydreamer.core.record_log import survey
from daydreamer.runtime.faults.disks import SmallDisk
from daydreamer.runtime.faults.journal import Journal, ShiftedClocks
from daydreamer.runtime.faults.proxy import FaultProxy
from daydreamer.runtime.supervise import Child, Process, last_words, signal_process, start_process
from robots.clock import Clock, MonotonicClock

_log = logging.getLogger(__name__)

DISK = 192 << 20  # bytes
ANSWER = 180.0  # s in which everything must go on, a process that is started again included
END = 30.0  # s in which a process that is told to end must have ended
_LOOK = 0.02  # s


class Commands(Protocol):
    """The command lines of what is tested."""

    def learner(self, logdir: Path, port: int) -> list[str]:
        """A learner that listens on ``port``."""
        ...

    def actor(
        self, logdir: Path, port: int, journals: Path, clocks: Path, other_schema: bool = False
    ) -> list[str]:
        """An actor that connects to ``port``, and journals."""
        ...


@dataclass
class Life:
    """One actor process's journal, and how many of its rows were on its disk when it was killed."""

    journal: Journal
    saved: int | None = None  # None: it was never killed


@dataclass
class Program:
    """A process that is kept alive, by its name."""

    child: Child
    lives: list[Life] = field(default_factory=list)
    before: int = 0  # lives of earlier processes

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return None if self.child.process is None else self.child.process.pid


class Hang(RuntimeError):
    """Something did not happen in time."""


class Stage:
    """Everything that takes part. Directories: ``learner``, ``other`` (the wrong one), ``actor``, ``twin``.

    Args:
        root: An empty directory.
        port: Of the learner.
        commands: What to start.
        start: Starts a process.
        clock: Wall time.
    """

    def __init__(
        self,
        root: Path,
        port: int,
        commands: Commands,
        start: Callable[[Child], Process] = start_process,
        clock: Clock | None = None,
    ):
        self.root, self.port, self.commands = root, port, commands
        self.clock, self._start = clock or MonotonicClock(), start
        self.journals = root / "journals"
        self.journals.mkdir(parents=True)
        self.clocks = ShiftedClocks(root / "clocks", create=True)
        self.proxy = FaultProxy(port)
        self.learner = self._program("learner", commands.learner(root / "learner", port))
        self.other_learner = self._program("other-learner", commands.learner(root / "other", port))
        self.actor = self._program("actor", self._actor(root / "actor"))
        self.twin = self._program("twin", self._actor(root / "twin"))
        self.stranger = self._program("stranger", self._actor(root / "stranger", other_schema=True))
        self.crashes: list[str] = []
        self.learner_disk = SmallDisk(root / "learner", DISK, lambda: self.learner.pid)
        self.actor_disk = SmallDisk(root / "actor", DISK, lambda: self.actor.pid)

    @property
    def programs(self) -> list[Program]:
        """All of them, running or not."""
        return [self.learner, self.other_learner, self.actor, self.twin, self.stranger]

    # Processes

    def start(self, program: Program) -> None:
        """Start a process; an actor's journal is found when its link is made."""
        assert program.child.process is None, f"{program.child.name} runs already"
        self.find_lives()
        program.before = len(program.lives)
        program.child.process = self._start(program.child)

    def kill(self, program: Program) -> None:
        """SIGKILL, and take stock of what was on the disk."""
        process = program.child.process
        if process is None:
            return
        signal_process(process, signal.SIGKILL)
        self._ended(program, process)
        self._take_stock(program)

    def end(self, program: Program, number: int = signal.SIGINT) -> int | None:
        """Ask politely; the exit code. Raises Hang when it does not end in time, and kills it."""
        process = program.child.process
        if process is None:
            return None
        signal_process(process, number)
        return self.wait_end(program, END)

    def wait_end(self, program: Program, timeout: float) -> int | None:
        """The exit code of a process that ends by itself. Raises Hang when it does not, and kills it."""
        process = program.child.process
        assert process is not None
        try:
            self.until(lambda: process.poll() is not None, timeout, f"{program.child.name} ends")
        except Hang:
            self.kill(program)
            raise
        self.find_lives()
        program.child.process = None
        return process.poll()

    def spool(self, program: Program) -> Path:
        """Where an actor keeps its rows."""
        return self.root / program.child.name / "actor-actor" / "spool"

    def find_lives(self) -> None:
        """Open the journals that have appeared since."""
        for program in (self.actor, self.twin):
            known = {life.journal.path for life in program.lives}
            for path in sorted((self.journals / program.child.name).glob("*.journal")):
                if path not in known:
                    program.lives.append(Life(Journal(path)))

    # Waiting

    def sleep(self, seconds: float) -> None:
        """Let things go on for so long."""
        with contextlib.suppress(Hang):
            self.until(lambda: False, seconds, "never")

    def until(self, condition: Callable[[], bool], timeout: float, what: str) -> float:
        """Wait; how long it took [s]. Looks after processes that die by themselves. Raises Hang."""
        begun = self.clock.now()
        while not condition():
            if self.clock.now() - begun > timeout:
                raise Hang(f"not within {timeout:g} s: {what}")
            self.clock.sleep_until(self.clock.now() + _LOOK)
            for program in (self.learner, self.other_learner, self.actor):
                self._look_after(program)
        return self.clock.now() - begun

    def wait_flow(self) -> float:
        """Until a row that is made from now on is known, by the actor, to be durable; how long that took [s]."""
        self.find_lives()
        count = len(self.actor.lives)
        sent = self.actor.lives[-1].journal.sent if count else 0

        def flows() -> bool:
            self.find_lives()
            if not self.actor.lives:
                return False
            newest = self.actor.lives[-1].journal
            return newest.acked > (sent if len(self.actor.lives) == count else 0)

        return self.until(flows, ANSWER, "rows are acknowledged again")

    def close(self) -> None:
        """Kill what still runs, and unmount."""
        for program in self.programs:
            if program.child.process is not None:
                with contextlib.suppress(OSError):
                    signal_process(program.child.process, signal.SIGKILL)
        self.proxy.close()
        self.learner_disk.close()
        self.actor_disk.close()

    def _program(self, name: str, command: list[str]) -> Program:
        return Program(Child(name, command, self.root / "logs" / f"{name}.log"))

    def _actor(self, logdir: Path, other_schema: bool = False) -> list[str]:
        journals = self.journals / logdir.name
        journals.mkdir(exist_ok=True)
        return self.commands.actor(logdir, self.proxy.port, journals, self.root / "clocks", other_schema)

    def _ended(self, program: Program, process: Process) -> None:
        self.until(lambda: process.poll() is not None, END, f"{program.child.name} is killed")
        program.child.process = None

    def _take_stock(self, program: Program) -> None:
        self.find_lives()
        for life in program.lives[program.before :]:
            life.saved = on_disk(self.spool(program), life.journal)

    def _look_after(self, program: Program) -> None:
        """A process that ended although nobody told it to is started again, and told of."""
        process = program.child.process
        if process is None:
            return
        code = process.poll()
        if code is None or code in (-signal.SIGKILL, -signal.SIGINT, 130):
            return
        self._take_stock(program)
        words = last_words(program.child.log)
        self.crashes.append(f"{program.child.name} ended by itself with exit code {code}:\n{words}")
        _log.error("%s", self.crashes[-1])
        program.child.process = None
        self.start(program)


def on_disk(spool: Path, journal: Journal) -> int:
    """Rows of a life that its spool had taken: all, where the spool is gone because all are acknowledged."""
    directory = spool / journal.stream
    logs = sorted(directory.glob("*.log"))
    if not logs:
        return journal.sent if not directory.exists() and journal.acked else 0
    found = survey(logs[-1])
    return int(logs[-1].stem) + len(found.records)


def signal_program(program: Program, number: int) -> None:
    """Send a signal, if it runs."""
    if program.pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, number)

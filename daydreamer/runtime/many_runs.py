"""Several runs of `daydreamer train`, a few at a time, each in a process of its own; finished ones are left alone."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daydreamer.core.atomic_file import write_atomically
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.runtime.checkpoint import Checkpoints
from daydreamer.runtime.die_with_parent import PARENT
from daydreamer.runtime.learner import FINISHED
from daydreamer.runtime.run_dir import RunDir, completed, differences
from daydreamer.runtime.supervise import LEARNER_GRACE, last_words, threads_here
from robots.clock import Clock, MonotonicClock

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.5  # s
_GRACE = LEARNER_GRACE + 30.0  # s that a run is given to save itself and to stop its own processes


@dataclass(frozen=True)
class Job:
    """One run."""

    name: str
    run: RunDir
    command: tuple[str, ...]
    rows: int  # at which it is finished

    @property
    def log(self) -> Path:
        """What the command says."""
        return self.run.path.parent / f"{self.run.path.name}.log"

    def finished(self) -> bool:
        """True when a learner has ended here because it had its rows."""
        if not self.run.events.exists() or not self.run.checkpoints.exists():
            return False
        found, end = Checkpoints(self.run.checkpoints).load(), _last_stop(self.run)
        if found is None or end.get("reason") != FINISHED or end.get("rows", 0) < self.rows:
            return False
        # The last rows need not have paid for an update, and without one there is no newer checkpoint.
        return found.state["rows"] >= self.rows or found.state["updates"] == end["updates"]


def rows_of(robot_minutes: float, hz: float) -> int:
    """Rows in so many robot minutes, as a learner counts them. Raises DaydreamerError unless they are some."""
    if not 0 < robot_minutes < math.inf:
        raise DaydreamerError(f"robot minutes are a positive number, got {robot_minutes}")
    return math.ceil(robot_minutes * 60 * hz)


def claim(out: Path, settings: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> None:
    """Write ``settings`` into the directory ``out``, for one experiment only: the table of two would be of neither.

    Parts of them that are not there yet are added; what a part there did not know yet was as ``defaults`` say.

    Raises:
        DaydreamerError: another one was begun there, or nothing can be written there.
    """
    path = writable_directory(out) / "settings.json"
    plain = json.loads(json.dumps(settings))
    before = json.loads(path.read_bytes()) if path.exists() else plain
    known = completed(before, json.loads(json.dumps(defaults or {})))
    if lines := differences(
        {key: known[key] for key in before}, {key: plain.get(key) for key in before}, "settings"
    ):
        text = "\n  ".join(lines)
        raise DaydreamerError(f"{out} was begun with other settings:\n  {text}\nUse those, or another --out.")
    write_atomically(path, (json.dumps(plain, indent=1) + "\n").encode())


def work_off(
    jobs: Sequence[Job],
    at_once: int,
    stop: Callable[[], str | None],
    tick: Callable[[Sequence[Job]], None] = lambda running: None,
    clock: Clock | None = None,
) -> bool:
    """Run what is not finished; True when all of it is, False when told to stop.

    Args:
        jobs: In the order in which they begin.
        at_once: How many at a time.
        stop: A reason to stop, or None. Running ones then save themselves; the same call goes on with them.
        tick: Called twice a second with the jobs that run.
        clock: Wall time.

    Raises:
        DaydreamerError: Runs failed; the others went on to their end, or until told to stop.
    """
    clock, failed = clock or MonotonicClock(), list[str]()
    waiting = [job for job in jobs if not job.finished()]
    told: str | None = None
    running: dict[str, tuple[Job, subprocess.Popen[bytes]]] = {}
    try:
        while (waiting or running) and not (told := stop()):
            while waiting and len(running) < max(1, at_once):
                job = waiting.pop(0)
                running[job.name] = job, _start(job, min(at_once, len(jobs)))
            for name, (job, process) in list(running.items()):
                code = process.poll()
                if code is not None:
                    del running[name]
                    if code:
                        _log.error("%s ended with exit code %d; the others go on", name, code)
                        failed.append(
                            f"{name} ended with exit code {code}. The end of {job.log}:\n{last_words(job.log)}"
                        )
            tick([job for job, _ in running.values()])
            clock.sleep_until(clock.now() + _LOOK_EVERY)
    finally:
        _stop([process for _, process in running.values()], clock)
    if failed:
        raise DaydreamerError("\n".join(failed))
    return not told


def _start(job: Job, at_once: int) -> subprocess.Popen[bytes]:
    """In a session of its own, so that one Ctrl-C does not reach it twice. It ends with this process all the same.

    Its learner has its share of the cores.
    """
    job.log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {PARENT: str(os.getpid()), "OMP_NUM_THREADS": str(threads_here(at_once))}
    with job.log.open("ab") as log:
        return subprocess.Popen(
            list(job.command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            start_new_session=True,
        )  # fmt: skip


def _stop(processes: Sequence[subprocess.Popen[bytes]], clock: Clock) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):  # after the second its children end with it
        for process in processes:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(number)
        deadline = clock.now() + _GRACE
        while clock.now() < deadline and any(process.poll() is None for process in processes):
            clock.sleep_until(clock.now() + 0.1)


def _last_stop(run: RunDir) -> dict[str, Any]:
    """What the newest learner here said when it stopped; empty when it did not say anything."""
    found: dict[str, Any] = {}
    for line in run.events.read_bytes().splitlines():
        with contextlib.suppress(ValueError, AttributeError):
            event = json.loads(line)
            kind = event.get("event")
            found = event if kind == "stop" else {} if kind in ("start", "resume") else found
    return found

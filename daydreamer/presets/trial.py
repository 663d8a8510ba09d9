"""A policy tried on a preset's robot: rollouts, scored, and remembered beside the run."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path

from daydreamer.core.atomic_file import write_atomically
from daydreamer.core.errors import Corrupt, DaydreamerError, SpecMismatch
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.runtime.evaluate import evaluate
from daydreamer.runtime.film import Recording
from daydreamer.runtime.policy import OnnxPolicy
from daydreamer.runtime.scoring import MEANING, Evaluation, RolloutScore, evaluation_from_dict
from robots.calibration import load as load_calibration

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """What is tried, as plain data that another process can be sent."""

    policy: Path
    preset: str
    changes: tuple[str, ...] = ()
    rollouts: int = 5
    seconds: float = 60.0  # of each
    seed: int = 0  # of the first; the others follow
    held: bytes | None = field(default=None, repr=False, compare=False)  # the policy, once it has been read

    def hold(self) -> Trial:
        """With the policy's bytes in it: a run that goes on may remove the file before its turn has come."""
        return replace(self, held=self.read())

    def read(self) -> bytes:
        """The policy's bytes. Raises DaydreamerError when its file is gone and they are not held."""
        return read_policy(self.policy) if self.held is None else self.held

    def open(self) -> OnnxPolicy:
        """The policy. Raises DaydreamerError, naming its file."""
        return open_policy(self.policy, self.read(), self.seed)

    def run(
        self, progress: Callable[[RolloutScore], None] = lambda score: None, film: Recording | None = None
    ) -> Evaluation:
        """Simulate and score; ``progress`` is told each score as it comes, and ``film`` sees the first rollout.

        Raises:
            DaydreamerError: The policy cannot be read or does not fit, or the robot tells no truth.
        """
        preset = load(self.preset, self.changes)
        policy = self.open()
        env = build.make_env(preset)
        policy.fits(env.obs_spec, env.act_spec)
        return evaluate(
            policy, lambda seed: build.make_env(preset, "max", seed), self.rollouts, self.seconds, preset.hz, self.seed,
            progress, film,
        )  # fmt: skip

    def key(self) -> str:
        """The same for the same policy under the same conditions, whatever its file is called."""
        digest = hashlib.sha256(self.read()).hexdigest()
        preset = asdict(
            load(self.preset, self.changes)
        )  # as it is now, whatever it was when something was tried
        what = [MEANING, digest, preset, self.rollouts, self.seconds, self.seed]
        if file := preset["robot_options"].get("calibration"):
            load_calibration(file)  # or say why not
            what.append(hashlib.sha256(Path(file).read_bytes()).hexdigest())
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:24]

    def found(self, memory: Path | None) -> Evaluation | None:
        """The result in the directory ``memory``, if this was tried before."""
        if memory is None:
            return None
        path = memory / f"{self.key()}.json"
        try:
            return evaluation_from_dict(json.loads(path.read_bytes())["result"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not there or not ours to read, of another version, or damaged: it is tried (again)

    def remember(self, memory: Path, result: Evaluation) -> None:
        """Keep ``result`` in the directory ``memory``, which is made."""
        memory.mkdir(parents=True, exist_ok=True)
        tried = {**asdict(replace(self, held=None)), "policy": self.policy.name}
        del tried["held"]
        card = {"trial": tried, "result": result.to_dict()}
        write_atomically(memory / f"{self.key()}.json", (json.dumps(card, indent=1) + "\n").encode())


def read_policy(path: Path) -> bytes:
    """The bytes of a policy file. Raises DaydreamerError, naming it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DaydreamerError(f"cannot read the policy {path}: {error}") from error


def open_policy(path: Path, data: bytes, seed: int) -> OnnxPolicy:
    """The policy that ``data`` are, which came from ``path``. Raises Corrupt, naming that, when they are none."""
    try:
        return OnnxPolicy(data, seed=seed)
    except (Corrupt, SpecMismatch) as error:
        raise Corrupt(f"{path}: {error}") from error


def run_all(
    trials: Sequence[Trial], jobs: int = 1, memories: Sequence[Path | None] | None = None
) -> Iterator[tuple[Trial, Evaluation]]:
    """Each trial with its result, in their order, as they come; one that is there twice is run once.

    All policies are read before the first is tried, and are in the trials that come out.

    Args:
        trials: What to try.
        jobs: Processes at once; with 1 all happens in this one.
        memories: For each trial, the directory in which results are looked for and kept; None: nowhere.
    """
    trials = [trial.hold() for trial in trials]
    places = list(memories) if memories is not None else [None] * len(trials)
    known = [trial.found(place) for trial, place in zip(trials, places, strict=True)]
    fresh = list(dict.fromkeys(trial for trial, result in zip(trials, known, strict=True) if result is None))
    coming, run, told = _run_fresh(fresh, jobs), dict[Trial, Evaluation](), False
    for trial, place, before in zip(trials, places, known, strict=True):
        if before is None:
            if trial not in run:
                run[trial] = next(coming)
            try:
                if place is not None:
                    trial.remember(place, run[trial])
            except OSError as error:  # an archive, another user's run, a full disk
                if not told:
                    _log.warning("results are not remembered, and will be tried again: %s", error)
                told = True
        yield trial, before or run[trial]


def _run_fresh(trials: list[Trial], jobs: int) -> Iterator[Evaluation]:
    if jobs <= 1 or len(trials) <= 1:
        yield from (trial.run() for trial in trials)
        return
    pool = workers(min(jobs, len(trials)))
    try:
        yield from pool.map(Trial.run, trials)
    except BrokenProcessPool as error:
        raise DaydreamerError(
            "a process that tried a policy was ended from outside, perhaps for want of memory: fewer --jobs need less. "
            "The same command goes on"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def workers(count: int) -> ProcessPoolExecutor:
    """Processes that end with this one, however it ends."""
    return ProcessPoolExecutor(count, get_context("spawn"), _begin)


def _begin() -> None:
    """In a worker: Ctrl-C ends it without a word; the one who started it tells the person."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(parent: BaseProcess | None) -> None:
    """Nobody would take what it finds any more, and it would wait for more work for ever."""
    if parent is not None:
        parent.join()
        os._exit(1)

"""The fault bench: one fault after the other from a seeded schedule, and the ledger at the end."""

from __future__ import annotations

import logging
import math
import random
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from daydreamer.core.specs import Specs
from daydreamer.runtime.faults.kinds import KINDS
from daydreamer.runtime.faults.ledger import Ledger, balance
from daydreamer.runtime.faults.stage import ANSWER, Hang, Stage
from daydreamer.transport.actor_link import ActorLink
from daydreamer.transport.row_codec import RowCodec

_log = logging.getLogger(__name__)

ROUNDS_PER_MINUTE = 0.5  # every kind is exercised once in each round
MILLISECOND = 20  # the bucket that ends at 2^20 ns, which is 1.05 ms
_CALM = (0.1, 0.6)  # s between a recovery and the next fault


@dataclass
class Outcome:
    """What the faults did."""

    injected: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)  # s, by kind
    hangs: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    ledger: Ledger | None = None
    wait_max: float = 0.0  # s
    wait_p999: float = 0.0  # s
    calls: int = 0  # of control loops into their link
    slow_calls: int = 0  # of these, over a millisecond
    wall_max: float = 0.0  # s
    held: int = 0

    @property
    def passed(self) -> bool:
        """Nothing lost, nothing doubled, nothing hangs, nothing ends by itself."""
        ledger = self.ledger
        return ledger is not None and not (ledger.lost or ledger.doubled or self.hangs or self.crashes)

    def numbers(self) -> dict[str, Any]:
        """Everything by name, as plain data."""
        assert self.ledger is not None
        every = [seconds for one in self.recoveries.values() for seconds in one]
        return {
            "faults_injected": sum(self.injected.values()),
            "produced": self.ledger.produced,
            "acknowledged": self.ledger.acknowledged,
            "stored": self.ledger.stored,
            "lost": self.ledger.lost,
            "doubled": self.ledger.doubled,
            "hangs": len(self.hangs),
            "wait_max_ms": round(1000 * self.wait_max, 3),
            "recovery_p50_s": round(statistics.median(every), 3) if every else None,
            "recovery_max_s": round(max(every), 3) if every else None,
            "unsaved": self.ledger.unsaved,
            "waiting": self.ledger.waiting,
            "crashes": len(self.crashes),
            "held": self.held,
            "link_calls": self.calls,
            "link_calls_over_1ms": self.slow_calls,
            "wait_p999_ms": round(1000 * self.wait_p999, 3),
            "wait_wall_max_ms": round(1000 * self.wall_max, 3),
            "seconds": round(self.seconds, 1),
            "kinds": {kind: self.injected[kind] for kind in KINDS},
            "recovery_s": {
                kind: {"p50": round(statistics.median(one), 3), "max": round(max(one), 3)}
                for kind, one in self.recoveries.items()
            },
        }


class FaultBench:
    """Hurts a stage, for some minutes.

    Args:
        stage: Nothing runs on it yet.
        row_spec: Of the rows that its actors make.
        terms: On which they and the learner agree, see ``ActorLink``.
        seed: Of the schedule.
        tell: Shows a line to a person.
        kinds: Which faults.
    """

    def __init__(
        self,
        stage: Stage,
        row_spec: Specs,
        terms: Mapping[str, str],
        seed: int,
        tell: Callable[[str], None] = _log.info,
        kinds: Sequence[str] = tuple(KINDS),
    ):
        self._stage, self._row_spec, self._terms, self._tell = stage, row_spec, terms, tell
        self._rng = random.Random(seed)
        self._kinds = list(kinds)
        self._outcome = Outcome()
        self._begun = stage.clock.now()

    def run(self, minutes: float, stop: Callable[[], str | None] = lambda: None) -> Outcome:
        """Inject faults for ``minutes``, and until every kind was exercised half as often as there are minutes."""
        stage, outcome = self._stage, self._outcome
        stage.start(stage.learner)
        stage.start(stage.actor)
        self._tell(f"actor and learner are up after {stage.wait_flow():.1f} s")
        self._begun = stage.clock.now()
        rounds = math.floor(minutes * ROUNDS_PER_MINUTE)
        while not stop():
            for kind in self._rng.sample(self._kinds, len(self._kinds)):
                if stop() or self._is_over(minutes, rounds):
                    break
                self._inject(kind)
            if self._is_over(minutes, rounds):
                break
        outcome.seconds = stage.clock.now() - self._begun
        self._finish()
        outcome.crashes = stage.crashes
        return outcome

    def _is_over(self, minutes: float, rounds: int) -> bool:
        exercised = min(self._outcome.injected[kind] for kind in self._kinds)
        return exercised >= rounds and self._stage.clock.now() - self._begun >= 60 * minutes

    def _inject(self, kind: str) -> None:
        stage, outcome = self._stage, self._outcome
        stage.sleep(self._rng.uniform(*_CALM))
        at = stage.clock.now() - self._begun
        outcome.injected[kind] += 1
        chance = random.Random(self._rng.random())  # what one fault draws does not change the next one
        try:
            KINDS[kind](stage, chance)
            seconds = stage.wait_flow()
        except Hang as error:
            outcome.hangs.append(f"{kind}: {error}")
            self._tell(f"{at:7.1f} s  {kind:18s} HANGS: {error}")
            self._start_over()
            return
        outcome.recoveries.setdefault(kind, []).append(seconds)
        self._tell(f"{at:7.1f} s  {kind:18s} recovered in {seconds:6.2f} s")

    def _start_over(self) -> None:
        """After a hang: everything is healed, killed and started again, so that the rest still says something."""
        stage = self._stage
        stage.proxy.heal()
        stage.actor_disk.free()
        stage.learner_disk.free()
        for program in stage.programs:
            stage.kill(program)
        stage.start(stage.learner)
        stage.start(stage.actor)
        stage.wait_flow()

    def _finish(self) -> None:
        """End all in good order, let the learner have what still waits, and draw up the ledger."""
        stage, outcome = self._stage, self._outcome
        stage.proxy.heal()
        for program in (stage.actor, stage.twin):
            self._end(program)
            self._drain(stage.spool(program))
        self._end(stage.learner)
        stage.find_lives()
        lives = [*stage.actor.lives, *stage.twin.lives]
        outcome.ledger = balance(
            lives,
            [stage.root / "learner", stage.root / "other"],
            [stage.spool(stage.actor), stage.spool(stage.twin)],
            RowCodec(self._row_spec).row_bytes,
        )
        outcome.wait_max = max((life.journal.wait_max for life in lives), default=0.0)
        outcome.wall_max = max((life.journal.wall_max for life in lives), default=0.0)
        outcome.held = sum(life.journal.held for life in lives)
        histogram = sum((life.journal.histogram for life in lives), np.zeros(40))
        outcome.wait_p999 = _quantile(histogram, 0.999)
        outcome.calls, outcome.slow_calls = int(histogram.sum()), int(histogram[MILLISECOND + 1 :].sum())

    def _end(self, program: Any) -> None:
        try:
            self._stage.end(program)
        except Hang as error:
            self._outcome.hangs.append(f"at the end: {error}")

    def _drain(self, spool: Path) -> None:
        """What an actor had no time to send at its end goes up as it would at its next start."""
        if not any(spool.glob("*/*.log")):
            return
        link = ActorLink(f"127.0.0.1:{self._stage.port}", "actor", self._row_spec, spool, terms=self._terms)
        link.start()
        try:
            self._stage.until(lambda: link.status().unacked == 0, ANSWER, f"{spool} is sent")
        except Hang as error:
            self._outcome.hangs.append(f"at the end: {error}")
        finally:
            link.close()


def table(numbers: Mapping[str, Any]) -> list[str]:
    """The outcome as lines for a person."""
    lines = [f"{'kind':18s} {'times':>5s} {'recovery p50':>13s} {'max':>8s}"]
    for kind, times in numbers["kinds"].items():
        found = numbers["recovery_s"].get(kind)
        seconds = f"{found['p50']:11.2f} s {found['max']:6.2f} s" if found else ""
        lines.append(f"{kind:18s} {times:5d} {seconds}")
    lines.append("")
    return [*lines, *(f"{k:18s} {v}" for k, v in numbers.items() if not isinstance(v, dict))]


def _quantile(histogram: Any, share: float) -> float:
    """Upper end of the bucket in which the quantile lies [s]."""
    total = histogram.sum()
    if not total:
        return 0.0
    return float(2.0 ** int(np.searchsorted(np.cumsum(histogram), share * total)) / 1e9)

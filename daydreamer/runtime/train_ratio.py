"""How much is learned from how much is lived: the balance of replayed and collected steps, both ways."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class TrainRatio:
    """Pure arithmetic; the learner asks it before each update and after each batch of rows.

    Life of a run: ``prefill`` rows are collected; ``pretrain`` updates are made, with no further rows; from then
    on each collected row pays for ``ratio`` replayed steps. The collector may be ``slack`` rows ahead of what the
    updates so far call for, so that neither side stands still while the other works.

    A run that goes on with another ratio owes nothing for its past, and has nothing to its credit: the new one counts
    from there on.

    Attributes:
        ratio: Replayed steps per collected step.
        per_update: Steps that one update replays, B x T.
        prefill: Rows before the first update.
        pretrain: Updates between prefill and steady state.
        slack: Rows.
        since: Rows and replayed steps from which ``ratio`` counts; None: from the end of pretraining.
    """

    ratio: float
    per_update: int
    prefill: int
    pretrain: int
    slack: int = 40
    since: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not (self.ratio > 0 and self.per_update > 0):
            raise ValueError(f"ratio and per_update are positive, got {self.ratio} and {self.per_update}")
        if self.slack * self.ratio < self.per_update:
            least = math.ceil(self.per_update / self.ratio)
            raise ValueError(
                f"slack is {self.slack} rows, but one update needs {least}: both sides would wait for ever"
            )

    def may_train(self, rows: int, sampled: int) -> bool:
        """True when ``rows`` collected so far pay for one more update on top of ``sampled`` replayed steps."""
        first, replayed = self._start
        if rows < first:
            return False
        return sampled + self.per_update <= replayed + self.ratio * (rows - first) + 1e-9

    def rows_wanted(self, sampled: int) -> int:
        """Rows in total that the collector may have delivered when ``sampled`` steps have been replayed."""
        first, replayed = self._start
        beyond = sampled - replayed
        if beyond < 0:
            return first
        return first + math.ceil(beyond / self.ratio) + self.slack

    def achieved(self, rows: int, sampled: int) -> float:
        """Replayed steps per collected step in the life of the run, as if it had always had this balance."""
        if self.since:
            first, replayed = self.since
            sampled += round(self.pretrain * self.per_update + self.ratio * (first - self.prefill)) - replayed
        return sampled / max(rows, 1)

    def after(self, before: Mapping[str, Any] | None, rows: int, sampled: int) -> TrainRatio:
        """This balance in a run that kept another one, ``before`` as plain data, until ``rows`` and ``sampled``.

        The same one goes on; so does one of which nothing is known. None changes before pretraining has ended.
        """
        if before is None or sampled < self.pretrain * self.per_update or rows < self.prefill:
            return self
        if all(
            before[name] == getattr(self, name) for name in ("ratio", "per_update", "prefill", "pretrain")
        ):
            since = before["since"]
            return replace(self, since=tuple(since) if since else None)
        return replace(self, since=(rows, sampled))

    @property
    def _start(self) -> tuple[int, int]:
        return self.since or (self.prefill, self.pretrain * self.per_update)

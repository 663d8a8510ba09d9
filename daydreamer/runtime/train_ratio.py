"""How much is learned from how much is lived: the balance of replayed and collected steps, both ways."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainRatio:
    """Pure arithmetic; the learner asks it before each update and after each batch of rows.

    Life of a run: ``prefill`` rows are collected; ``pretrain`` updates are made, with no further rows; from then
    on each collected row pays for ``ratio`` replayed steps. The collector may be ``slack`` rows ahead of what the
    updates so far call for, so that neither side stands still while the other works.

    Attributes:
        ratio: Replayed steps per collected step.
        per_update: Steps that one update replays, B x T.
        prefill: Rows before the first update.
        pretrain: Updates between prefill and steady state.
        slack: Rows.
    """

    ratio: float
    per_update: int
    prefill: int
    pretrain: int
    slack: int = 40

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
        if rows < self.prefill:
            return False
        allowed = self.pretrain * self.per_update + self.ratio * (rows - self.prefill)
        return sampled + self.per_update <= allowed + 1e-9

    def rows_wanted(self, sampled: int) -> int:
        """Rows in total that the collector may have delivered when ``sampled`` steps have been replayed."""
        beyond = sampled - self.pretrain * self.per_update
        if beyond < 0:
            return self.prefill
        return self.prefill + math.ceil(beyond / self.ratio) + self.slack

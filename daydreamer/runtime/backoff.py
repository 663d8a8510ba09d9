"""How long to wait before a process that died is started again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Backoff:
    """1 s after the first death, twice as long after each further one, and forgiven by a long enough life.

    Attributes:
        first: s.
        longest: s.
        long_life: A life of this many seconds clears the record.
        patience: So many deaths in a row, none after a long life, and there is no point in going on.
    """

    first: float = 1.0
    longest: float = 30.0
    long_life: float = 60.0
    patience: float = 8
    deaths: int = field(default=0, init=False)

    def died(self, lived: float) -> float | None:
        """Seconds to wait after a life of ``lived`` seconds; None when it is time to give up."""
        self.deaths = 1 if lived >= self.long_life else self.deaths + 1
        if self.deaths > self.patience:
            return None
        wait: float = min(self.longest, self.first * 2.0 ** min(self.deaths - 1, 60))
        return wait

"""Where chunks start: uniformly over all rows, and a share of them among the newest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from daydreamer.core.errors import CheckpointError
from daydreamer.replay.errors import ReplayEmpty
from daydreamer.replay.index import Index, Ints


class Sampler:
    """Draws the starts of chunks. The same state and the same rows give the same starts."""

    def __init__(self, seed: int):
        self._rng = np.random.Generator(np.random.PCG64(seed))

    def starts(self, index: Index, batch: int, length: int, recent: float, window: int) -> Ints:
        """Places [batch] at which chunks of ``length`` rows start.

        Every start that leaves room for a chunk is equally likely; a share ``recent`` of the batch is drawn
        from those among the newest ``window`` rows (rounded at random, so that it holds on average).

        Raises:
            ReplayEmpty: there are fewer than ``length`` rows.
        """
        possible = len(index) - length + 1
        if possible < 1:
            raise ReplayEmpty(
                f"a chunk needs {length} rows, replay holds {len(index)}: wait until len(replay) >= {length}"
            )
        starts: Ints = self._rng.integers(0, possible, batch)
        chosen = int(batch * recent + self._rng.random())
        if chosen:
            starts[:chosen] = self._newest(index, chosen, possible, window)
        return starts

    def _newest(self, index: Index, count: int, possible: int, window: int) -> Ints:
        begins, ends = index.newest(window)
        sizes = np.clip(np.minimum(ends, possible) - begins, 0, None)
        if not sizes.sum():  # the window is shorter than a chunk: the newest chunk it is
            return np.full(count, possible - 1)
        through = np.cumsum(sizes)
        drawn = self._rng.integers(0, through[-1], count)
        which = np.searchsorted(through, drawn, side="right")
        starts: Ints = begins[which] + drawn - (through - sizes)[which]
        return starts

    def state(self) -> dict[str, Any]:
        """The random state, as plain data that JSON keeps."""
        return {**self._rng.bit_generator.state}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """The inverse of ``state``. Raises CheckpointError when it is none."""
        try:
            self._rng.bit_generator.state = dict(state)
        except (ValueError, TypeError, KeyError) as error:
            raise CheckpointError(f"not a sampler's random state: {state!r:.200} ({error})") from error

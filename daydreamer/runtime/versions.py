"""The numbers of policies, as rows tell them."""

from __future__ import annotations

from daydreamer.replay import Replay

_ROWS_AT_ONCE = 10_000


def highest(replay: Replay) -> int:
    """The highest in the rows: of a run that did not note what it published, or of rows that were imported."""
    parts = range(0, len(replay), _ROWS_AT_ONCE)
    versions = (replay.read(i, i + _ROWS_AT_ONCE, keys=["policy_version"]) for i in parts)
    return max((int(part["policy_version"].max()) for part in versions), default=-1)

"""What can go wrong with a replay directory, besides a damaged file (Corrupt) or other specs (SpecMismatch)."""

from __future__ import annotations

from daydreamer.core.errors import DaydreamerError


class ReplayGap(DaydreamerError):
    """Rows came that do not follow the last stored row of their stream: some in between are missing."""


class ReplayEmpty(DaydreamerError):
    """There are fewer rows than one chunk needs."""


class ReplayLocked(DaydreamerError):
    """Another process uses the directory."""

"""The numbers of policies, as rows tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.errors import SpecMismatch
from daydreamer.replay import Replay

LARGEST = 2**53  # in a row: beyond it a float cannot tell a number from the next one
COUNTED = 2**52  # of rows that are here: far enough below, so that the numbers given after it are not refused
_ROWS_AT_ONCE = 10_000


def check(columns: Mapping[str, NDArray[Any]]) -> None:
    """Raise SpecMismatch for rows that name a policy which nobody can have published."""
    versions = columns.get("policy_version", np.empty(0))
    if (versions > LARGEST).any():
        raise SpecMismatch(
            f"policy_version is a policy's number, at most {LARGEST}, got {int(versions.max())}"
        )


def highest(replay: Replay) -> int:
    """The highest in the rows: of a run that did not note what it published, or of rows that were imported.

    One that no run can have reached does not count: no number would be left for the policies to come.
    """
    parts = range(0, len(replay), _ROWS_AT_ONCE)
    versions = (replay.read(i, i + _ROWS_AT_ONCE, keys=["policy_version"])["policy_version"] for i in parts)
    return max((int(part[part <= COUNTED].max(initial=-1)) for part in versions), default=-1)

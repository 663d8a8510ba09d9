"""How tests wait for what another thread or process does: patiently, and with words when it does not come.

The time bounds how late a failure is told, not how fast a computer has to be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

_T = TypeVar("_T")

PATIENCE = 60.0  # s; only a failing test waits so long


def until(
    condition: Callable[[], _T],
    what: str | Callable[[], object] = "",
    within: float = PATIENCE,
    meanwhile: Callable[[], object] = lambda: time.sleep(0.01),
) -> _T:
    """Wait until ``condition`` holds; its value.

    Args:
        condition: Asked again and again; what it says holds when it is true.
        what: Is waited for, in words, or what finds them when it did not come; what failed is shown with them.
        within: Seconds; the test fails after that.
        meanwhile: Is called between two times of asking.
    """
    __tracebackhide__ = True  # the line of the test is what is shown
    deadline = time.monotonic() + within
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within:g} s: {what() if callable(what) else what}")
        meanwhile()
    return found


def is_alive(pid: int) -> bool:
    """Whether that process runs. A zombie does not: where nobody takes in orphans it may be one for ever."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False

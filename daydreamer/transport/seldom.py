"""Warnings that a peer can provoke at will, written at most once in a while and counted in between."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


class Seldom:
    """A logger's ``warning`` that writes at most one line per ``interval`` [s] for each text."""

    def __init__(
        self, logger: logging.Logger, interval: float = 5.0, clock: Callable[[], float] = time.monotonic
    ):
        self._logger = logger
        self._interval = interval
        self._clock = clock
        self._state: dict[str, tuple[float, int]] = {}  # text -> when it may be written again, left out since

    def warning(self, text: str, *args: object) -> None:
        """Log ``text % args``, unless the same ``text`` was logged less than ``interval`` ago."""
        now = self._clock()
        again, left_out = self._state.get(text, (now, 0))
        if now < again:
            self._state[text] = (again, left_out + 1)
            return
        self._state[text] = (now + self._interval, 0)
        if left_out:
            self._logger.warning(text + " (and %d more like it)", *args, left_out)
        else:
            self._logger.warning(text, *args)

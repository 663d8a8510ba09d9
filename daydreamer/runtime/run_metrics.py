"""The newest metrics of a run, read in a thread of its own: a disk that hangs, or a long file, holds nobody else up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Protocol

from daydreamer.monitor.record import Record, renewed
from daydreamer.transport.seldom import Seldom

_log = logging.getLogger(__name__)

_EVERY = 1.0  # s between two looks


class Source(Protocol):
    """What is used of a ``Tail``."""

    def read(self) -> Iterable[Record]:
        """The new records. Raises OSError."""
        ...


class RunMetrics:
    """Follows ``source``, which nobody else reads. Any thread may look at ``newest``; it is replaced, never changed."""

    def __init__(self, source: Source):
        self._source = source
        self.newest: Mapping[str, float] = {}
        self._seldom = Seldom(_log)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="run metrics", daemon=True)

    def start(self) -> None:
        """Follow from now on."""
        self._thread.start()

    def close(self) -> None:
        """Follow no more; does not wait for the thread, which may hang. Idempotent."""
        self._closing.set()

    def look(self) -> None:
        """Take what is new. Raises OSError."""
        newest = self.newest
        for record in self._source.read():
            newest = renewed(newest, record.metrics)
        self.newest = newest

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.look()
            except Exception as error:  # whatever it is, the robot's own topics go on, and so do we
                self._seldom.warning("the run's metrics cannot be read now: %r", error)
            self._closing.wait(_EVERY)

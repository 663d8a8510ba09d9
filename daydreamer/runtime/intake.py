"""The learner's other thread: rows from the link, onto the disk, acknowledged."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from daydreamer.core.errors import DaydreamerError
from daydreamer.replay import Replay
from daydreamer.runtime.recent_rows import RecentRows
from daydreamer.transport.link import LearnerEnd, Rows

_log = logging.getLogger(__name__)
_LISTEN = 0.05  # s; heartbeats are answered while receiving
_DISK_PATIENCE = 1.0  # s between attempts when the disk refuses


class Listener(Protocol):
    """Is told about actors that come and go."""

    def __call__(self, event: str, **fields: object) -> None:
        """Take note of ``event``."""
        ...


class Intake:
    """Receives, stores, acknowledges, in this order: what is acknowledged is durable.

    Args:
        link: Received from by this thread only.
        replay: Appended to by this thread only.
        recent: Kept up to date with what arrives.
        listener: Told when an actor connects or is lost.
    """

    def __init__(self, link: LearnerEnd, replay: Replay, recent: RecentRows, listener: Listener):
        self._link, self._replay, self._recent, self._listener = link, replay, recent, listener
        self._news = threading.Condition()
        self._collected = replay.collected
        self._ending = threading.Event()
        self._failure: BaseException | None = None
        self._connected: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    @property
    def collected(self) -> int:
        """Durable rows in the life of the run."""
        return self._collected

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def wait(self, timeout: float) -> None:
        """Return when rows have come, or after ``timeout`` [s]."""
        with self._news:
            self._news.wait(timeout)

    def means(self) -> dict[str, float]:
        """Metrics of the last thousand control steps."""
        with self._news:
            return self._recent.means()

    def check(self) -> None:
        """Raise what ended the thread, if something did."""
        if self._failure is not None:
            raise RuntimeError(f"the learner can no longer receive: {self._failure}") from self._failure

    def close(self) -> None:
        """End the thread. Idempotent."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def step(self) -> None:
        """Receive once, and deal with what came."""
        for rows in self._link.receive(_LISTEN):
            self._take(rows)
        self._watch_actors()

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self.step()
        except BaseException as error:
            self._failure = error
            _log.exception("receiving has ended")
            with self._news:
                self._news.notify_all()

    def _take(self, rows: Rows) -> None:
        added = self._store(rows)
        if added is None:
            return
        self._link.acknowledge(rows.stream, self._replay.next_seq(rows.stream))
        if added:
            new = {key: rows.columns[key][-added:] for key in self._recent.keys}
            with self._news:
                self._recent.add(new)
                self._collected += added
                self._news.notify_all()

    def _store(self, rows: Rows) -> int | None:
        """How many were new; None when they are not acknowledged, so that the actor keeps them."""
        before = self._replay.next_seq(rows.stream)
        while not self._ending.is_set():
            try:
                self._replay.append(rows.columns, rows.stream, rows.first_seq)
                # Not what ``append`` returns: an attempt before it may have stored a part.
                return self._replay.next_seq(rows.stream) - before
            except DaydreamerError as error:
                _log.error("rows of actor '%s' are refused: %s", rows.actor, error)
                self._listener("rows refused", actor=rows.actor, stream=rows.stream, error=str(error))
                return None
            except OSError as error:
                _log.error("rows cannot be stored, trying again: %s", error)
                self._ending.wait(_DISK_PATIENCE)
        return None

    def _watch_actors(self) -> None:
        connected = {name for name, status in self._link.actors().items() if status.connected}
        for name in connected - self._connected:
            self._listener("actor connected", actor=name)
        for name in self._connected - connected:
            self._listener("actor lost", actor=name)
        self._connected = connected

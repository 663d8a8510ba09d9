"""The learner's other thread: rows from the link, onto the disk, acknowledged."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Protocol

import numpy as np

from daydreamer.core.errors import DaydreamerError
from daydreamer.replay import Replay
from daydreamer.runtime import versions
from daydreamer.runtime.recent_rows import RecentRows
from daydreamer.transport.link import LearnerEnd, Rows
from robots.clock import Clock, MonotonicClock

_log = logging.getLogger(__name__)
_LISTEN = 0.05  # s; heartbeats are answered while receiving
COMMIT_EVERY = 0.02  # s between two commits, at least: each waits for the disk once per stream
_DISK_PATIENCE = 1.0  # s between attempts when the disk refuses
_HANGS = 5.0  # s that one turn of the thread may take; a disk or its server that hangs does not say so


class Listener(Protocol):
    """Is told about actors that come and go."""

    def __call__(self, event: str, **fields: object) -> None:
        """Take note of ``event``."""
        ...


class Intake:
    """Receives, stores, acknowledges, in this order: what is acknowledged is durable.

    Rows that come within ``COMMIT_EVERY`` of the last commit wait and are committed together, so that the
    disk is waited for at most fifty times a second for each stream, however many rows come. While the disk
    refuses, rows wait here (no more than the window that the link leaves each stream) and actors are listened
    to all the same.

    Args:
        link: Received from by this thread only.
        replay: Appended to by this thread only.
        recent: Kept up to date with what arrives.
        listener: Told when an actor connects or is lost, and when the disk is full.
        clock: Times the commits.
    """

    def __init__(
        self,
        link: LearnerEnd,
        replay: Replay,
        recent: RecentRows,
        listener: Listener,
        clock: Clock | None = None,
    ):
        self._link, self._replay, self._recent, self._listener = link, replay, recent, listener
        self._clock = clock or MonotonicClock()
        self._waiting: dict[str, list[Rows]] = {}  # by stream, in order
        self._commit_at = -float("inf")
        self._refusals: dict[str, str] = {}  # by stream, as last told
        self.disk_refuses = False
        self._turn = self._clock.now()  # when the thread's last one began
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
        self._turn = self._clock.now()
        self._thread.start()

    def wait(self, timeout: float) -> None:
        """Return when rows have come, or after ``timeout`` [s]."""
        with self._news:
            self._news.wait(timeout)

    def means(self) -> dict[str, float]:
        """Metrics of the last thousand control steps, and whether the disk takes what comes."""
        refuses = self.disk_refuses or self._clock.now() - self._turn > _HANGS
        with self._news:
            return self._recent.means() | {"replay/refused_by_disk": float(refuses)}

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
        self._turn = self._clock.now()
        patience = self._commit_at - self._clock.now() if self._waiting else _LISTEN
        for rows in self._link.receive(min(_LISTEN, max(0.0, patience))):
            self._put(rows)
        if self._waiting and self._clock.now() >= self._commit_at:
            self._commit()
        self._watch_actors()

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self.step()
            self._commit()
        except BaseException as error:
            self._failure = error
            _log.exception("receiving has ended")
            with self._news:
                self._news.notify_all()

    def _put(self, rows: Rows) -> None:
        """Let ``rows`` wait for the next commit; those that wait already are not needed twice."""
        waiting = self._waiting.setdefault(rows.stream, [])
        if not waiting or rows.next_seq > waiting[-1].next_seq:
            waiting.append(rows)

    def _commit(self) -> None:
        """Make all that waits durable, one wait for the disk per stream, and acknowledge it."""
        refused = None
        for stream in list(self._waiting):
            try:
                self._take(stream)
            except OSError as error:
                refused = error
        self._say_of_the_disk(refused)
        self._commit_at = self._clock.now() + (COMMIT_EVERY if refused is None else _DISK_PATIENCE)

    def _take(self, stream: str) -> None:
        """Store what waits of ``stream``. Raises OSError when the disk refuses, and then the rest still waits."""
        waiting = self._waiting[stream]
        while waiting:
            rows = _joined(waiting)
            before = max(self._replay.next_seq(stream), rows.first_seq)
            try:
                versions.check(rows.columns)
                self._replay.append(rows.columns, stream, rows.first_seq, rows.after_gap)
            except DaydreamerError as error:
                del self._waiting[stream]
                self._refuse(rows, str(error))
                return
            finally:
                # Not what ``append`` returns: one that fails may have stored a part.
                self._stored(rows, self._replay.next_seq(stream) - before)
            del waiting[: _run_length(waiting)]
        del self._waiting[stream]
        self._refusals.pop(stream, None)

    def _stored(self, rows: Rows, added: int) -> None:
        """Tell the actor how far its stream is durable now, and the main loop what is new."""
        next_seq = self._replay.next_seq(rows.stream)
        if next_seq > rows.first_seq:
            self._link.acknowledge(rows.stream, next_seq)
        with self._news:  # not the sum of what comes: rows behind a hole come again, and count once
            self._collected = self._replay.collected
        if added <= 0:
            return
        end = len(rows) - max(0, rows.next_seq - next_seq)
        new = {key: rows.columns[key][end - added : end] for key in self._recent.keys}
        with self._news:
            self._recent.add(new)
            self._news.notify_all()

    def _refuse(self, rows: Rows, reason: str) -> None:
        """Rows that fit neither spec nor order: their actor is told, keeps them, and begins again with a hello."""
        self._link.refuse(rows.stream, reason)
        if self._refusals.get(rows.stream) != reason:
            self._refusals[rows.stream] = reason
            _log.error("rows of actor '%s' are refused: %s", rows.actor, reason)
            self._listener("rows refused", actor=rows.actor, stream=rows.stream, error=reason)

    def _say_of_the_disk(self, refused: OSError | None) -> None:
        if refused is not None and not self.disk_refuses:
            _log.error(
                "the disk takes no rows (%s): nothing is acknowledged, actors keep what they have, and learning "
                "goes on from what is stored. Make room; it is tried again every second",
                refused,
            )
            self._listener("disk full", error=str(refused))
        if refused is None and self.disk_refuses:
            _log.warning("the disk takes rows again")
            self._listener("disk takes rows again")
        self.disk_refuses = refused is not None

    def _watch_actors(self) -> None:
        connected = {name for name, status in self._link.actors().items() if status.connected}
        for name in connected - self._connected:
            self._listener("actor connected", actor=name)
        for name in self._connected - connected:
            self._listener("actor lost", actor=name)
        self._connected = connected


def _run_length(waiting: list[Rows]) -> int:
    """How many from the first on follow one another without overlap or gap."""
    count = 1
    while (
        count < len(waiting)
        and waiting[count].first_seq == waiting[count - 1].next_seq
        and not waiting[count].after_gap
    ):
        count += 1
    return count


def _joined(waiting: list[Rows]) -> Rows:
    """The first of ``waiting`` and those that follow it without overlap or gap, as one."""
    parts = waiting[: _run_length(waiting)]
    if len(parts) == 1:
        return parts[0]
    columns = {key: np.concatenate([part.columns[key] for part in parts]) for key in parts[0].columns}
    return replace(parts[0], columns=columns)

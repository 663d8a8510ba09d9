"""What an actor has really produced, written where nothing that is tested can lose it.

A journal is one life of an actor: a file that is mapped into memory, so that each row is in it before the
control loop goes on, whatever kills the process, and however full the disks are. The process that looks for
faults reads it at any time.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.transition import Row
from daydreamer.transport.link import ActorEnd, LinkStatus, PolicyMessage, SpoolFull

_HEAD = 4096  # bytes
_STATE = struct.Struct(
    "<QQQQQQ"
)  # sent, acked, longest call [ns], the same with waits for a core, calls, held
_BUCKETS = 40  # of the durations of calls, by powers of 2 of a nanosecond
_T = TypeVar("_T")


class Journal:
    """One life: the ``time`` of every row that the link took, and a few numbers.

    Args:
        path: The file; its name is the stream's.
        rows: As many rows as it has room for; None opens one that exists.
    """

    def __init__(self, path: Path, rows: int | None = None):
        self.path, self.stream = path, path.stem
        if rows is not None:
            beside = path.with_suffix(".partial")
            with open(beside, "wb") as file:
                file.truncate(_HEAD + 8 * rows)
            beside.rename(path)  # others look for journals: there is none that is half made
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._times = np.frombuffer(self._map, np.float64, offset=_HEAD)
        self._histogram = np.frombuffer(self._map, np.uint64, _BUCKETS, offset=_STATE.size)

    @property
    def sent(self) -> int:
        """Rows that the link took."""
        return int(_STATE.unpack_from(self._map)[0])

    @property
    def acked(self) -> int:
        """Of these, as many as the actor knew to be durable at a learner."""
        return int(_STATE.unpack_from(self._map)[1])

    @property
    def wait_max(self) -> float:
        """The longest time [s] a call of the control loop into the link took, without waits for a core."""
        return float(_STATE.unpack_from(self._map)[2] / 1e9)

    @property
    def wall_max(self) -> float:
        """The same with the waits for a core that another process had."""
        return float(_STATE.unpack_from(self._map)[3] / 1e9)

    @property
    def held(self) -> int:
        """How often the link had no room for a row."""
        return int(_STATE.unpack_from(self._map)[5])

    @property
    def histogram(self) -> NDArray[np.uint64]:
        """``[40]`` calls by duration without waits for a core: bucket i holds those under 2^i ns."""
        return self._histogram.copy()

    def times(self) -> NDArray[np.float64]:
        """``[N]`` times of the rows that the link took; row i has number i in its stream."""
        return self._times[: self.sent].copy()

    def add(self, time_of_row: float) -> None:
        """One more row."""
        sent = self.sent
        self._times[sent] = time_of_row
        struct.pack_into("<Q", self._map, 0, sent + 1)

    def set_acked(self, acked: int) -> None:
        """So many are durable."""
        struct.pack_into("<Q", self._map, 8, acked)

    def called(self, nanoseconds: int, wall: int) -> None:
        """The control loop was in the link for so long."""
        sent, acked, longest, longest_wall, calls, held = _STATE.unpack_from(self._map)
        _STATE.pack_into(
            self._map, 0, sent, acked, max(longest, nanoseconds), max(longest_wall, wall), calls + 1, held
        )
        self._histogram[min(_BUCKETS - 1, nanoseconds.bit_length())] += 1

    def refused_one(self) -> None:
        """The link had no room."""
        struct.pack_into("<Q", self._map, 40, _STATE.unpack_from(self._map)[5] + 1)


class JournalledLink:
    """A link that writes down what it is given and how long that took. See ``link.ActorEnd``.

    Args:
        link: Does the work.
        directory: Gets the journal.
        rows: Room in the journal.
    """

    def __init__(self, link: ActorEnd, directory: Path, rows: int):
        self._link = link
        self._journal = Journal(directory / f"{link.stream}.journal", rows)
        self._continued = False
        self._schedstat = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        signal.signal(signal.SIGCONT, self._note_stop)

    @property
    def stream(self) -> str:
        """The name under which rows go up."""
        return self._link.stream

    def start(self) -> None:
        """Begin to connect."""
        self._link.start()

    def send(self, row: Row) -> int:
        """Hand over one row."""
        try:
            number = self._timed(lambda: self._link.send(row))
        except SpoolFull:
            self._journal.refused_one()
            raise
        self._journal.add(float(row["time"]))
        return number

    def policy(self) -> PolicyMessage | None:
        """The newest policy, once."""
        return self._timed(self._link.policy)

    def credit(self) -> int:
        """Rows the learner still wants."""
        return self._link.credit()

    def report(self, metrics: Mapping[str, float]) -> None:
        """Tell the learner numbers."""
        self._timed(lambda: self._link.report(metrics))

    def status(self) -> LinkStatus:
        """How things stand."""
        status = self._timed(self._link.status)
        self._journal.set_acked(status.acked)
        return status

    def close(self, timeout: float = 2.0) -> None:
        """Send what is left."""
        self._link.close(timeout)
        self._journal.set_acked(self._link.status().acked)

    def _timed(self, call: Callable[[], _T]) -> _T:
        self._continued = False
        queued, begun = self._queued(), time.perf_counter_ns()
        try:
            return call()
        finally:
            wall = time.perf_counter_ns() - begun
            queued = self._queued() - queued
            if not self._continued:  # a process that was stopped did not wait for the link
                self._journal.called(max(0, wall - queued), wall)

    def _queued(self) -> int:
        """Nanoseconds this thread was ready to run while others had the cores."""
        return int(os.pread(self._schedstat, 64, 0).split()[1])

    def _note_stop(self, *_: Any) -> None:
        self._continued = True


class ShiftedClocks:
    """A wall clock and a monotonic clock that another process sets: eight bytes each in a mapped file."""

    def __init__(self, path: Path, create: bool = False):
        if create:
            path.write_bytes(bytes(16))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def shift(self, wall: float, monotonic: float) -> None:
        """From now on the clocks are so far [s] ahead of the computer's, in all."""
        struct.pack_into("<dd", self._map, 0, wall, monotonic)

    @property
    def shifted(self) -> tuple[float, float]:
        """How far ahead of the computer's clocks these are: wall, monotonic [s]."""
        wall, monotonic = struct.unpack_from("<dd", self._map)
        return wall, monotonic

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time() + float(struct.unpack_from("<d", self._map, 0)[0])

    def monotonic(self) -> float:
        """Monotonic seconds, as long as the shift only grows."""
        return time.monotonic() + float(struct.unpack_from("<d", self._map, 8)[0])

"""The replay directory: one process at a time, numbered segment files, and how far each stream has come.

lock                who uses the directory
streams.json        what was dropped: {streams: {stream: next seq}, rows: dropped so far, through: segment number}
00000012.rows       a segment; numbers only go up
00000007.rows.bad   a segment whose header could not be read, set aside for a person to look at
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from daydreamer.core.atomic_file import sync_directory, write_atomically
from daydreamer.core.errors import Corrupt
from daydreamer.replay.errors import ReplayLocked
from daydreamer.replay.layout import Layout
from daydreamer.replay.segment import Segment

logger = logging.getLogger(__name__)

NUMBER = "[0-9]" * 8


def number_of(path: Path) -> int:
    """The number of a segment file, which is its place in the storage order."""
    return int(path.name.split(".")[0])


@dataclass(frozen=True)
class _Dropped:
    streams: dict[str, int]
    rows: int
    through: int  # the number of the newest segment that was dropped


@contextmanager
def at_rest(path: Path) -> Iterator[None]:
    """While entered, nobody else writes to the replay in ``path``. Nothing is written there: it may be an archive.

    Raises:
        ReplayLocked: Another process has it.
    """
    lock = path / "lock"
    if not lock.exists():
        yield
        return
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _locked(path, file.read()) from error
        yield


def _locked(path: Path, owner: str) -> ReplayLocked:
    return ReplayLocked(
        f"replay {path} is in use by process {owner.strip() or 'unknown'}: stop that job, or choose another directory"
    )


class Directory:
    """Holds the lock from construction to ``close``; the kernel frees it when the process dies."""

    def __init__(self, path: Path):
        """Create ``path`` if need be, and lock it. Raises ReplayLocked when another process has it."""
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        sync_directory(path.parent)
        self._lock = open(path / "lock", "a+")  # noqa: SIM115 (held open: the lock lives with it)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.seek(0)
            owner = self._lock.read()
            self._lock.close()
            raise _locked(path, owner) from error
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()
        for unfinished in path.glob("*.partial"):
            unfinished.unlink()
        numbers = [number_of(file) for file in path.glob(f"{NUMBER}.rows*")]
        self._next_number = max(numbers, default=0) + 1
        self._dropped = _Dropped({}, 0, 0)

    def new_path(self) -> Path:
        """Where the next segment goes."""
        if self._lock.closed:
            raise ValueError(f"replay {self.path} is closed")
        path = self.path / f"{self._next_number:08d}.rows"
        self._next_number += 1
        return path

    def load(self, layout: Layout) -> list[Segment]:
        """Every segment with good rows, in storage order, each recovered as far as can be.

        Raises:
            SpecMismatch: a segment holds rows of another spec.
            UnknownVersion: a segment was written by other software.
            Corrupt: two segments hold the same rows.
        """
        self._dropped = self._read_dropped()
        self._next_number = max(self._next_number, self._dropped.through + 1)  # if the newest were dropped
        segments: list[Segment] = []
        reached: dict[str, int] = {}
        for path in sorted(self.path.glob(f"{NUMBER}.rows")):
            if number_of(path) <= self._dropped.through:  # killed while it dropped this one
                path.unlink()
                continue
            try:
                parts = Segment.load(path, layout)
            except Corrupt as error:
                logger.error("%s; set aside as %s.bad, its rows are lost", error, path.name)
                os.replace(path, path.with_name(path.name + ".bad"))
                continue
            if not parts:  # killed before its first row was durable
                path.unlink()
            for segment in parts:
                if segment.first_seq < reached.get(segment.stream, 0) and not self._trim(segments, segment):
                    raise Corrupt(
                        f"{path} begins at row {segment.first_seq} of stream '{segment.stream}', but earlier files "
                        f"hold its rows up to {reached[segment.stream]}: was a file copied here? Move it away"
                    )
                reached[segment.stream] = segment.next_seq
            segments += parts
        sync_directory(self.path)
        if self._dropped.rows < 0:
            known = {**self._dropped.streams, **reached}
            lost = sum(known.values()) - sum(segment.count for segment in segments)
            self._dropped = replace(self._dropped, rows=lost)
        return segments

    @staticmethod
    def _trim(segments: list[Segment], segment: Segment) -> bool:
        """Take from the segments before ``segment`` what comes again in it; False when no failure explains that.

        A disk that refused rows, and then to take them back, has them at the end of a file that was never sealed. They
        were not acknowledged, and came again; a disk that does so twice has them in two files, in the second alone.
        So it is with what a power cut left behind a hole, see ``Segment.hole``.
        """
        again = [one for one in segments if one.stream == segment.stream and one.next_seq > segment.first_seq]
        if any(one.sealed for one in again):
            return False
        for one in again:
            logger.warning("%s ends with rows that came again in %s; those count", one.path, segment.path)
            one.end_at(segment.first_seq)
        return True

    def drop(self, segments: Sequence[Segment], next_seq: Mapping[str, int]) -> None:
        """Delete segments; what their streams have reached is written down first, so that it is never lost.

        After an OSError the same segments may be given again: their rows count once.
        """
        counted = self._dropped.through
        fresh = sum(segment.count for segment in segments if number_of(segment.path) > counted)
        rows = self._dropped.rows + fresh
        through = max(number_of(segment.path) for segment in segments)
        dropped = _Dropped(dict(next_seq), rows, through)
        write_atomically(self.path / "streams.json", json.dumps(asdict(dropped)).encode())
        self._dropped = dropped
        for segment in segments:
            segment.path.unlink(missing_ok=True)  # two parts of a damaged file share it
        sync_directory(self.path)

    @property
    def dropped_rows(self) -> int:
        """Rows that were stored here once and have been dropped."""
        return self._dropped.rows

    def streams(self) -> dict[str, int]:
        """``{stream: next seq}`` at the last ``drop``."""
        return dict(self._dropped.streams)

    def _read_dropped(self) -> _Dropped:
        """Raises Corrupt when the file is damaged."""
        path = self.path / "streams.json"
        if not path.exists():
            return _Dropped({}, 0, 0)
        try:
            said = json.loads(path.read_bytes())
            if "through" not in said:  # of an earlier version, which did not count the rows
                said = {"streams": said, "rows": -1, "through": 0}
            streams = {str(stream): int(seq) for stream, seq in said["streams"].items()}
            return _Dropped(streams, int(said["rows"]), int(said["through"]))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise Corrupt(
                f"{path}: expected what was dropped ({error!r}); without it rows may be stored twice. "
                "Restore it from a backup, or move the directory away"
            ) from error

    def close(self) -> None:
        """Free the lock. Idempotent."""
        self._lock.close()

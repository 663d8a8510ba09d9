"""A segment: one file of consecutive rows of one stream, growing at first, then sealed for ever.

The last record of a sealed file is its seal: how many rows stand before it, and the CRC-32 of all bytes before
it. It shows what the rows' own checksums cannot: that whole rows are missing at the end. A file without one
was growing when its process was killed.
"""

from __future__ import annotations

import json
import logging
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daydreamer.core.errors import Corrupt
from daydreamer.core.record_log import FRAME_SIZE, RecordWriter, Recovered, Run, records_start, settle, survey
from daydreamer.replay.layout import Layout, Rows

logger = logging.getLogger(__name__)

MAPPED_FROM = 4 << 20  # bytes; a mapping costs a file descriptor, so smaller files are held in memory


class Segment:
    """Rows ``first_seq .. first_seq + count`` of ``stream``.

    While it grows its rows are in memory as well, so that no mapping has to follow the file; a sealed
    segment is mapped, and the page cache decides what stays in memory. Rows below ``count`` never change:
    one thread may append while others read.

    Attributes:
        rows: ``[>= count]`` structured; only the first ``count`` are rows.
        count: durable rows.
        begun: rows of all streams that had been collected when it was created; what is old is told by that.
        sealed: the file says itself how many rows it has.
        hole: of a file without a seal, its first damaged row, None when there is none. A power cut in the middle of a
            commit may leave later rows of it and not earlier ones, and none of them was acknowledged.
    """

    def __init__(self, path: Path, stream: str, first_seq: int, rows: Rows, count: int, sealed: bool = False):
        self.path = path
        self.stream = stream
        self.first_seq = first_seq
        self.rows = rows
        self.count = count
        self.begun = 0
        self.sealed = sealed
        self.hole: int | None = None
        self._writer: RecordWriter | None = None

    @classmethod
    def create(
        cls, path: Path, layout: Layout, stream: str, first_seq: int, room: int, begun: int
    ) -> Segment:
        """A new file for at most ``room`` rows."""
        segment = cls(path, stream, first_seq, np.empty(room, layout.dtype), 0)
        segment.begun = begun
        segment._writer = RecordWriter(path, layout.header(stream, first_seq))
        return segment

    @classmethod
    def load(cls, path: Path, layout: Layout) -> list[Segment]:
        """An existing file, every row's checksum verified, a torn tail cut off. It does not grow again.

        Where rows in its middle are damaged it is as many segments as there are runs of good rows.

        Raises:
            Corrupt: the header cannot be read.
            SpecMismatch: the rows are of another spec.
        """
        found = survey(path, layout.row_bytes)
        stream, first_seq = layout.read_header(found.header, path)
        runs, seal = split_seal(found, layout.row_bytes, path)
        settle(path, found)  # not before: of another spec's rows, all behind a damaged one would look torn
        end = runs[-1].end if runs else 0
        if seal is not None and seal.rows > end:
            logger.error("%s: its last %d rows are gone", path, seal.rows - end)
        rows = _rows_of(path, found.header, layout.dtype, end)
        parts = [
            cls(path, stream, first_seq + run.first, rows[run.first : run.end], len(run.records), seal is not None)
            for run in runs
        ]  # fmt: skip
        if seal is None and found.damaged:
            for part in parts:
                part.hole = first_seq + found.damaged[0][0]
        return parts

    @property
    def next_seq(self) -> int:
        """The sequence number after the last row."""
        return self.first_seq + self.count

    @property
    def resume(self) -> int:
        """The row that its stream goes on with when this is the last segment of it: a hole may be filled yet."""
        return self.next_seq if self.hole is None else self.hole

    @property
    def room(self) -> int:
        """Rows that can still be appended."""
        return len(self.rows) - self.count if self._writer and not self._writer.closed else 0

    def append(self, rows: Rows) -> None:
        """Add at most ``room`` rows, durable on return.

        Raises:
            OSError: the disk refused; nothing was added.
        """
        assert self._writer is not None and len(rows) <= self.room
        size, data = rows.itemsize, memoryview(rows.tobytes())
        for start in range(0, len(data), size):
            self._writer.append(data[start : start + size])
        self._writer.sync()
        self.rows[self.count : self.count + len(rows)] = rows
        self.count += len(rows)

    def end_at(self, seq: int) -> int:
        """Forget the rows from ``seq`` on, which may be all, and tell how many; the file stays as it is."""
        before = self.count
        self.first_seq = min(self.first_seq, seq)
        self.count = min(before, seq - self.first_seq)
        return before - self.count

    def seal(self, layout: Layout) -> None:
        """Close the file and let go of the rows in memory. Idempotent."""
        if self._writer is None:
            return
        try:
            if not self._writer.closed:
                self._writer.append(seal_record(self.count, self._writer.crc, layout.row_bytes))
            self._writer.close()
        except (
            OSError
        ) as error:  # a full disk: the rows are durable, and a file without a seal is read as well
            logger.warning("%s could not be sealed: %s", self.path, error)
        self._writer = None
        header = layout.header(self.stream, self.first_seq)
        self.rows = _rows_of(self.path, header, layout.dtype, self.count)


@dataclass(frozen=True)
class Seal:
    """What the last record of a sealed file says."""

    rows: int
    crc32: int  # of all bytes before the seal


def seal_record(rows: int, crc32: int, row_bytes: int) -> bytes:
    """The last record of a file; its size is never that of a row."""
    record = json.dumps({"rows": rows, "crc32": crc32}).encode()
    return record + b" " if len(record) == row_bytes else record


def split_seal(found: Recovered, row_bytes: int, path: Path) -> tuple[list[Run], Seal | None]:
    """Runs of rows, and the seal that follows them, None when there is none. Raises Corrupt for other records."""
    runs, seal = list(found.runs), None
    if runs and len(runs[-1].records[-1]) != row_bytes:
        last = runs.pop()
        try:
            said = json.loads(last.records[-1])
            seal = Seal(int(said["rows"]), int(said["crc32"]))
        except (ValueError, TypeError, KeyError) as error:
            raise Corrupt(f"{path}: expected rows of {row_bytes} bytes each, found others") from error
        if len(last.records) > 1:
            runs.append(Run(last.first, last.records[:-1]))
    if any(len(record) != row_bytes for run in runs for record in run.records):
        raise Corrupt(f"{path}: expected rows of {row_bytes} bytes each, found others")
    return runs, seal


def _rows_of(path: Path, header: bytes, dtype: np.dtype[np.void], count: int) -> Rows:
    """The rows of a sealed file, read-only: the frames between them are stepped over by the stride."""
    if not count:
        return np.empty(0, dtype)
    stride = FRAME_SIZE + dtype.itemsize
    with open(path, "rb") as file:
        small = path.stat().st_size < MAPPED_FROM
        buffer = file.read() if small else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    rows: Rows = np.ndarray(count, dtype, buffer, records_start(header) + FRAME_SIZE, (stride,))
    return rows

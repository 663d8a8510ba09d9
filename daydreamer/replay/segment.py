"""A segment: one file of consecutive rows of one stream, growing at first, then sealed for ever."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from daydreamer.core.errors import Corrupt
from daydreamer.core.record_log import FRAME_SIZE, RecordWriter, records_start, recover
from daydreamer.replay.layout import Layout, Rows

MAPPED_FROM = 4 << 20  # bytes; a mapping costs a file descriptor, so smaller files are held in memory


class Segment:
    """Rows ``first_seq .. first_seq + count`` of ``stream``.

    While it grows its rows are in memory as well, so that no mapping has to follow the file; a sealed
    segment is mapped, and the page cache decides what stays in memory. Rows below ``count`` never change:
    one thread may append while others read.

    Attributes:
        rows: ``[>= count]`` structured; only the first ``count`` are rows.
        count: durable rows.
    """

    def __init__(self, path: Path, stream: str, first_seq: int, rows: Rows, count: int):
        self.path = path
        self.stream = stream
        self.first_seq = first_seq
        self.rows = rows
        self.count = count
        self._writer: RecordWriter | None = None

    @classmethod
    def create(cls, path: Path, layout: Layout, stream: str, first_seq: int, room: int) -> Segment:
        """A new file for at most ``room`` rows."""
        segment = cls(path, stream, first_seq, np.empty(room, layout.dtype), 0)
        segment._writer = RecordWriter(path, layout.header(stream, first_seq))
        return segment

    @classmethod
    def load(cls, path: Path, layout: Layout) -> Segment:
        """An existing file, every row's checksum verified, a torn tail cut off. It does not grow again.

        Raises:
            Corrupt: the header cannot be read.
            SpecMismatch: the rows are of another spec.
        """
        found = recover(path)
        stream, first_seq = layout.read_header(found.header, path)
        if any(len(record) != layout.row_bytes for record in found.records):
            raise Corrupt(f"{path}: expected rows of {layout.row_bytes} bytes each, found others")
        count = len(found.records)
        return cls(path, stream, first_seq, _rows_of(path, found.header, layout.dtype, count), count)

    @property
    def next_seq(self) -> int:
        """The sequence number after the last row."""
        return self.first_seq + self.count

    @property
    def room(self) -> int:
        """Rows that can still be appended."""
        return len(self.rows) - self.count if self._writer else 0

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

    def seal(self, layout: Layout) -> None:
        """Close the file and let go of the rows in memory. Idempotent."""
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        header = layout.header(self.stream, self.first_seq)
        self.rows = _rows_of(self.path, header, layout.dtype, self.count)


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

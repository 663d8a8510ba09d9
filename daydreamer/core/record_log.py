"""An append-only file of records that survives a kill, or a power cut, at any byte.

Layout, little-endian::

    magic (6 bytes) | version u16 | header record | record | record | ...
    record = length u32 | crc32 of payload u32 | payload

A file appears under its name with its header complete (written beside, then renamed), so a kill can only tear
the tail; ``recover`` cuts it off. A medium that fails can damage the middle: where all records have one size,
those behind the damage are found again, with the numbers that they had. Records are never empty: a tail of
zeros, which a power cut may leave, would otherwise read as a row of valid empty records.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from daydreamer.core.atomic_file import sync_directory, write_atomically
from daydreamer.core.errors import Corrupt, DaydreamerError

logger = logging.getLogger(__name__)

MAGIC = b"ddlog\n"
VERSION = 1
_PREAMBLE = struct.Struct("<6sH")  # magic, version
_FRAME = struct.Struct("<II")  # length, crc32
FRAME_SIZE = _FRAME.size


class UnknownVersion(DaydreamerError):
    """A record log of another version of the format: whole, but not for this software to read or repair."""


@dataclass(frozen=True)
class Run:
    """Good records that follow one another; the first of them is record ``first`` of the file."""

    first: int
    records: list[bytes]

    @property
    def end(self) -> int:
        """The number after the last record."""
        return self.first + len(self.records)


@dataclass(frozen=True)
class Recovered:
    """What a record log holds: its header and every good record."""

    header: bytes
    runs: list[Run]  # more than one where the middle is damaged
    valid_size: int  # bytes up to the end of the last good record; the length of the file after ``recover``
    size: int  # bytes found

    @property
    def records(self) -> list[bytes]:
        """The good records of all runs."""
        return [record for run in self.runs for record in run.records]

    @property
    def damaged(self) -> list[tuple[int, int]]:
        """Numbers ``(first, end)`` of damaged records that good ones follow."""
        ends = [0, *(run.end for run in self.runs)]
        return [(end, run.first) for end, run in zip(ends, self.runs, strict=False) if run.first > end]


class RecordWriter:
    """Appends records. One writer per file at a time; one thread at a time.

    ``append`` collects in memory; ``flush`` hands the records to the operating system (they survive a killed
    process); ``sync`` waits for the disk (they survive a power cut). When the disk refuses, the records since
    the last successful call are taken back, in memory and in the file, and the OSError is raised: the file
    never holds a torn record in its middle.
    """

    def __init__(self, path: Path | str, header: bytes, record_bytes: int | None = None):
        """Create ``path`` with ``header``, or reopen it (recovering it first) to append after its records.

        With ``record_bytes`` those behind damaged ones stay, see ``survey``; without it they are cut off.

        Raises:
            Corrupt: the existing file is no record log, or has another header.
        """
        self.path = Path(path)
        if self.path.exists():
            found = recover(self.path, record_bytes)
            if found.header != header:
                raise Corrupt(
                    f"{self.path}: expected the header {header[:200]!r}, found {found.header[:200]!r}"
                )
        else:
            write_atomically(self.path, _PREAMBLE.pack(MAGIC, VERSION) + _frame(header))
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 (held open on purpose)
        self._pending = bytearray()
        self._written = self._durable = os.path.getsize(self.path)
        self.crc = self._durable_crc = zlib.crc32(self.path.read_bytes())  # of all that is written

    @property
    def closed(self) -> bool:
        """Whether it takes no more records."""
        return self._file.closed

    @property
    def size(self) -> int:
        """Bytes of the file, records not yet flushed included."""
        return self._written + len(self._pending)

    def append(self, payload: bytes | memoryview) -> int:
        """Add one record; return the offset at which it starts. Not durable before ``sync``."""
        offset = self.size
        self._pending += _frame(payload)
        return offset

    def flush(self) -> None:
        """Hand every record to the operating system."""
        try:
            self._write()
        except BaseException:  # whatever interrupts, no torn record may stay
            self._take_back(self._written, self.crc)
            raise

    def sync(self) -> None:
        """Make every record durable: write, then fsync."""
        try:
            self._write()
            os.fsync(self._file.fileno())
        except BaseException:
            self._take_back(self._durable, self._durable_crc)
            raise
        self._durable, self._durable_crc = self._written, self.crc

    def close(self, durable: bool = True) -> None:
        """Sync (only flush when not ``durable``) and close. Idempotent."""
        if self._file.closed:
            return
        try:
            if durable:
                self.sync()
            else:
                self.flush()
        finally:
            self._file.close()

    def _write(self) -> None:
        left = memoryview(bytes(self._pending))
        while left:
            left = left[self._file.write(left) :]
        self._written += len(self._pending)
        self.crc = zlib.crc32(self._pending, self.crc)
        self._pending.clear()

    def _take_back(self, size: int, crc: int) -> None:
        """Forget all after ``size``; if even that fails, close, so that nothing follows a torn record."""
        self._pending.clear()
        try:
            self._file.truncate(size)
        except OSError:
            self._file.close()
            raise
        self._written, self.crc = size, crc


def survey(path: Path | str, record_bytes: int | None = None) -> Recovered:
    """Read ``path`` and say what is good in it; the file is left as it is.

    Args:
        path: The file.
        record_bytes: The size of every record but the last, when they have one: then good records behind
            damaged ones are found. Without it all ends at the first bad byte.

    Raises:
        Corrupt: not a record log, or an unreadable header.
        UnknownVersion: a record log that this software cannot read.
    """
    path = Path(path)
    data = path.read_bytes()
    header, position = _read_header(path, data)
    runs: list[Run] = []
    number, valid_size = 0, position
    while position < len(data):
        records = _records_at(data, position)
        if records:
            runs.append(Run(number, records))
            number += len(records)
            position += sum(FRAME_SIZE + len(record) for record in records)
            valid_size = position
        elif record_bytes is None:
            break
        else:
            number, position = number + 1, position + FRAME_SIZE + record_bytes
    return Recovered(header, runs, valid_size, len(data))


def recover(path: Path | str, record_bytes: int | None = None) -> Recovered:
    """``survey``, then cut off what lies behind the last good record; a warning says how much.

    All that is returned is durable, also when the writer was killed before its ``sync``.

    Raises:
        Corrupt: not a record log, or an unreadable header.
        UnknownVersion: a record log that this software cannot read.
    """
    found = survey(path, record_bytes)
    settle(path, found)
    return found


def settle(path: Path | str, found: Recovered) -> None:
    """Cut off what ``survey`` has found no good record in, as ``recover`` does, and make the rest durable."""
    for first, end in found.damaged:
        logger.error("%s: records %d to %d are damaged and lost; those behind are good", path, first, end - 1)
    if found.valid_size < found.size:
        logger.warning(
            "%s: torn after %d good records; the last %d bytes are cut off",
            path,
            len(found.records),
            found.size - found.valid_size,
        )
    with open(path, "r+b") as file:
        file.truncate(found.valid_size)
        os.fsync(file.fileno())  # a killed writer may not have waited for the disk
    sync_directory(Path(path).parent)


def header_of(path: Path | str) -> bytes:
    """What ``path`` says of its records, of which none is read.

    Raises:
        Corrupt: not a record log, or an unreadable header.
        UnknownVersion: a record log that this software cannot read.
    """
    path = Path(path)
    with path.open("rb") as file:
        data = file.read(records_start(b""))
        if len(data) == records_start(b""):
            length, _ = _FRAME.unpack_from(data, _PREAMBLE.size)
            data += file.read(min(length, path.stat().st_size))  # a damaged length may be anything
    return _read_header(path, data)[0]


def records_start(header: bytes) -> int:
    """Offset of the first record in a file with this header."""
    return _PREAMBLE.size + FRAME_SIZE + len(header)


def _frame(payload: bytes | memoryview) -> bytes:
    if not len(payload):
        raise ValueError("a record holds at least one byte, got none")
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _records_at(data: bytes, position: int) -> list[bytes]:
    """Good records from ``position`` on, one after the other."""
    records = []
    while (payload := _payload_at(data, position)) is not None:
        records.append(payload)
        position += FRAME_SIZE + len(payload)
    return records


def _payload_at(data: bytes, position: int) -> bytes | None:
    """The payload of the record at ``position``, or None when there is no whole and right one."""
    begin = position + FRAME_SIZE
    if begin > len(data):
        return None
    length, crc = _FRAME.unpack_from(data, position)
    payload = data[begin : begin + length]
    good = length > 0 and len(payload) == length and zlib.crc32(payload) == crc
    return payload if good else None


def _read_header(path: Path, data: bytes) -> tuple[bytes, int]:
    if len(data) < _PREAMBLE.size or not data.startswith(MAGIC):
        raise Corrupt(f"{path}: expected a record log beginning with {MAGIC!r}, found {data[:8]!r}")
    _, version = _PREAMBLE.unpack_from(data)
    if version != VERSION:
        raise UnknownVersion(
            f"{path}: record log of version {version}, this software reads version {VERSION}"
        )
    header = _payload_at(data, _PREAMBLE.size)
    if header is None:
        raise Corrupt(f"{path}: the header is torn; nothing after it can be trusted, move the file away")
    return header, records_start(header)

"""An append-only file of records that survives a kill, or a power cut, at any byte.

Layout, little-endian::

    magic (6 bytes) | version u16 | header record | record | record | ...
    record = length u32 | crc32 of payload u32 | payload

A file appears under its name with its header complete (written beside, then renamed), so only the tail can
be torn; ``recover`` cuts it off. Records are never empty: a tail of zeros, which a power cut may leave, would
otherwise read as a row of valid empty records.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections.abc import Iterator
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
class Recovered:
    """What a record log holds: its header and every record up to the first bad byte."""

    header: bytes
    records: list[bytes]
    valid_size: int  # bytes, header included; the file is exactly this long after ``recover``


class RecordWriter:
    """Appends records. One writer per file at a time; one thread at a time.

    ``append`` collects in memory; ``flush`` hands the records to the operating system (they survive a killed
    process); ``sync`` waits for the disk (they survive a power cut). When the disk refuses, the records since
    the last successful call are taken back, in memory and in the file, and the OSError is raised: the file
    never holds a torn record in its middle.
    """

    def __init__(self, path: Path | str, header: bytes):
        """Create ``path`` with ``header``, or reopen it (recovering it first) to append after its records.

        Raises:
            Corrupt: the existing file is no record log, or has another header.
        """
        self.path = Path(path)
        if self.path.exists():
            found = recover(self.path)
            if found.header != header:
                raise Corrupt(
                    f"{self.path}: expected the header {header[:200]!r}, found {found.header[:200]!r}"
                )
        else:
            write_atomically(self.path, _PREAMBLE.pack(MAGIC, VERSION) + _frame(header))
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 (held open on purpose)
        self._pending = bytearray()
        self._written = self._durable = os.path.getsize(self.path)

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
            self._take_back(self._written)
            raise

    def sync(self) -> None:
        """Make every record durable: write, then fsync."""
        try:
            self._write()
            os.fsync(self._file.fileno())
        except BaseException:
            self._take_back(self._durable)
            raise
        self._durable = self._written

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
        self._pending.clear()

    def _take_back(self, size: int) -> None:
        """Forget all after ``size``; if even that fails, close, so that nothing follows a torn record."""
        self._pending.clear()
        try:
            self._file.truncate(size)
        except OSError:
            self._file.close()
            raise
        self._written = size


def recover(path: Path | str) -> Recovered:
    """Read ``path`` up to its first bad record and cut off what follows, with a warning that says how much.

    All that is returned is durable, also when the writer was killed before its ``sync``.

    Raises:
        Corrupt: not a record log, or an unreadable header.
        UnknownVersion: a record log that this software cannot read.
    """
    path = Path(path)
    data = path.read_bytes()
    header, position = _read_header(path, data)
    records = []
    while (payload := _payload_at(data, position)) is not None:
        records.append(payload)
        position += FRAME_SIZE + len(payload)
    if position < len(data):
        logger.warning(
            "%s: torn after %d good records; the last %d bytes are cut off",
            path,
            len(records),
            len(data) - position,
        )
    _settle(path, position)
    return Recovered(header, records, position)


def read_records(path: Path | str) -> Iterator[bytes]:
    """Records of ``path`` up to the first bad one, which is logged; the file is left as it is.

    Raises:
        Corrupt: not a record log, or an unreadable header.
        UnknownVersion: a record log that this software cannot read.
    """
    path = Path(path)
    data = path.read_bytes()
    _, position = _read_header(path, data)
    while (payload := _payload_at(data, position)) is not None:
        yield payload
        position += FRAME_SIZE + len(payload)
    if position < len(data):
        logger.warning("%s: the last %d bytes hold no good record", path, len(data) - position)


def records_start(header: bytes) -> int:
    """Offset of the first record in a file with this header."""
    return _PREAMBLE.size + FRAME_SIZE + len(header)


def _frame(payload: bytes | memoryview) -> bytes:
    if not len(payload):
        raise ValueError("a record holds at least one byte, got none")
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


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


def _settle(path: Path, size: int) -> None:
    """Cut the file to ``size`` and make it durable: a killed writer may not have waited for the disk."""
    with open(path, "r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())
    sync_directory(path.parent)

"""Follow a metrics file while another process writes it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from daydreamer.monitor.record import Record

_log = logging.getLogger(__name__)
_BLOCK = 1 << 20  # bytes per read: memory stays bounded however long the file is
_LONGEST = 1 << 24  # bytes; a longer line is no record of ours


class Tail:
    """Reads the records that came since the last call.

    A file that is not there yet is an empty one. A last line without its newline waits until it has one. When
    the file is replaced (rotated) the rest of the old one is read first; when it is cut shorter, reading
    starts again at its beginning. Lines that are no records are skipped and counted.

    Args:
        path: The file.
        at: Byte to start at, the beginning of a line.
    """

    def __init__(self, path: Path | str, at: int = 0):
        self.path = Path(path)
        self.skipped = 0
        self._file: BinaryIO | None = None
        self._offset = at  # just after the last whole line that was read

    def read(self) -> Iterator[Record]:
        """The new records, oldest first. Ends when there are no more for now; never waits.

        Raises:
            OSError: The file cannot be read now. The next ``read`` opens it again and goes on where this one ended.
        """
        try:
            yield from self._read()
        except OSError:
            self._let_go()  # a handle that has become stale stays so
            raise

    def close(self) -> None:
        """Let the file go; the next ``read`` starts at the beginning of what is there then."""
        self._let_go()
        self._offset = 0

    def _read(self) -> Iterator[Record]:
        while True:
            if self._file is None and not self._open():
                return
            # Asked before reading: what is written to the old file after this answer is still read below.
            replaced = self._replaced()
            yield from self._records()
            if not replaced:
                return
            self.close()

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _open(self) -> bool:
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError:
            return False
        return True

    def _replaced(self) -> bool:
        """True when the path names another file than the open one; a path that is gone, for now, does not."""
        assert self._file is not None
        try:
            return not os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _records(self) -> Iterator[Record]:
        assert self._file is not None
        if os.fstat(self._file.fileno()).st_size < self._offset:
            _log.info("%s became shorter: reading it from its beginning", self.path)
            self._offset = 0
        rest = b""
        while self._file is not None:
            self._file.seek(self._offset + len(rest))
            block = self._file.read(_BLOCK)
            if not block:
                return
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self._offset += len(line) + 1
                yield from self._parse(line)
            if len(rest) > _LONGEST:
                self._offset += len(rest)
                self.skipped += 1
                rest = b""

    def _parse(self, line: bytes) -> Iterator[Record]:
        if not line.strip():
            return
        try:
            yield Record.from_line(line)
        except ValueError as error:
            self.skipped += 1
            _log.warning("%s: skipped a line: %s", self.path, error)

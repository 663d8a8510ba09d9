"""The newest value, from one process to another, through shared memory: no queue, no lock, nobody waits.

A letter is written into the slot that the reader looked at longest ago, and announced when it is whole. A reader
that is overtaken all the same notices: every slot carries the letter's number and a checksum over number and
content, so half of one letter and half of another is never returned. The checksum also holds on processors that do
not keep the order of writes.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import zlib
from types import TracebackType
from typing import NamedTuple

SLOTS = 4
ATTEMPTS = 8  # to read a letter; each failure needs a writer that went around all slots meanwhile
_WORD = 8  # bytes; everything lies on a multiple of it
_HEAD = 2 * _WORD  # of a slot: number, checksum


class Letter(NamedTuple):
    """What was posted, and its number: 1 for the first."""

    number: int
    content: bytes


class Mailbox:
    """One side of a mailbox. Exactly one process posts, exactly one takes; both say the same ``size``.

    The memory has no name: the other process gets ``fd`` by inheritance, and nothing is left behind when both are
    gone, however they went.
    """

    def __init__(self, size: int, fd: int | None = None):
        """Make a mailbox, or join the one behind ``fd``.

        Args:
            size: bytes of every letter.
            fd: of the other side; None makes new memory. This object owns it from now on.

        Raises:
            ValueError: the memory behind ``fd`` belongs to letters of another size.
        """
        self.size = size
        self._stride = _HEAD + -(-size // _WORD) * _WORD
        whole = _WORD + SLOTS * self._stride
        self.fd = memory(whole) if fd is None else fd
        found = os.fstat(self.fd).st_size
        if found != whole:
            raise ValueError(f"letters of {size} bytes need {whole} bytes of memory, there are {found}")
        self._map = mmap.mmap(self.fd, whole)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        self._number = 0  # of the last letter posted, or taken
        self.torn = 0  # letters that changed while they were read, and were read again

    def post(self, content: bytes) -> int:
        """Make ``content`` the newest letter; returns its number.

        Raises:
            ValueError: it has not ``size`` bytes.
        """
        if len(content) != self.size:
            raise ValueError(f"a letter has {self.size} bytes, got {len(content)}")
        number = self._number + 1
        at = self._slot(number)
        self._words[at // _WORD] = 0  # nobody may take it while it is written
        self._bytes[at + _HEAD : at + _HEAD + self.size] = content
        self._words[at // _WORD + 1] = _checksum(number, content)
        self._words[at // _WORD] = number
        self._words[0] = number
        self._number = number
        return number

    def take(self) -> Letter | None:
        """The newest letter; None when it was taken before, or none ever came."""
        for _ in range(ATTEMPTS):
            number = self._words[0]
            if number <= self._number:
                return None
            at = self._slot(number)
            slot = bytes(self._bytes[at : at + self._stride])
            content = slot[_HEAD : _HEAD + self.size]
            written, checksum = memoryview(slot).cast("Q")[:2]
            if written == number and checksum == _checksum(number, content):
                self._number = number
                return Letter(number, content)
            self.torn += 1
        return None

    def close(self) -> None:
        """Let go of the memory. Idempotent; the other side keeps it."""
        if self.fd >= 0:
            self._words.release()
            self._bytes.release()
            self._map.close()
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _slot(self, number: int) -> int:
        return _WORD + number % SLOTS * self._stride


def _checksum(number: int, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(number.to_bytes(_WORD, "little")))


def memory(size: int) -> int:
    """The descriptor of a file of zeros without a name; in memory where the system can."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("a1-mailbox")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, size)
    return fd

"""The past of a metrics file, in bounded time however long the file is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from daydreamer.monitor.record import Record

LINES = 3000  # read of a long past: five for each point of a chart
RECENT = 2_000_000  # bytes at the end, of which every line is read: about half an hour


def read_past(path: Path, lines: int = LINES, recent: int = RECENT) -> tuple[list[Record], int]:
    """The records so far, and the byte where following them goes on.

    Of a long file one line in so many is read, evenly spaced, and every line of its end: a day of metrics is
    100 MB, and a chart has a few hundred points. Rare metrics are met as often as others are, in proportion.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            begin = _line_after(file, max(0, size - recent))
            records = list(_sample(file, begin, lines))
            file.seek(begin)
            block = file.read(size - begin)
    except FileNotFoundError:
        return [], 0
    whole = block.rfind(b"\n") + 1
    records += _parse(block[:whole].split(b"\n"))
    return records, begin + whole


def _sample(file: BinaryIO, end: int, lines: int) -> Iterator[Record]:
    """At most ``lines`` records that begin before byte ``end``, evenly spaced."""
    at = 0
    for k in range(lines):
        at = max(at, k * end // lines)
        if at >= end:
            return
        at = _line_after(file, at)
        line = file.readline()
        if at < end:
            yield from _parse([line])
        at += len(line)


def _line_after(file: BinaryIO, at: int) -> int:
    """The first byte of a line from byte ``at`` on; the file stands there."""
    if at:
        file.seek(at - 1)
        file.readline()
    else:
        file.seek(0)
    return file.tell()


def _parse(lines: list[bytes]) -> Iterator[Record]:
    for line in lines:
        if line.strip():
            try:
                yield Record.from_line(line)
            except ValueError:  # torn by a crash: ``Tail`` logs those that are new
                continue

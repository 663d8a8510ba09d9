"""Where metrics go: a JSONL file, TensorBoard, several at once. Names outside the table are refused."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from daydreamer.monitor import names
from daydreamer.monitor.line_file import append_line
from daydreamer.monitor.record import Record

if TYPE_CHECKING:  # not above: who writes numbers alone needs no NumPy
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)


class Writer(Protocol):
    """Takes metrics. One thread writes."""

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record ``metrics`` at ``step``. Raises ValueError for a name that is not in the table."""
        ...

    def close(self) -> None:
        """Write out what is left. Idempotent."""
        ...


class JsonlWriter:
    """Appends one line per ``write``, each in a single system call, so a reader never sees two halves mixed.

    A line that a crash left torn is cut off when the file is opened again. One writer at a time has the file.

    Args:
        path: The file, created with its folder when absent.
        now: Unix seconds.
    """

    def __init__(self, path: Path | str, now: Callable[[], float] = time.time):
        self._now = now
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+b", buffering=0)
        _mend(self._path)

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append a record. Raises OSError when the disk does not take all of it; the file stays whole."""
        names.check(metrics)
        try:
            append_line(self._file, Record(int(step), self._now(), metrics).to_line())
        except OSError:
            _mend(self._path)
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class TensorBoardWriter:
    """Scalars and pictures for TensorBoard, through TensorBoard's own event writer: no torch, no TensorFlow.

    Args:
        directory: Where the event file goes; each process life adds one.
        now: Unix seconds.
    """

    def __init__(self, directory: Path | str, now: Callable[[], float] = time.time):
        # Here, not above: an actor records nothing for TensorBoard and need not have it installed.
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._summary, self._histogram = Event, Summary, HistogramProto
        self._now = now
        self._open = lambda: EventFileWriter(str(directory), flush_secs=10)
        self._writer: Any = self._open()
        self._open_at = 0.0  # not before, after the disk refused

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Queue one event; a thread of TensorBoard's writes it within 10 s.

        Raises:
            OSError: The disk refused. TensorBoard's thread ends by that; a minute later another file is begun.
        """
        names.check(metrics)
        self._add(
            step,
            [self._summary.Value(tag=name, simple_value=float(value)) for name, value in metrics.items()],
        )

    def show(self, step: int, histograms: Mapping[str, NDArray[Any]], images: Mapping[str, bytes]) -> None:
        """Queue pictures: histograms of all numbers in an array, and images (PNG, or GIF, which moves), by name.

        Raises:
            OSError: The disk refused, as above.
        """
        from daydreamer.monitor import pictures

        values = [
            self._summary.Value(tag=name, histo=self._histogram(**pictures.histogram(array)))
            for name, array in histograms.items()
        ]
        for name, data in images.items():
            width, height = pictures.size(data)
            image = self._summary.Image(width=width, height=height, colorspace=3, encoded_image_string=data)
            values.append(self._summary.Value(tag=name, image=image))
        self._add(step, values)

    def _add(self, step: int, values: list[Any]) -> None:
        if self._writer is None and self._now() < self._open_at:
            return
        event = self._event(wall_time=self._now(), step=int(step), summary=self._summary(value=values))
        try:
            self._writer = self._writer or self._open()
            self._writer.add_event(event)
        except OSError:
            self._writer, self._open_at = None, self._now() + 60.0
            raise

    def close(self) -> None:
        """Flush and end the writer's thread. Points that the disk refuses are lost, and a warning says so."""
        writer, self._writer = self._writer, None
        try:
            if writer is not None:
                writer.close()
        except OSError as error:
            _log.warning("the newest points for TensorBoard are lost: %s", error)


class Fanout:
    """Hands everything to several writers. One that fails does not keep the others from writing."""

    def __init__(self, *writers: Writer):
        self._writers = writers

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write to each, then raise what went wrong in the last of those that failed."""
        with ExitStack() as stack:
            for writer in reversed(self._writers):
                stack.callback(writer.write, step, metrics)

    def close(self) -> None:
        """Close each."""
        with ExitStack() as stack:
            for writer in reversed(self._writers):
                stack.callback(writer.close)


def _mend(path: Path) -> None:
    """End the file with a whole line: cut off a torn one, or add the newline when that alone is missing."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = _last_line_start(file, size)
        if start == size:
            return
        file.seek(start)
        tail = file.read()
        if _is_object(tail):
            file.write(b"\n")
        else:
            _log.warning("%s: cutting off a torn last line of %d bytes", path, len(tail))
            file.truncate(start)


def _last_line_start(file: BinaryIO, size: int) -> int:
    """Offset just after the last newline, 0 when there is none; reads backwards in blocks."""
    end = size
    while end > 0:
        begin = max(0, end - 65536)
        file.seek(begin)
        newline = file.read(end - begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False

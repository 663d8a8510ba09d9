"""The actor's rows on disk, from ``send`` until the learner has made them durable.

One directory is one stream::

    stream.json               the stream's name
    000000000000.log          rows 0, 1, ... (a record log whose head is the row spec)
    000000007049.log          goes on with row 7049

A record is a row, and its number is the row's in the stream, for ever: that is how a learner tells a row that
comes again from a new one, also after it was sent to another learner in between. Segments are removed whole,
so some acknowledged rows are still kept: they are what a learner that begins anew receives first.

Appended records survive a killed process. They are not synced: a power cut may take the last half minute of
rows, and a slow or failing disk never holds up, or takes back, what was already given to it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from daydreamer.core.atomic_file import sync_directory, write_atomically
from daydreamer.core.errors import Corrupt, DaydreamerError
from daydreamer.core.record_log import RecordWriter, UnknownVersion, header_of, records_start, settle, survey

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 4 << 20


@dataclass
class _Segment:
    path: Path
    first: int
    count: int
    size: int  # bytes of the file; of two parts of a damaged one, the first has 0

    @property
    def end(self) -> int:
        return self.first + self.count


class Spool:
    """The unacknowledged records of one stream. One thread at a time."""

    def __init__(self, directory: Path | str, stream: str, header: bytes, segment_bytes: int = SEGMENT_BYTES):
        """Begin ``stream`` in the new ``directory``; ``header`` describes the records."""
        self.directory = Path(directory)
        self.stream = stream
        self.header = header
        self.acked = 0  # records before this one are durable at the learner
        self._segment_bytes = segment_bytes
        self._record_bytes: int | None = None
        self._gone = 0  # rows before this one were here once, when no segment says so
        self._segments: list[_Segment] = []
        self._writer: RecordWriter | None = None
        self._tail: list[bytes] = []  # records of the segment being written
        self._loaded: tuple[int, list[bytes]] = (-1, [])  # first and records of the segment last read back
        self.directory.mkdir(parents=True)
        sync_directory(self.directory.parent)
        self._name()

    @classmethod
    def reopen(cls, directory: Path | str, record_bytes: int | None = None) -> Spool:
        """What an earlier life left in ``directory``, to be read and acknowledged, not appended to.

        Where records of a known size are damaged, those behind them are kept; so are segments behind one that cannot be
        read, which is put beside ``directory`` for a person to look at.

        Raises:
            Corrupt: this is no spool, or its first segment cannot be read.
            UnknownVersion: its first segment is another version's.
        """
        self = cls.__new__(cls)
        self.directory = Path(directory)
        try:
            named = json.loads((self.directory / "stream.json").read_bytes())
            self.stream = str(named["stream"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise Corrupt(f"{directory}: not a spool ({error})") from error
        if named.get("start", 0):
            raise Corrupt(f"{directory}: written by an older version, which numbered rows in another way")
        self.header = b""
        self._gone, self._segments, self._writer, self._tail, self._loaded = 0, [], None, [], (-1, [])
        self._segment_bytes, self._record_bytes = 0, record_bytes
        for path in sorted(self.directory.glob("*.log")):
            try:
                found, first = survey(path, record_bytes), int(path.stem)
                if self._segments and (first < self._segments[-1].end or found.header != self.header):
                    raise Corrupt(f"{path} does not follow the segment before it")
                settle(path, found)
            except (Corrupt, UnknownVersion, ValueError) as error:
                if not self._segments:
                    raise
                aside = path.rename(_aside(path))
                logger.error("rows are lost, their file is put aside as %s: %s", aside, error)
                continue
            self.header = found.header
            parts = [_Segment(path, first + run.first, len(run.records), 0) for run in found.runs]
            self._segments += parts or [_Segment(path, first, 0, 0)]
            self._segments[-1].size = found.valid_size
        self.acked = self.oldest
        return self

    @property
    def oldest(self) -> int:
        """The first record that is still kept."""
        return self._segments[0].first if self._segments else self._gone

    @property
    def end(self) -> int:
        """The number of the record that will be appended next."""
        return self._segments[-1].end if self._segments else self._gone

    @property
    def unacked(self) -> int:
        """Records that are here and that the learner has not made durable."""
        return sum(max(0, part.end - max(part.first, self.acked)) for part in self._segments)

    def kept_from(self, number: int) -> int:
        """The first record from ``number`` on that is here; ``end`` when there is none."""
        part = next((part for part in self._segments if number < part.end), None)
        return self.end if part is None else max(number, part.first)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(segment.size for segment in self._segments)

    def append(self, records: Sequence[bytes]) -> int:
        """Keep the first of ``records``, as many as the present segment has room for; return how many, at least one.

        A segment never outgrows its size by more than a record: it is removed whole, and one that held a whole
        burst would fill the spool for ever.

        Raises:
            OSError: the disk refuses them; nothing was kept.
        """
        writer = self._writer
        if writer is None:
            writer = self._writer = self._new_segment()
        segment = self._segments[-1]
        kept = 0
        for record in records:
            writer.append(record)
            kept += 1
            if writer.size >= self._segment_bytes:
                break
        try:
            writer.flush()
        except OSError:
            self._abandon(segment)
            raise
        segment.count += kept
        segment.size = writer.size
        self._tail += records[:kept]
        if writer.size >= self._segment_bytes:
            self._abandon_writer()
        return kept

    def read(self, first: int, most: int) -> list[bytes]:
        """Up to ``most`` records from ``first`` on; fewer at the end of a segment, none where none is here.

        Raises:
            Corrupt: the disk lost what it was given.
        """
        for segment in self._segments:
            if segment.first <= first < segment.end:
                records = self._records(segment)
                if len(records) < segment.count:
                    raise Corrupt(
                        f"{segment.path}: {segment.count} records were written, {len(records)} are there"
                    )
                at = first - segment.first
                return records[at : at + most]
        return []

    def acknowledge(self, upto: int) -> None:
        """Records before ``upto`` are durable elsewhere: remove the segments that hold no others."""
        self.acked = self.kept_from(max(self.acked, min(upto, self.end)))
        while len(self._segments) > 1 and self._segments[0].end <= self.acked:
            self._remove_oldest()

    def rewind(self, to: int) -> None:
        """The learner has only the records before ``to``, which is still kept."""
        assert self.oldest <= to <= self.end, (self.oldest, to, self.end)
        self.acked = to

    def drop_oldest(self) -> int:
        """Remove the oldest segment, to make room; how many rows that nobody has are lost with it."""
        if not self._segments:
            return 0
        unacked = self.unacked
        if len(self._segments) == 1:
            self._gone = self.end
            self._abandon_writer()
        oldest = self._remove_oldest()
        self.acked = max(self.acked, oldest.end)
        return unacked - self.unacked

    def close(self) -> None:
        """Close the files; remove all when nothing is left to send. Idempotent."""
        self._abandon_writer()
        if self.unacked == 0 and self.directory.exists():
            shutil.rmtree(self.directory)

    def _remove_oldest(self) -> _Segment:
        oldest = self._segments.pop(0)
        if not any(part.path == oldest.path for part in self._segments):
            oldest.path.unlink(missing_ok=True)
        return oldest

    def _new_segment(self) -> RecordWriter:
        path = self.directory / f"{self.end:012d}.log"
        writer = RecordWriter(path, self.header)
        self._segments.append(_Segment(path, self.end, 0, records_start(self.header)))
        self._tail = []
        return writer

    def _abandon(self, segment: _Segment) -> None:
        """Write no more to a file that the disk refused; what it holds stays good."""
        self._abandon_writer()
        if segment.count == 0:
            self._gone = segment.first
            self._segments.remove(segment)
            with contextlib.suppress(OSError):
                segment.path.unlink()

    def _abandon_writer(self) -> None:
        """Close the file. All in it was flushed before: what goes wrong now takes nothing back."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close(durable=False)
        except OSError as error:
            logger.warning("%s was not closed in order: %s", writer.path, error)

    def _records(self, segment: _Segment) -> list[bytes]:
        if segment is self._segments[-1] and self._tail:
            return self._tail
        if self._loaded[0] != segment.first:
            number = segment.first - int(segment.path.stem)
            runs = survey(segment.path, self._record_bytes).runs
            here = next((run.records for run in runs if run.first == number), [])
            self._loaded = (segment.first, here)
        return self._loaded[1]

    def _name(self) -> None:
        named = json.dumps({"stream": self.stream}).encode()
        write_atomically(self.directory / "stream.json", named)


def _aside(path: Path) -> Path:
    """Where a segment goes that cannot be read: beside its stream's directory, which is removed with the stream."""
    return path.parent.with_name(f"{path.parent.name}-{path.name}.damaged")


def leftovers(
    directory: Path,
    record_bytes: int | None = None,
    wanted: Callable[[Path, bytes], bool] = lambda path, header: True,
) -> list[Spool]:
    """What earlier lives could not send, oldest first; directories in which nothing is left are removed.

    One that cannot be read is reported and left for a person to look at. One is left as it is, too, when it is not
    ``wanted``, which is asked with its path and header.
    """
    spools = []
    for path in sorted(path for path in directory.iterdir() if path.is_dir()):
        first = min(path.glob("*.log"), default=None)
        if first is None:
            shutil.rmtree(path)
            continue
        try:
            if wanted(path, header_of(first)):
                spools.append(Spool.reopen(path, record_bytes))
        except (DaydreamerError, OSError, ValueError) as error:
            logger.error("rows of an earlier life cannot be read, and stay where they are: %s", error)
    return sorted(spools, key=lambda spool: spool.directory.name.rsplit("-", 2)[-2:])

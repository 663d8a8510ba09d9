"""A replay directory as it lies on the disk: read without a lock, checked, and repaired.

For people and for other programs: it needs neither the preset nor the learner, and changes nothing, unless it
is told to repair. ``Replay`` is what a learner uses.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from daydreamer.core.errors import Corrupt, DaydreamerError
from daydreamer.core.record_log import FRAME_SIZE, RecordWriter, Recovered, header_of, survey
from daydreamer.core.specs import ArraySpec
from daydreamer.replay.directory import NUMBER, Directory
from daydreamer.replay.layout import Layout, Rows
from daydreamer.replay.segment import Seal, seal_record, split_seal


@dataclass(frozen=True)
class Part:
    """Good rows that follow one another, as they lie in one file."""

    stream: str
    first_seq: int
    rows: Rows  # [N] structured


@dataclass(frozen=True)
class FileReport:
    """What is in a segment file, and what is wrong with it."""

    path: Path
    stream: str
    first_seq: int
    rows: int  # good ones
    sealed: bool
    torn_bytes: int  # behind the last good record
    damaged: tuple[tuple[int, int], ...]  # rows (first, end) in the middle that cannot be read
    missing: int  # rows that the seal speaks of and that are not there
    error: str = ""  # why nothing in it can be read

    @property
    def lost(self) -> int:
        """Rows that were there once and are not."""
        return self.missing + sum(end - first for first, end in self.damaged)

    @property
    def whole(self) -> bool:
        """Nothing is wrong; a file without a seal is one that grows, or whose process was killed."""
        return not (self.error or self.torn_bytes or self.lost)


def rows_went() -> DaydreamerError:
    """The error of one who needs all rows, some of which a learner has deleted meanwhile."""
    return DaydreamerError(
        "rows went from the replay while they were written: export it again, without a learner"
    )


class Archive:
    """Reads ``path``: a run's directory, or the replay directory in it.

    Raises:
        DaydreamerError: there is no replay.
        Corrupt: no segment says what its rows are.
    """

    def __init__(self, path: Path | str):
        path = Path(path)
        self.path = path / "replay" if (path / "replay").is_dir() else path
        self.files = sorted(self.path.glob(f"{NUMBER}.rows"))
        if not self.files:
            raise DaydreamerError(
                f"{path} holds no replay: expected segment files 00000001.rows, ... there or in {path / 'replay'}"
            )
        self.layout = Layout(self._spec())

    def parts(self, all_of_them: bool = True) -> Iterator[Part]:
        """All good rows, in storage order; what came again after a disk that failed is there once.

        A learner that is at its capacity deletes its oldest file now and then. Rows that went so are left out unless
        ``all_of_them`` are asked for.

        Raises:
            DaydreamerError: rows went meanwhile.
        """
        for path in self.files:
            try:
                found = self._read(path)[1]
            except FileNotFoundError as error:
                if all_of_them:
                    raise rows_went() from error
                continue
            for part in found:
                end = self._open_ends.get(path, part.first_seq + len(part.rows))
                if end > part.first_seq:
                    yield replace(part, rows=part.rows[: end - part.first_seq])

    def sizes(self) -> list[int]:
        """Bytes of each file that is still here."""
        found = []
        for path in self.files:
            with contextlib.suppress(FileNotFoundError):
                found.append(path.stat().st_size)
        return found

    def verify(self) -> Iterator[FileReport]:
        """What is in each file, one after the other; nothing is changed. Files that a learner deletes are left out."""
        for path in self.files:
            try:
                yield self._read(path)[0]
            except FileNotFoundError:
                continue
            except DaydreamerError as error:
                yield FileReport(path, "", 0, 0, False, 0, (), 0, str(error))

    def repair(self) -> Iterator[FileReport]:
        """Cut off torn tails and seal what is not sealed; damage in the middle is left, and read around.

        A file that a failed disk kept rows in which came again stays unsealed: by that they are known. So does the
        last one of a stream that has a hole, which the next rows may fill.

        Raises:
            ReplayLocked: A learner uses the directory.
        """
        directory = Directory(self.path)
        try:
            for report in self.verify():
                seal = not report.sealed and report.path not in self._open_ends
                if not report.error and (report.torn_bytes or seal):
                    self._cut(report, seal)
                yield report
        finally:
            directory.close()

    @cached_property
    def _open_ends(self) -> dict[Path, int]:
        """Files that stay without a seal, and the row before which what counts in each ends. See ``Directory``.

        Their last rows came again in a later file; or there is none, and they have a hole, which may be filled yet.
        """
        begun: dict[str, int] = {}  # of each stream, where the files from here on begin
        found: dict[Path, int] = {}
        for report in reversed(list(self.verify())):
            if report.error or not report.rows:
                continue
            end = report.first_seq + report.rows + report.lost
            later = begun.get(report.stream, end)
            if not report.sealed and (later < end or (report.damaged and report.stream not in begun)):
                found[report.path] = later
            begun[report.stream] = min(report.first_seq, later)
        return found

    def _cut(self, report: FileReport, seal: bool) -> None:
        """Cut what is torn off the end, and ``seal``."""
        found = survey(report.path, self.layout.row_bytes)
        with open(report.path, "r+b") as file:
            file.truncate(found.valid_size)
        if seal:
            end = found.runs[-1].end if found.runs else 0
            writer = RecordWriter(report.path, found.header, self.layout.row_bytes)
            writer.append(seal_record(end, writer.crc, self.layout.row_bytes))
            writer.close()

    def _read(self, path: Path) -> tuple[FileReport, list[Part]]:
        found = survey(path, self.layout.row_bytes)
        stream, first_seq = self.layout.read_header(found.header, path)
        runs, seal = split_seal(found, self.layout.row_bytes, path)
        parts = [
            Part(stream, first_seq + run.first, np.frombuffer(b"".join(run.records), self.layout.dtype))
            for run in runs
        ]
        end = runs[-1].end if runs else 0
        damaged = [(first_seq + first, first_seq + last) for first, last in found.damaged if first < end]
        missing = max(0, seal.rows - end) if seal else 0
        report = FileReport(
            path, stream, first_seq, sum(len(part.rows) for part in parts), seal is not None,
            found.size - found.valid_size, tuple(damaged), missing, _seal_breach(path, found, seal, bool(damaged)),
        )  # fmt: skip
        return report, parts

    def _spec(self) -> dict[str, ArraySpec]:
        for path in self.files:
            try:
                spec = json.loads(header_of(path))["spec"]
                return {name: ArraySpec.from_dict(one) for name, one in spec.items()}
            except (Corrupt, FileNotFoundError, ValueError, KeyError, TypeError):
                continue
        raise Corrupt(f"{self.path}: no segment file has a header that can be read")


def _seal_breach(path: Path, found: Recovered, seal: Seal | None, damaged: bool) -> str:
    """Every record is good and yet the bytes are not those that were sealed: somebody has put it together."""
    if seal is None or damaged:
        return ""
    length = found.valid_size - FRAME_SIZE - len(found.runs[-1].records[-1])
    crc = zlib.crc32(path.read_bytes()[:length])
    end = sum(len(run.records) for run in found.runs) - 1
    if crc == seal.crc32 or seal.rows != end:
        return ""
    return f"expected CRC-32 {seal.crc32:08x} of the whole file, got {crc:08x}"

"""Writes telemetry into MCAP files: a new one every so often, the oldest removed, so that the disk is bounded.

A file is whole after ``close``. What a killed process leaves ends in the middle of a chunk: everything before it can
be read from the beginning on, and ``mcap recover`` makes a whole file of it.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.telemetry import Telemetry
from daydreamer.runtime.recording.messages import TOPICS, Changes, diagnosis, moment
from robots.ros2.over_mcap import McapFile

_log = logging.getLogger(__name__)

SUFFIX = ".mcap"
_FLUSH_EVERY = 1.0  # s
_DIAGNOSE_EVERY = 1.0  # s
_DISK_PATIENCE = 10.0  # s until a disk that refused is asked again


@dataclass(frozen=True)
class RecorderConfig:
    """How much is kept."""

    minutes: float = 10.0  # of one file
    keep_bytes: int = 4 << 30  # of all of the actor's files in the directory; the oldest go first

    def __post_init__(self) -> None:
        if not (self.minutes > 0 and self.keep_bytes > 0):
            raise ValueError(f"minutes and keep_bytes are positive, got {self.minutes} and {self.keep_bytes}")


def check_installed() -> None:
    """Raise DaydreamerError unless the library that writes recordings can be imported."""
    if importlib.util.find_spec("mcap") is None:
        raise DaydreamerError("a recording needs mcap; from a clone: pip install '.[mcap]'")


class Recorder:
    """One actor's recordings. One thread.

    Args:
        directory: Made when absent.
        name: Of the actor; files are called ``NAME-20260131-142500.mcap``, in UTC.
        config: How much is kept.

    Raises:
        DaydreamerError: The library is not installed.
    """

    def __init__(self, directory: Path, name: str, config: RecorderConfig | None = None):
        check_installed()
        self._directory, self._name, self._config = directory, name, config or RecorderConfig()
        self._file: McapFile | None = None
        self._until = self._flush_at = self._diagnose_at = 0.0
        self._again = -math.inf  # nothing is taken before: the disk has refused
        self._now = -math.inf
        self._newest = -math.inf  # ``wall`` of the reading that was written down
        self._changes = Changes()
        self.path: Path | None = None  # being written, or the last one

    def take(self, telemetry: Telemetry) -> None:
        """Write down one moment. Of a reading told before only what has changed since: a silent robot is stopped.

        Raises:
            OSError: The disk refuses. The file is closed, and for some seconds nothing is taken; then another is begun.
        """
        now = telemetry.told
        if now < self._now:  # the actor's clock was set back: what is due stays as far off as it was
            back = self._now - now
            self._until, self._flush_at, self._diagnose_at, self._again = (
                due - back for due in (self._until, self._flush_at, self._diagnose_at, self._again)
            )
        self._now = now
        if now < self._again:
            return
        try:
            self._write(telemetry, now)
        except OSError:
            self._again = now + _DISK_PATIENCE
            self._abandon()
            raise

    def close(self) -> None:
        """Finish the file. Idempotent."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
            _log.info("recorded %s", self.path)

    def _write(self, telemetry: Telemetry, now: float) -> None:
        if self._file is None or now >= self._until:
            self.close()
            self._file = self._open(now)
        file = self._file
        fresh, self._newest = telemetry.wall != self._newest, telemetry.wall
        for topic, message in (*(moment(telemetry) if fresh else ()), *self._changes.of(telemetry)):
            file.write(topic, message, now)
        if now >= self._diagnose_at:
            self._diagnose_at = now + _DIAGNOSE_EVERY
            file.write(*diagnosis(telemetry), now)
        if now >= self._flush_at:
            self._flush_at = now + _FLUSH_EVERY
            file.flush()

    def _abandon(self) -> None:
        """Let go of the file that the disk refused; one that holds nothing is none."""
        with suppress(OSError):
            self.close()
        with suppress(OSError):
            if self.path is not None and self.path.stat().st_size == 0:
                self.path.unlink()
                self.path = None

    def _open(self, now: float) -> McapFile:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._make_room()
        begun = datetime.fromtimestamp(now, timezone.utc)
        path = self._free_name(f"{self._name}-{begun:%Y%m%d-%H%M%S}")
        file = McapFile(path, TOPICS)
        self.path = path
        self._changes = Changes()  # each file tells the mode by itself
        self._until = now + 60 * self._config.minutes
        self._diagnose_at = self._flush_at = now
        return file

    def _free_name(self, stem: str) -> Path:
        tries = [
            self._directory / f"{stem}{more}{SUFFIX}" for more in ("", *(f"-{k}" for k in range(2, 100)))
        ]
        free = next((path for path in tries if not path.exists()), None)
        if free is None:
            raise FileExistsError(f"{tries[0]} and {len(tries) - 1} more like it are there already")
        return free

    def _make_room(self) -> None:
        """Remove this actor's oldest until there is room for one more of the usual size. Others' files are theirs."""
        ours = re.compile(rf"{re.escape(self._name)}-\d{{8}}-\d{{6}}(-\d+)?{re.escape(SUFFIX)}")
        files = [path for path in self._directory.glob(f"*{SUFFIX}") if ours.fullmatch(path.name)]
        files.sort(key=lambda path: path.stat().st_mtime)
        sizes = {path: path.stat().st_size for path in files}
        room = self._config.keep_bytes - max(sizes.values(), default=0)
        while files and sum(sizes[path] for path in files) > room:
            oldest = files.pop(0)
            oldest.unlink()
            _log.info("removed the oldest recording, %s, to make room", oldest.name)

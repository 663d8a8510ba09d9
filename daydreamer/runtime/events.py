"""What happened in a run and when, one JSON object per line."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from daydreamer.monitor.line_file import append_line

_log = logging.getLogger(__name__)


class EventLog:
    """Appends events; each is one write, so that a reader sees whole lines.

    Args:
        path: The file; made when absent.
        now: Unix seconds.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._now = path, now
        self._file = path.open("a+b", buffering=0)

    def write(self, event: str, **fields: Any) -> None:
        """Append ``event`` with plain-data ``fields``. One that the disk refuses is only logged."""
        line = json.dumps({"time": round(self._now(), 3), "event": event, **fields})
        try:
            append_line(self._file, line.encode() + b"\n")
        except OSError as error:
            _log.error("the disk refuses an event (%s): %s", error, line)

    def past(self) -> Iterator[dict[str, Any]]:
        """Every event so far, oldest first; lines that are torn are left out."""
        with self._path.open("rb") as file:
            for line in file:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict):
                    yield event

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._file.close()

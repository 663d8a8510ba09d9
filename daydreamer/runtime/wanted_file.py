"""What people want of a robot, on the disk of its computer: the next life of its actor goes on with it.

RUN/actor-NAME/wanted          one word of ``Wanted``; absent: run
RUN/actor-NAME/wanted.spare    room for the next, taken while there is some: a disk that is full by then forgets none
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from pathlib import Path

from daydreamer.core.atomic_file import sync_directory, write_atomically
from daydreamer.runtime.hands import Wanted

_log = logging.getLogger(__name__)

_AGAIN = 1.0  # s until a disk that refused is asked again
_ROOM = 16  # bytes; every word has room in it


class WantedFile:
    """Keeps the newest wish durable, in a thread of its own: neither a control loop nor a stop waits for a disk.

    Args:
        path: The file.
    """

    def __init__(self, path: Path):
        self._path = path
        self._newest: Wanted | None = None  # not written yet
        self._closed = False
        self._changed = threading.Condition()
        try:
            _reserve(path)
        except OSError as error:
            _log.warning("a wish to rest may be forgotten at a restart: there is no room for it: %s", error)
        self._thread = threading.Thread(target=self._run, name="wanted", daemon=True)
        self._thread.start()

    @staticmethod
    def read(path: Path) -> Wanted:
        """What was wanted last. What cannot be read says ``LIMP``: then a person has to look first."""
        try:
            return Wanted(path.read_text())
        except FileNotFoundError:
            return Wanted.RUN
        except (OSError, ValueError) as error:
            _log.error("%s cannot be read, the robot damps until someone resumes: %s", path, error)
            return Wanted.LIMP

    def keep(self, wanted: Wanted) -> None:
        """Write ``wanted`` soon, in place of what was kept before. Any thread; does not wait."""
        with self._changed:
            self._newest = wanted
            self._changed.notify()

    def close(self) -> None:
        """Write what is left, and end. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout=5.0)  # a disk that hangs does not keep the program

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._closed)
                wanted, closed = self._newest, self._closed
                self._newest = None
            if wanted is None:
                return
            if not self._write(wanted):
                with self._changed:
                    if closed:
                        return
                    self._newest = self._newest or wanted
                    self._changed.wait(_AGAIN)

    def _write(self, wanted: Wanted) -> bool:
        try:
            write(self._path, wanted)
        except OSError as error:
            _log.error("the disk refuses what is wanted of the robot (%s): %s", wanted.value, error)
            return False
        with contextlib.suppress(OSError):  # the next one finds the room of this one's predecessor
            _reserve(self._path)
        return True


def put_aside(path: Path) -> None:
    """For whoever wants to stop a robot whose actor does not answer: its next life damps until someone resumes.

    Not in the room of ``write``, in which an actor that is there all the same may be writing.

    Raises:
        OSError: the disk does not take it, or no actor has begun there.
    """
    if WantedFile.read(path) is not Wanted.LIMP:
        write_atomically(path, Wanted.LIMP.value.encode())


def write(path: Path, wanted: Wanted) -> None:
    """Keep ``wanted`` in ``path``: whole, and on the disk before this returns, in the room that was reserved for it.

    Raises:
        OSError: the disk does not take it; ``path`` is as it was.
    """
    _write(_spare(path), wanted.value.encode())
    os.replace(_spare(path), path)
    sync_directory(path.parent)


def _spare(path: Path) -> Path:
    return path.with_name(f"{path.name}.spare")


def _reserve(path: Path) -> None:
    if not _spare(path).exists():
        _write(_spare(path), bytes(_ROOM))


def _write(path: Path, data: bytes) -> None:
    """``data`` into ``path``, over what was there: where that was as long no disk has to find room for it."""
    with open(path, "r+b" if path.exists() else "wb") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())

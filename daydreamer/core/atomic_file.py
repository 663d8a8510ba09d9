"""Files that are there whole or not at all, whenever the power goes."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: after a crash it holds the old bytes or the new ones, never a mixture.

    The order is what makes it so: write beside it, fsync the file, rename, fsync the directory (until then
    the name itself may be lost). On return the new content is durable.

    Raises:
        OSError: the disk refused; ``path`` is as it was.
    """
    beside = path.with_name(path.name + ".partial")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)  # a full disk is not to be filled with what did not fit
        raise
    sync_directory(path.parent)


@contextlib.contextmanager
def whole_or_none(path: Path) -> Iterator[Path]:
    """Where to write the file or the directory ``path``, which is called that when all of it is there.

    On any exception, Ctrl-C too, what was written is removed; what a kill has left is removed by the next attempt.
    """
    beside = path.with_name(path.name + ".partial")
    _remove(beside)
    try:
        yield beside
        os.replace(beside, path)
    except BaseException:
        _remove(beside)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync_directory(directory: Path) -> None:
    """Make names created, renamed or removed in ``directory`` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

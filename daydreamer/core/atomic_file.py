"""Files that are there whole or not at all, whenever the power goes."""

from __future__ import annotations

import os
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


def sync_directory(directory: Path) -> None:
    """Make names created, renamed or removed in ``directory`` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A place that files can be written to, or an error that a person can act on, before anything is done for them."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from daydreamer.core.errors import DaydreamerError

# What stays so until a person does something. Of a full disk, or one that is away for a moment, whoever writes then
# tells, and a process that is started again tries again.
_FOR_GOOD = (
    errno.EEXIST, errno.ENOTDIR, errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG,
)  # fmt: skip


def writable_directory(path: Path, mode: int = 0o777) -> Path:
    """``path``, made where it is missing, with a file written there and taken away again.

    Args:
        path: A directory.
        mode: Of one that is made.

    Raises:
        DaydreamerError: It is a file, cannot be made, or takes no files.
    """
    try:
        path.mkdir(mode, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        if error.errno in _FOR_GOOD:
            why = "it is a file" if os.path.isfile(path) else error.strerror
            raise DaydreamerError(f"cannot write to {path}: {why}. Name another place") from error
    return path

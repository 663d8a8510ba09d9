"""Lines at the end of a file, which stay apart although a disk fills up or a process is killed in the middle of one."""

from __future__ import annotations

import os
from io import FileIO


def append_line(file: FileIO, line: bytes) -> None:
    """Append ``line``, which ends with a newline, in a single system call.

    Where the file ends with half a line, that stands alone: it costs no other line.

    Args:
        file: Opened with "a+b" and without a buffer; other processes may append to it as well.
        line: What to append.

    Raises:
        OSError: The disk did not take all of it.
    """
    data = line if _ends_whole(file) else b"\n" + line
    written = file.write(data)
    if written != len(data):
        raise OSError(f"{file.name}: only {written} of {len(data)} bytes were written; is the disk full?")


def _ends_whole(file: FileIO) -> bool:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return True
    file.seek(size - 1)
    return file.read(1) == b"\n"

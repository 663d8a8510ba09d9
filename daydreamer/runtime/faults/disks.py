"""A small disk that can be filled: a tmpfs where mounting is permitted, else a limit on what a process may write."""

from __future__ import annotations

import contextlib
import logging
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger(__name__)

_CHUNK = 1 << 20  # bytes


class SmallDisk:
    """A directory that can run full.

    Args:
        directory: Made when absent.
        size: Bytes.
        process: The process that writes there, None while there is none. Where no disk can be mounted, the kernel
            refuses what it writes (RLIMIT_FSIZE) while the disk is meant to be full.
    """

    def __init__(self, directory: Path, size: int, process: Callable[[], int | None]):
        self.directory, self._process = directory, process
        self._ballast = directory / "ballast"
        self._limited: int | None = None
        directory.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=10)
            self.mounted = True
        except (OSError, subprocess.SubprocessError) as error:
            _log.info("no disk can be mounted here (%s): the kernel limits the process instead", error)
            self.mounted = False

    def fill(self) -> None:
        """From now on there is no room."""
        if self.mounted:
            with contextlib.suppress(OSError), open(self._ballast, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(_CHUNK))
            with contextlib.suppress(OSError), open(self._ballast, "ab", buffering=0) as file:
                while True:
                    file.write(bytes(512))
        else:
            self._limit(self._process(), 1)

    def free(self) -> None:
        """There is room again."""
        if self.mounted:
            self._ballast.unlink(missing_ok=True)
        else:
            self._limit(self._limited, resource.RLIM_INFINITY)

    def close(self) -> None:
        """Unmount; what is on it is lost. Idempotent."""
        if self.mounted:
            self.mounted = False
            subprocess.run(
                ["umount", "-l", str(self.directory)], check=False, capture_output=True, timeout=10
            )

    def _limit(self, process: int | None, size: int) -> None:
        self._limited = process
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

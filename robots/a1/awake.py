"""A computer that does not go to sleep: asleep it would leave the robot with what it was told last, stiff or not."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import threading

log = logging.getLogger(__name__)

INHIBIT = (
    "systemd-inhibit",
    "--what=sleep:idle:handle-lid-switch",
    "--who=daydreamer",
    "--why=drives a robot",
)
PATIENCE = 1.0  # s until it has let go


class Awake:
    """Asks logind, from now until ``close`` or the end of this process, however it ends. It never fails: it warns."""

    def __init__(self) -> None:
        """Ask. Does not wait for the answer."""
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        try:
            # It lets go when its input ends, which the system does for a process that was killed.
            self._process = subprocess.Popen(
                (*INHIBIT, "cat"),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C in the terminal is not for it
            )
        except OSError as error:
            _warn(str(error))
            return
        threading.Thread(target=self._watch, args=(self._process,), name="awake", daemon=True).start()

    def close(self) -> None:
        """Let it sleep. Idempotent."""
        self._closed = True
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        said = process.stderr.read() if process.stderr is not None else b""
        process.wait()
        if not self._closed:
            _warn(said.decode(errors="replace").strip() or f"{INHIBIT[0]} ended with {process.returncode}")


def _warn(why: str) -> None:
    log.warning(
        "this computer may go to sleep, and leave the robot with what it was told last: keep its lid open and its "
        "power settings awake (%s)",
        why,
    )

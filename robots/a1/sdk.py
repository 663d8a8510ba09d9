"""The A1 through the vendor's own Python module, for labs that have built one and trust it."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import subprocess
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from robots.a1 import wire
from robots.a1.driver import A1
from robots.a1.reports import QUIET
from robots.a1.sdk_process import DAMPED, absent
from robots.a1.servo_process import StartedProcess, damp_instead, environment
from robots.program import program
from robots.robot import RobotError, RobotInfo, RobotState, StaleState
from robots.safety.latch import place

log = logging.getLogger(__name__)

PATIENCE = 3.0  # s until a bridge that was told to leave must have left
BLOCKED = 1.0  # s without a new state, after which the module is taken to block


class SdkProcess(StartedProcess):
    """A running bridge. ``end`` must be called; should this process die instead, it damps and leaves."""

    def __init__(self, module: str, patience: float):
        """Start it and wait until it has opened the module; it is reached at ``port`` of loopback.

        Raises:
            RobotError: it cannot, or not within ``patience`` [s].
        """
        ready, done = os.pipe()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind(("127.0.0.1", 0))
            self.port: int = line.getsockname()[1]
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed in ``end``
            self._process = subprocess.Popen(
                program("robots.a1.sdk_process", module, str(line.fileno()), str(done), str(os.getpid())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # the vendor's code prints
                stderr=self._errors,
                pass_fds=[line.fileno(), done],
                start_new_session=True,
                env=environment(),
            )
        os.close(done)
        os.set_blocking(ready, False)
        self._pipe = open(ready, "rb", buffering=0)  # noqa: SIM115  # closed in ``end``
        self._damped = False
        came, _, _ = select.select([self._pipe], [], [], patience)
        if came and self._pipe.read(1):
            return
        words = self._why_not(patience)
        self.end()
        raise RobotError(words)

    def _why_not(self, patience: float) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        if self.running:
            return f"the vendor's module did not open within {patience} s: its constructor may wait for the robot"
        return f"the vendor's module did not open: {self.last_words()}"

    def end(self) -> None:
        """Let it damp and leave; insist when it does not. Idempotent."""
        for way in (self._process.terminate, self._process.kill):
            if self.running:
                way()
                try:
                    self._process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    continue
        # Else it damped nobody. The exit code alone proves nothing: see ``ServoProcess.end``.
        if self._process.returncode != 0 or not self._has_damped():
            damped = damp_instead(*wire.ROBOT_ADDRESS, wire.CLIENT_PORT)
            log.warning("the process of the vendor's module ended without having damped: %s", damped)
        self._pipe.close()
        self._errors.close()

    def _has_damped(self) -> bool:
        """Whether it said so, as the last thing it did."""
        if not self._pipe.closed:
            self._damped = (self._pipe.read(2) or b"").endswith(DAMPED)
            self._pipe.close()
        return self._damped

    def kill(self) -> str:
        """At once, because it blocks; then damp in its place, and say whether that was possible."""
        self._kill()
        return damp_instead(*wire.ROBOT_ADDRESS, wire.CLIENT_PORT)


class SdkA1(A1):
    """An A1 whose packets the module ``robot_interface`` sends and receives, named "a1-sdk".

    Everything of the driver is the same: the servo process with its 500 Hz and its safety core, the modes, the resets.
    Only the servo's packets go to a process beside it that holds the module, over loopback; see ``sdk_process``.
    """

    def __init__(self, module: str = "robot_interface", **driver: Any):
        """Describe the robot; nothing is opened before ``connect``.

        Args:
            module: the name to import; its folder stands in PYTHONPATH.
            **driver: as for ``A1``, but for the address, which is written into the module.

        Raises:
            RobotError: a value that cannot be, or a name that there is not.
        """
        if given := driver.keys() & {"host", "port", "local_port"}:
            raise RobotError(
                f"'a1-sdk' leaves the robot's address to the vendor's module: leave out {', '.join(sorted(given))}"
            )
        if driver.get("latch") is True:
            driver["latch"] = place(
                f"a1-{wire.ROBOT_ADDRESS[0]}"
            )  # the same robot: a stop holds for both drivers
        super().__init__(**driver, host="127.0.0.1", local_port=0)
        self._info: RobotInfo = replace(self._info, name="a1-sdk")
        self._module = module
        self._bridge: SdkProcess | None = None

    def connect(self) -> None:
        """Start the process that holds the module, then the servo; the motors damp. Does nothing when connected.

        Raises:
            RobotError: there is no such module, it does not start, or no robot answers it.
        """
        if self._bridge is None:
            self._refuse()
            if find_spec(self._module) is None:
                raise RobotError(absent(self._module, "it is not found"))
            self._bridge = SdkProcess(self._module, self._patience)
            self._config = replace(self._config, port=self._bridge.port)
        try:
            super().connect()
        except BaseException:
            self.close()
            raise

    def read(self) -> RobotState:
        """The newest state. Never blocks, but for damping in the place of a module that does.

        A module that blocks cannot be told from a robot that is silent, as with its cable out: after ``BLOCKED`` either
        ends this connection, where robot "a1" would go on waiting.

        Raises:
            RobotError: not connected; or the servo, or the vendor's module, is gone or hung, and was killed.
            StaleState: the robot fell silent.
        """
        try:
            return super().read()
        except StaleState as error:
            if gone := self._gone() or self._end_blocked(BLOCKED):
                raise RobotError(gone) from error
            raise

    def close(self) -> None:
        """Damp, let go, and end the process that holds the module; at once if it blocks. Idempotent."""
        self._end_blocked(self._config.safety.state_hold)
        super().close()
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            bridge.end()

    @property
    def bridge_pid(self) -> int | None:
        """Of the process that holds the module; None when not connected."""
        return None if self._bridge is None else self._bridge.pid

    def _end_blocked(self, after: float) -> str:
        """Kill a module that gave nothing new for ``after`` [s] while the servo goes on, and damp in its place.

        The robot does what it was told last, whatever the servo sends. Returns what was done, empty when nothing was.
        """
        with self._lock:
            bridge, report = self._bridge, self._reports.newest()
            if bridge is None or report is None or not report["state"]["seq"] or not bridge.running:
                return ""
            age = self._clock.now() - float(report["state"]["time"])
            if age <= after or self._reports.silence() > QUIET:
                return ""
            return (
                f"no new state from the vendor's module for {age:.1f} s: it blocks, or the robot is off or its cable "
                f"out. Its process was killed, and {bridge.kill()}. close() and connect() start another one."
            )

    def _gone(self) -> str:
        """Why the module's process has ended; empty while it runs."""
        bridge = self._bridge
        if bridge is None or bridge.running:
            return ""
        return f"the process of the vendor's module is gone: {bridge.last_words()}"

"""The stop box on a serial port, through pyserial: read what has come, never wait, and notice when it is unplugged."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from robots.clock import Clock
from robots.robot import RobotError
from robots.safety.estop import Estop
from robots.safety.faults import SILENCE

BAUD = 115200
AT_ONCE = 512  # bytes taken in one go; a box sends 7 in 20 ms
PATIENCE = 5.0  # s; a box that starts anew when its port is opened takes two
POLL = 0.005  # s between two looks while waiting for it


class StopBox:
    """A box on a port, and what is thought of it: ``estop``. Call ``poll`` in a loop."""

    def __init__(self, port: str, now: float, silence: float = SILENCE):
        """Open ``port``, such as "/dev/ttyUSB0", at ``now`` [s].

        Raises:
            RobotError: pyserial is not installed, or the port is not there, not ours to open, or in use.
        """
        self.port = port
        self.estop = Estop(now, silence)
        self._serial: Any = _open(port)

    def poll(self, now: float) -> None:
        """Hear what has come by ``now`` [s]. Never waits and never raises; an unplugged box stays unplugged."""
        if self._serial is None:
            return
        try:
            self.estop.hear(self._serial.read(AT_ONCE), now)
        except OSError:  # pyserial's own errors are among these
            self.estop.lose()
            self.close()

    def await_ready(self, clock: Clock, patience: float = PATIENCE) -> None:
        """Poll until the box is heard.

        Raises:
            RobotError: it says nothing that makes sense within ``patience`` [s].
        """
        deadline = clock.now() + patience
        while True:
            now = clock.now()
            self.poll(now)
            self.estop.look(now)
            if not self.estop.waiting:
                return
            if now > deadline:
                raise RobotError(not_heard(self.port, patience))
            clock.sleep_until(now + POLL)

    def close(self) -> None:
        """Free the port. Idempotent; one that is gone is free."""
        serial, self._serial = self._serial, None
        if serial is not None:
            with suppress(OSError):
                serial.close()


def not_heard(port: str, patience: float) -> str:
    """What to say of a box whose heartbeat did not come."""
    return (
        f"no heartbeat of a stop box on {port} within {patience:g} s, so no motor is started. Is it the right port, "
        "and is the firmware of launch/estop on the box?"
    )


def _open(port: str) -> Any:
    try:
        import serial
    except ModuleNotFoundError as error:
        raise RobotError(
            f"a stop box on {port} needs pyserial, which is not installed. From a clone: pip install '.[serial]'"
        ) from error
    try:
        return serial.Serial(port, BAUD, timeout=0, exclusive=True)
    except (OSError, ValueError) as error:
        raise RobotError(
            f"the stop box's port {port} cannot be opened, so no motor is started: {_why(error)}. Is the box plugged "
            "in (ls /dev/ttyUSB* /dev/ttyACM*), may you use it (group dialout), and does no other program have it?"
        ) from error


def _why(error: Exception) -> str:
    """The system's words for it, where there are some; pyserial's have the port in them several times."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)

"""The vendor's module in a process of its own: our packets on loopback at one side, the A1 at the other.

To the servo it is a robot: a command packet comes, a state packet goes back. The module is foreign code: it may block,
it may end its process. Neither can touch the servo from here; the servo sees a robot that fell silent, and acts.

The module goes on giving its last state for ever when the robot is gone, so only what differs from the one before
is passed on. When commands stop coming it damps; whatever ends it, the last thing it asks for is damping. When the
module blocked for so long that it should have damped, what waited meanwhile is not done: it damps until the next one.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any, Protocol

from robots.a1 import wire
from robots.a1.protocol import LowCmd, PacketError, decode_command
from robots.a1.realtime import ask
from robots.a1.sdk_values import damping, is_reading, motor_commands, state_packet
from robots.clock import Clock, MonotonicClock
from robots.robot import RobotError

PERIOD = 0.002  # s between two dampings while nobody commands
SILENCE = 0.05  # s without a command, or between two looks for one, after which it damps
LINGER = 3.0  # s it stays after the process that started it is gone; a servo has left by then
LAST_COMMANDS = 5  # of damping: one may be lost
LARGEST = 2048  # bytes
AT_ONCE = 1024  # packets taken in one go: all that wait, as a socket's usual buffer has room for some 90
# What it tells the driver: the module is open; its last commands damp, and it leaves.
READY, DAMPED = b"1", b"2"
PRIORITY = 50  # of SCHED_FIFO, where permitted


class Interface(Protocol):
    """What is used of the module's ``RobotInterface``."""

    def send_command(self, motors: list[float]) -> Any:
        """60 numbers to the robot, now."""
        ...

    def receive_observation(self) -> Any:
        """The newest LowState, or the one before."""
        ...


class SdkBridge:
    """One turn is: a command in, a command out, a state in, a state out when it is new."""

    def __init__(self, interface: Interface, line: socket.socket, clock: Clock):
        """``line`` is a bound UDP socket; the first who sends a good command to it is the only one heard."""
        self._interface, self._line, self._clock = interface, line, clock
        self._line.settimeout(PERIOD)
        self._client: Any = None
        self._heard = -float("inf")
        self._looked = clock.now()
        self._passed_on = b""
        self.dropped = 0  # packets that were no command, and states that were none

    def turn(self) -> None:
        """Wait for a command, ``PERIOD`` at most, and serve it; damp when none has come for long."""
        command, now = self._newest_command(), self._clock.now()
        # What waited since then is old, and its newest, a stop maybe, may have found no room to wait in.
        old, self._looked = now - self._looked > SILENCE, now
        if command is not None and not old:
            self._heard = now
            self._interface.send_command(motor_commands(command))
        elif self._client is not None and now - self._heard > SILENCE:
            self._interface.send_command(damping())
        if self._client is not None:
            self._pass_state_on()

    def damp(self) -> None:
        """Ask for damping, often enough that one packet may be lost. Does nothing when nothing was ever asked."""
        if self._client is not None:
            for _ in range(LAST_COMMANDS):
                self._interface.send_command(damping())

    def _newest_command(self) -> LowCmd | None:
        """The last of those that wait, or the first to come within ``PERIOD``; None when there is none."""
        newest = None
        for _ in range(AT_ONCE):
            try:
                packet, source = self._line.recvfrom(LARGEST)
                self._line.setblocking(False)
                if self._client in (None, source):
                    newest, self._client = decode_command(packet), source
                else:
                    self.dropped += 1
            except (TimeoutError, BlockingIOError):
                break
            except (PacketError, OSError):  # or the servo has closed its port
                self.dropped += 1
        self._line.settimeout(PERIOD)
        return newest

    def _pass_state_on(self) -> None:
        try:
            packet = state_packet(self._interface.receive_observation())
        except RobotError as error:
            if not is_reading(error):
                raise
            self.dropped += 1
            return
        if packet is None or packet == self._passed_on:
            return
        self._passed_on = packet
        try:
            self._line.sendto(packet, self._client)
        except OSError:
            self.dropped += 1


def open_interface(name: str) -> Interface:
    """The module's RobotInterface, whichever of its forms it has.

    Raises:
        RobotError: no such module, or it is another one of that name.
    """
    try:
        module: ModuleType = importlib.import_module(name)
    except ImportError as error:
        raise RobotError(absent(name, str(error))) from error
    made = getattr(module, "RobotInterface", None)
    if made is None:
        raise RobotError(
            f"the module '{name}' at {getattr(module, '__file__', '?')} has no RobotInterface. The vendor's SDK v3.8 "
            "and the package unitree-legged-sdk are for the Go1 and do not drive an A1. " + absent(name, "")
        )
    try:
        interface: Interface = made()
    except TypeError:  # a form that wants to be told the level
        interface = made(wire.LOW_LEVEL)
    return interface


def absent(name: str, why: str) -> str:
    """What to build, for a person."""
    came = f" ({why})" if why else ""
    return (
        f"robot 'a1-sdk' needs the vendor's Python module '{name}'{came}. Build the pybind11 module of that name, as "
        "in motion_imitation, against unitree_legged_sdk v3.2 to v3.3.4 with this Python "
        f"({sys.version_info.major}.{sys.version_info.minor}), and put the folder of its .so file into PYTHONPATH. "
        "Or use robot 'a1', which speaks to the robot without it."
    )


def main(arguments: list[str]) -> int:
    """Run the bridge. Arguments: the module's name, descriptors of the line and of the pipe, the driver's pid."""
    name, (line_fd, pipe_fd, parent) = arguments[0], map(int, arguments[1:])
    line = socket.socket(fileno=line_fd)
    clock, told = MonotonicClock(), []
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    try:
        bridge = SdkBridge(open_interface(name), line, clock)
        signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
        os.write(pipe_fd, READY)
        ask(PRIORITY)
        _run(bridge, lambda: bool(told), parent, clock)
        with suppress(OSError):  # the driver is gone
            os.write(pipe_fd, DAMPED)
    except RobotError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _run(bridge: SdkBridge, told: Callable[[], bool], parent: int, clock: Clock) -> None:
    """Serve until told to leave, or until the driver's process has been gone for ``LINGER``."""
    orphaned_at: float | None = None
    try:
        while not told():
            bridge.turn()
            if os.getppid() != parent:
                orphaned_at = clock.now() if orphaned_at is None else orphaned_at
                if clock.now() - orphaned_at > LINGER:
                    break
    finally:
        bridge.damp()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""An emulated A1 as a process of its own: UDP outside, PyBullet inside, and a log of what its motors did.

The log has one JSON object a line: ``time`` (s, monotonic), ``drive`` ("driven", "damped", "limp") and ``cause``; the
last line has the firmware's counters in place of them. It is the robot's own witness of what a driver did to it.

SIGUSR1 holds L2 and B on its remote control, which stops a driver that looks; SIGUSR2 lets them go.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from robots.a1 import remote, wire
from robots.a1.emulator import Emulator
from robots.a1.firmware import Firmware, FirmwareConfig
from robots.a1.line import LineConfig
from robots.a1.realtime import ask
from robots.a1.servo_process import environment
from robots.clock import Clock, MonotonicClock
from robots.program import program
from robots.robot import RobotError

_log = logging.getLogger(__name__)

LINGER = 3.0  # s it goes on after the process that started it is gone
PATIENCE = 5.0  # s until it must have left
START = (
    120.0  # s that it may take to begin, on a computer with much else to do; one that ends says so at once
)


@dataclass(frozen=True)
class EmulatorConfig:
    """What one may want to differ from one emulated A1 to the next; plain data."""

    host: str = "127.0.0.1"
    port: int = wire.ROBOT_ADDRESS[1]  # 0 takes a free one
    start: str = "belly"  # "back", "belly" or "stand"
    seed: int = 0
    reply: str = "answer"  # a state for each command, or "stream": one each tick
    latency: float = 0.0  # s, in each direction
    jitter: float = 0.0  # s, in each direction
    loss: float = 0.0  # probability, in each direction
    command_timeout: float | None = None  # s without a command until the motors brake; None: never
    gui: bool = False
    distortion: dict[str, Any] = field(default_factory=dict)  # what is wrong with it, see ``Distortion``
    priority: int = 40  # of SCHED_FIFO, where permitted: the robot it stands for has a computer of its own
    log: str = ""  # file of the log; none when empty

    def firmware(self) -> FirmwareConfig:
        """The part that the firmware goes by. Raises RobotError on values that cannot be."""
        line = LineConfig(self.latency, self.jitter, self.loss)
        reply = self.reply
        if reply not in ("answer", "stream"):
            raise RobotError(f"reply is 'answer' or 'stream', got '{reply}'")
        return FirmwareConfig(
            reply="answer" if reply == "answer" else "stream",
            command_timeout=self.command_timeout,
            commands=line,
            states=line,
            seed=self.seed,
        )


def emulate(
    config: EmulatorConfig,
    stop: Callable[[], bool],
    ready: Callable[[tuple[str, int]], None],
    clock: Clock | None = None,
) -> None:
    """Be an A1 until ``stop()``, which is asked every tick; ``ready`` is told the address.

    Raises:
        RobotError: the address is taken, PyBullet is absent, or a setting cannot be.
    """
    from robots.a1.sim_body import SimBody
    from robots.sim.distortion import Distortion

    try:
        firmware = config.firmware()
    except ValueError as error:
        raise RobotError(f"an emulated A1 cannot be so: {error}") from error
    with ExitStack() as stack:
        wrong = Distortion.of(config.distortion)
        body = SimBody(start=config.start, seed=config.seed, gui=config.gui, distortion=wrong)
        emulator = stack.enter_context(Emulator(body, firmware, config.host, config.port, clock))
        stack.enter_context(_remote_by_signal(emulator.firmware))
        file = stack.enter_context(open(config.log, "a", buffering=1)) if config.log else None
        granted = ask(config.priority)
        if config.priority and not granted.realtime:
            _log.warning("the emulated A1 has no real-time priority: it may fall behind on a busy computer")

        def ended() -> bool:
            if file is not None:
                _write_changes(emulator, file)
            return stop()

        ready(emulator.address)
        emulator.run(ended)
        if file is not None:
            file.write(json.dumps(asdict(emulator.firmware.counters)) + "\n")


@contextmanager
def _remote_by_signal(firmware: Firmware) -> Iterator[None]:
    """SIGUSR1 and SIGUSR2 press and release the stopping chord, while inside."""

    def turn(number: int, frame: object) -> None:
        held = remote.STOP if number == signal.SIGUSR1 else remote.Button(0)
        firmware.hold_remote(remote.holding(held))

    if threading.current_thread() is not threading.main_thread():  # only that one may take signals
        yield
        return
    before = {number: signal.signal(number, turn) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_changes(emulator: Emulator, file: IO[str]) -> None:
    changes = emulator.firmware.log
    while changes:
        change = changes.popleft()
        line = {"time": change.time, "drive": change.drive.value, "cause": change.cause}
        file.write(json.dumps(line) + "\n")


class EmulatorProcess:
    """A running emulated A1. ``end`` must be called; should this process die instead, it leaves after LINGER."""

    def __init__(self, config: EmulatorConfig, patience: float = START):
        """Start it and wait until it listens.

        Raises:
            RobotError: it does not, within ``patience`` [s]; the text says why.
        """
        self._process = subprocess.Popen(
            program("robots.a1.emulator_process", json.dumps(asdict(config)), str(os.getpid())),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment(),
        )
        self.address = self._await_address(patience)

    def hold_stop(self, held: bool) -> None:
        """Hold the stopping chord on its remote control, or let it go."""
        self._process.send_signal(signal.SIGUSR1 if held else signal.SIGUSR2)

    def end(self) -> None:
        """Stop it. Idempotent."""
        for way in (self._process.terminate, self._process.kill):
            if self._process.poll() is None:
                way()
                try:
                    self._process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    continue
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _await_address(self, patience: float) -> tuple[str, int]:
        import selectors

        assert self._process.stdout is not None
        clock = MonotonicClock()
        deadline, text = clock.now() + patience, ""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while (left := deadline - clock.now()) > 0:
                if not selector.select(left):
                    break
                more = os.read(self._process.stdout.fileno(), 4096).decode(errors="replace")
                text += more
                for line in text.splitlines():
                    if line.startswith('["'):
                        host, port = json.loads(line)
                        return host, port
                if not more:
                    break
        self.end()
        why = text.strip().splitlines()[-1:] or [f"it said nothing for {patience} s"]
        raise RobotError(f"the emulated A1 did not start: {why[0]}")


def main(arguments: list[str]) -> int:
    """Run one. Arguments: configuration as JSON, pid of the process that started it."""
    config, parent = EmulatorConfig(**json.loads(arguments[0])), int(arguments[1])
    clock, told = MonotonicClock(), []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    orphaned_at: float | None = None

    def stop() -> bool:
        nonlocal orphaned_at
        if orphaned_at is None and os.getppid() != parent:
            orphaned_at = clock.now()
        return bool(told) or (orphaned_at is not None and clock.now() - orphaned_at > LINGER)

    def ready(address: tuple[str, int]) -> None:
        sys.stdout.write(json.dumps(address) + "\n")
        sys.stdout.flush()

    try:
        emulate(config, stop, ready, clock)
    except RobotError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The servo process: 500 times a second packets from the robot, orders from the driver, one packet to the robot.

It outlives the process that started it for as long as damping takes, because that one may be killed at any moment. A
Ctrl-C in the terminal does not reach it; SIGTERM makes it damp and leave. Whatever ends it, the last packets damp.
Nothing in the loop waits, logs, or grows: it counts, and the driver reports.

The stop box is heard here, and the robot's remote control is looked at here: neither needs the driver's process.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from robots.a1 import model
from robots.a1.mailbox import Mailbox
from robots.a1.parent import Parent
from robots.a1.realtime import Granted, ask
from robots.a1.records import ORDER, REPORT, parse
from robots.a1.servo_config import CANNOT, LAST_PACKETS, ServoConfig
from robots.a1.servo_loop import ServoLoop, damping
from robots.a1.ticks import Ticks
from robots.a1.udp import UdpLine
from robots.clock import Clock, MonotonicClock
from robots.robot import NO_ROBOT, RobotAbsent, RobotError
from robots.safety.estop_serial import StopBox
from robots.safety.faults import Finding
from robots.safety.latch import Keeper

UNKEPT = 1.0  # s that a stop may take to the disk; after that a person is told
STDERR = 2


class Servo:
    """The loop with its surroundings: line, mailboxes, clock, and the process that wants it."""

    def __init__(self, config: ServoConfig, orders: Mailbox, reports: Mailbox, parent: int, clock: Clock):
        """Open the line to the robot. ``parent`` is the driver's process.

        Raises:
            RobotError: the line, or the stop box's port, cannot be opened.
        """
        self._box = StopBox(config.estop, clock.now(), config.estop_silence) if config.estop else None
        self._line = UdpLine(config.host, config.port, config.local_port)
        self._orders, self._reports, self._parent = orders, reports, Parent(parent)
        self._config, self._clock = config, clock
        self._info = model.info(simulated=False)
        self.loop = ServoLoop(self._info, config, clock.now(), self._box.estop if self._box else None)
        self._keeper = Keeper(Path(config.latch), Path(config.latch).stem) if config.latch else None
        self._kept: tuple[int, tuple[Finding, ...]] = (0, ())
        self._owed_since: float | None = None  # s, that a stop is not on the disk

    def run(self, granted: Granted) -> None:
        """Tick until the loop is done; then, and if anything goes wrong, leave the robot damped."""
        loop, report, clock = self.loop, self.loop.report, self._clock
        report["realtime"], report["locked"] = granted
        report["began"] = clock.now()
        ticks, last = Ticks(clock, 1.0 / self._config.hz), damping()
        try:
            while not loop.done:
                ticks.wait()
                now = clock.now()
                if self._box is not None:
                    self._box.poll(now)
                for packet in self._line.receive():
                    loop.hear(packet, now)
                letter = self._orders.take()
                if letter is not None:
                    loop.obey(parse(ORDER, letter.content), now)
                self._line.send(loop.step(now, orphaned=self._parent.gone()))
                self._keep(now)
                self._post(ticks)
        finally:
            for _ in range(LAST_PACKETS):
                self._line.send(last)
            loop.report["damped"] = 1  # before anything that may take its time
            self._post(ticks)
            self._line.close()
            self._parent.close()
            if self._box is not None:
                self._box.close()
            if self._keeper is not None and not self._keeper.close():
                _say(self._keeper.failure)

    def _keep(self, now: float) -> None:
        """What a restart must not forget goes to the disk, in a thread of its own; tell when it does not get there."""
        keeper, stops = self._keeper, self.loop.stops
        if keeper is None:
            return
        if self._kept != (self.loop.begun, stops):
            self._kept = (self.loop.begun, stops)
            if stops:
                keeper.keep("; ".join(stop.text(self._info) for stop in stops))
            else:
                keeper.forget(self.loop.operator)
        if not keeper.owes:
            self._owed_since = None
        elif self._owed_since is None:
            self._owed_since = now
        self.loop.report["unkept"] = self._owed_since is not None and now - self._owed_since > UNKEPT

    def _post(self, ticks: Ticks) -> None:
        report = self.loop.report
        report["ticks"], report["missed"], report["latest"] = ticks.count, ticks.missed, ticks.latest
        report["late"], report["unsent"] = ticks.late, self._line.unsent
        self._reports.post(report.tobytes())


def _say(words: str) -> None:
    """To the driver, which logs it. Past Python's own buffers: what they cannot get rid of changes the exit code."""
    with suppress(OSError):
        os.write(STDERR, f"{words}\n".encode())


def main(arguments: list[str]) -> int:
    """Run the servo. Arguments: configuration as JSON, file descriptors of orders and reports, the driver's pid."""
    config = ServoConfig.from_json(arguments[0])
    orders, reports = Mailbox(ORDER.itemsize, int(arguments[1])), Mailbox(REPORT.itemsize, int(arguments[2]))
    for name in ("SIGINT", "SIGHUP", "SIGPIPE"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        servo = Servo(config, orders, reports, int(arguments[3]), MonotonicClock())
    except RobotError as error:
        sys.stderr.write(f"{error}\n")
        return NO_ROBOT if isinstance(error, RobotAbsent) else CANNOT
    signal.signal(signal.SIGTERM, lambda number, frame: servo.loop.leave())
    servo.run(ask(config.priority))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The servo process: 500 times a second packets from the robot, orders from the driver, one packet to the robot.

It outlives the process that started it for as long as damping takes, because that one may be killed at any moment. A
Ctrl-C in the terminal does not reach it; SIGTERM makes it damp and leave. Whatever ends it, the last packets damp.
Nothing in the loop waits, logs, or grows: it counts, and the driver reports.
"""

from __future__ import annotations

import os
import signal
import sys

from robots.a1 import model
from robots.a1.mailbox import Mailbox
from robots.a1.realtime import Granted, ask
from robots.a1.records import ORDER, REPORT, parse
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_loop import ServoLoop
from robots.a1.ticks import Ticks
from robots.a1.udp import UdpLine
from robots.clock import Clock, MonotonicClock
from robots.robot import RobotError

LAST_PACKETS = 5  # of damping, however it ends: one may be lost
CANNOT = 2  # exit code: it would fail again in the same way


class Servo:
    """The loop with its surroundings: line, mailboxes, clock, and the process that wants it."""

    def __init__(self, config: ServoConfig, orders: Mailbox, reports: Mailbox, parent: int, clock: Clock):
        """Open the line to the robot. ``parent`` is the driver's process.

        Raises:
            RobotError: the line cannot be opened.
        """
        self._line = UdpLine(config.host, config.port, config.local_port)
        self._orders, self._reports, self._parent = orders, reports, parent
        self._config, self._clock = config, clock
        self.loop = ServoLoop(model.info(simulated=False), config, clock.now())

    def run(self, granted: Granted) -> None:
        """Tick until the loop is done; then, and if anything goes wrong, leave the robot damped."""
        loop, report, clock = self.loop, self.loop.report, self._clock
        report["realtime"], report["locked"] = granted
        report["began"] = clock.now()
        ticks = Ticks(clock, 1.0 / self._config.hz)
        try:
            while not loop.done:
                ticks.wait()
                now = clock.now()
                for packet in self._line.receive():
                    loop.hear(packet, now)
                letter = self._orders.take()
                if letter is not None:
                    loop.obey(parse(ORDER, letter.content), now)
                self._line.send(loop.step(now, orphaned=os.getppid() != self._parent))
                self._post(ticks)
        finally:
            for _ in range(LAST_PACKETS):
                self._line.send(loop.damping())
            self._line.close()

    def _post(self, ticks: Ticks) -> None:
        report = self.loop.report
        report["ticks"], report["missed"], report["latest"] = ticks.count, ticks.missed, ticks.latest
        report["late"], report["unsent"] = ticks.late, self._line.unsent
        self._reports.post(report.tobytes())


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
        return CANNOT
    signal.signal(signal.SIGTERM, lambda number, frame: servo.loop.leave())
    servo.run(ask(config.priority))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

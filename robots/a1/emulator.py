"""An A1 on the network: the emulated firmware behind a UDP socket, in real time.

A client that lets one choose the address is sent to 127.0.0.1:8007. One that has 192.168.123.10 written into it is
served in a network namespace that has this address on its own loopback; nothing outside it is touched:

    unshare --user --map-root-user --net sh -c '
      ip link set lo up && ip address add 192.168.123.10/24 dev lo
      <start the emulator on host 192.168.123.10> &
      <start the client>'
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from types import TracebackType

from robots.a1 import wire
from robots.a1.body import Body
from robots.a1.firmware import Firmware, FirmwareConfig
from robots.clock import Clock, MonotonicClock
from robots.robot import RobotError
from robots.sim.clock import Pacer

log = logging.getLogger(__name__)

# At 500 Hz 16,000 packets a second, less than a tick's worth of work. The socket drops what a flood adds to it.
PACKETS_PER_TICK = 32
LARGEST = 2048  # bytes; a longer packet arrives cut, and still has a wrong length


class Emulator:
    """Binds as the robot does and answers from the same port. A context manager.

    ``turn`` is one tick and never waits, for tests; ``run`` is ticks in real time until it is told to stop. One thread
    only; ``stop`` is asked every tick.
    """

    def __init__(
        self,
        body: Body,
        config: FirmwareConfig | None = None,
        host: str = "127.0.0.1",
        port: int = wire.ROBOT_ADDRESS[1],
        clock: Clock | None = None,
    ):
        """Bind the socket.

        Args:
            body: what the motors move; closed with the emulator.
            config: of the firmware.
            host: an address of this computer.
            port: UDP; 0 takes a free one, see ``address``.
            clock: monotonic time by default.

        Raises:
            RobotError: the address is taken, or is not this computer's.
        """
        self.clock: Clock = clock or MonotonicClock()
        self.firmware = Firmware(body, config)
        self.unsent = 0  # answers that the network would not take
        self._body = body
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self.close()
            raise RobotError(
                f"the emulated A1 cannot listen on UDP {host}:{port}: {error.strerror}. "
                "Is another one running? Choose another port, or 0 for any."
            ) from error
        self._socket.setblocking(False)
        self.address: tuple[str, int] = self._socket.getsockname()

    def turn(self) -> None:
        """Take what has come, move the robot on by one tick, and send what is due. Never waits."""
        now = self.clock.now()
        for _ in range(PACKETS_PER_TICK):
            try:
                packet, source = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                break
            except OSError:  # an earlier answer did not reach its client: its port is closed
                continue
            self.firmware.receive(packet, source, now)
        for answer, client in self.firmware.tick(now):
            try:
                self._socket.sendto(answer, client)
            except OSError:
                self.unsent += 1

    def run(self, stop: Callable[[], bool]) -> None:
        """Ticks in real time until ``stop()``; after a stall of the computer the robot's time does not rush."""
        log.info("an emulated A1 listens on UDP %s:%d", *self.address)
        pacer = Pacer(self.clock)
        while not stop():
            self.turn()
            pacer.pace(self._body.dt)

    def close(self) -> None:
        """Free the port and the body. Idempotent."""
        self._socket.close()
        self._body.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

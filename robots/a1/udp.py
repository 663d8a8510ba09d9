"""A UDP line to one robot that never waits and never raises once it is open: what goes wrong is counted."""

from __future__ import annotations

import errno
import socket

from robots.robot import RobotAbsent, RobotError

LARGEST = 2048  # bytes; a longer packet arrives cut, and still has a wrong length
AT_ONCE = 160  # packets taken in one go: all that wait, as a socket's usual buffer has room for some 90

# No network yet, or its cable is out.
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)


class UdpLine:
    """Bound here, connected there: packets of others never arrive."""

    def __init__(self, host: str, port: int, local_port: int):
        """Open the line.

        Args:
            host: the robot's address.
            port: the robot's port.
            local_port: ours; 0 takes a free one.

        Raises:
            RobotAbsent: the robot's network cannot be reached.
            RobotError: our port is taken.
        """
        self.unsent = 0  # packets that the system would not take
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(("", local_port))
            self._socket.connect((host, port))
        except OSError as error:
            self._socket.close()
            kind = RobotAbsent if error.errno in _NO_WAY else RobotError
            raise kind(
                f"no UDP line from port {local_port} to {host}:{port}: {error.strerror}. Is another driver "
                "running, and this computer on the robot's network (for an A1 192.168.123.x)?"
            ) from error
        self._socket.setblocking(False)

    def send(self, packet: bytes) -> None:
        """Send ``packet``, or count that it could not be sent."""
        try:
            self._socket.send(packet)
        except OSError:  # the buffer is full, the cable is out, nobody listens
            self.unsent += 1

    def receive(self) -> list[bytes]:
        """What has arrived and was not taken yet, oldest first; at most AT_ONCE packets.

        What a late caller left in the socket would be taken for news at its next call.
        """
        packets: list[bytes] = []
        for _ in range(AT_ONCE):
            try:
                packets.append(self._socket.recv(LARGEST))
            except BlockingIOError:
                break
            except OSError:  # the answer to an earlier packet was that nobody listens
                continue
        return packets

    def close(self) -> None:
        """Free the port. Idempotent."""
        self._socket.close()

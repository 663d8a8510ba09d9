"""One TCP connection of an actor to its learner: opened once, and never reopened behind our back.

ZeroMQ would reconnect by itself and deliver, to a learner that may be another one by now, messages that were
meant for the old connection. So each connection is a socket of its own; when it is lost the link opens the
next, which begins with a hello.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import zmq
from zmq.utils.monitor import parse_monitor_message

from daydreamer.transport.address import Address
from daydreamer.transport.auth import ActorKeys
from daydreamer.transport.link import LinkError
from daydreamer.transport.messages import MAX_SMALL_BYTES

_numbers = itertools.count()

KEYS_DIFFER = (
    "the keys do not fit: is learner.pub the one of this learner, and do both sides use keys, or both none?"
)
_LOST: dict[int, str] = {
    zmq.EVENT_CLOSED: "nobody listens there",
    zmq.EVENT_DISCONNECTED: "the connection was closed",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "our key is not allowed: copy our .pub into the learner's allowed/",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "the handshake failed",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: KEYS_DIFFER,
}
_CERTAIN = {zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL}
_GIVEN_UP = "closed while it was being made: does a learner run behind that port, and does it want keys?"


class Connection:
    """A connection being made, made, or lost. One thread."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], address: Address, keys: ActorKeys | None):
        """Begin to connect; returns at once.

        Raises:
            LinkError: the address is none that can be connected to, or this process has no room for one more.
        """
        self._lost: str | None = None
        self._unexplained = _GIVEN_UP if keys is None else KEYS_DIFFER
        # The keys keep us out: for certain, or it seems so, as nothing is said.
        self.denied = self.locked_out = False
        with contextlib.ExitStack() as undo:
            try:
                self.socket = undo.enter_context(context.socket(zmq.DEALER))
                self.socket.setsockopt(zmq.LINGER, 0)
                self.socket.setsockopt(zmq.RECONNECT_IVL, -1)
                self.socket.setsockopt(zmq.IPV6, int(address.is_ipv6))
                self.socket.setsockopt(zmq.SNDHWM, 8192)  # more than the window lets out
                self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_SMALL_BYTES)
                if keys is not None:
                    keys.apply(self.socket)
                name = f"inproc://connection-{next(_numbers)}"
                self.socket.monitor(name, sum(_LOST))
                self.events = undo.enter_context(context.socket(zmq.PAIR))
                self.events.setsockopt(zmq.LINGER, 0)
                self.events.connect(name)
                self.socket.connect(address.endpoint)
            except zmq.ZMQError as error:
                raise LinkError(f"cannot connect to {address}: {error}") from error
            undo.pop_all()

    def lost(self) -> str | None:
        """Why the connection is gone, or None while it is being made or stands."""
        while self._lost is None and self.events.poll(0):
            event = parse_monitor_message(self.events.recv_multipart())["event"]
            unexplained = event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
            self.denied = event in _CERTAIN
            self.locked_out = self.denied or unexplained
            self._lost = self._unexplained if unexplained else _LOST.get(event, f"ZeroMQ's event {event}")
        return self._lost

    def send(self, data: bytes) -> bool:
        """Send one message; False when there is no room, and then the connection is of no use."""
        try:
            self.socket.send(data, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def receive(self, most: int = 256) -> Iterator[bytes]:
        """Up to ``most`` of the messages that are here."""
        for _ in range(most):
            try:
                parts = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            yield b"".join(parts)  # one part, from a learner of ours; what others send is not decoded

    def close(self) -> None:
        """Let go at once; what was not sent is dropped."""
        self.socket.disable_monitor()
        self.events.close()
        self.socket.close()

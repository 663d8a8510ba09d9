"""Who knocks at a listening socket and does not get in: one line in the log, once in a while, and a count.

libzmq drops them before our code could see a byte: no keys, a password in place of keys, keys of another learner,
or something that is not ZeroMQ at all. It says so only on a socket's monitor. A key that is not allowed is the
doorman's affair (``auth.Doorman``), which knows its address.
"""

from __future__ import annotations

from collections import deque

import zmq
from zmq.utils.monitor import parse_monitor_message

from daydreamer.transport.seldom import Seldom

PATIENCE = 6.0  # s; libzmq gives a handshake 5 s
MOST_EVENTS = 10_000  # that wait to be read: beyond them libzmq itself would wait for us
MOST_AT_ONCE = 200

_FAILED = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH  # the doorman has said so
_WATCHED = zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | _FAILED | _REFUSED


class Handshakes:
    """Follows the handshakes of one listening ``socket``; for its thread."""

    def __init__(self, socket: zmq.Socket[bytes], seldom: Seldom):
        self._listening, self._seldom = socket, seldom
        name = f"inproc://handshakes-{id(socket)}"
        socket.monitor(name, _WATCHED)
        self.socket = socket.context.socket(zmq.PAIR)
        self.socket.setsockopt(zmq.RCVHWM, MOST_EVENTS)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(name)
        self._open: deque[float] = deque(
            maxlen=MOST_EVENTS
        )  # when connections came that have not come through

    def check(self, now: float) -> None:
        """Read what happened until ``now`` [s], and log what failed."""
        for _ in range(MOST_AT_ONCE):
            if not self.socket.poll(0):
                break
            event = parse_monitor_message(self.socket.recv_multipart())["event"]
            if event == zmq.EVENT_ACCEPTED:
                self._open.append(now)
                continue
            if self._open:
                self._open.popleft()
            if event & _FAILED:
                self._seldom.warning(
                    "a connection failed in its handshake and got nothing: it has no keys where this side has, keys "
                    "where it has none, or another learner's"
                )
        while self._open and now - self._open[0] > PATIENCE:
            self._open.popleft()
            self._seldom.warning("a connection spoke no ZeroMQ, and got nothing")

    def close(self) -> None:
        """Stop watching. Before the listening socket is closed."""
        self._listening.disable_monitor()
        self.socket.close()

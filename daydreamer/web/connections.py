"""How many connections the page's server holds, whoever dials: those that say nothing make way for new ones.

Without a bound they take every file the process may open. Then nobody comes in any more, no STOP either, and the event
loop writes megabytes a second about it into the log.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Door(socket.socket):
    """A listening socket for TLS. Of the connections whose handshake is not over the oldest makes way for a new one.

    Until its handshake is over nobody but the event loop knows of a connection, and it waits a minute for each.

    Args:
        sock: Listens; its place is taken, it is no socket any more.
        most: Handshakes at once.
    """

    def __init__(self, sock: socket.socket, most: int):
        super().__init__(sock.family, sock.type, sock.proto, sock.detach())
        self._most = most
        self._shaking: dict[int, socket.socket] = {}  # by file, oldest first

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection."""
        connection, address = super().accept()
        self._shaking = {
            file: one for file, one in self._shaking.items() if one.fileno() == file
        }  # still open
        self._shaking[connection.fileno()] = connection
        if len(self._shaking) > self._most:
            oldest = self._shaking.pop(next(iter(self._shaking)))
            with suppress(OSError):  # hung up already
                oldest.shutdown(socket.SHUT_RDWR)  # the event loop, whose it is, reads its end and closes it
        return connection, address

    def made(self, connection: int) -> None:
        """The handshake of the connection with this file is over."""
        self._shaking.pop(connection, None)


def bounded(most: int, door: Door | None = None) -> type[H11Protocol]:
    """A protocol for one server that holds ``most`` connections: the oldest without a request goes first.

    ``door`` is where they came in, if they came by TLS.
    """
    held: dict[Bounded, None] = {}  # oldest first

    class Bounded(H11Protocol):
        @property
        def idle(self) -> bool:
            """Whether no request is being answered."""
            return self.cycle is None or self.cycle.response_complete

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            if door is not None:
                door.made(transport.get_extra_info("socket").fileno())
            super().connection_made(transport)
            held[self] = None
            if len(held) > most:
                surplus = next(one for one in held if one.idle)  # this one, if no other
                del held[surplus]
                surplus.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            held.pop(self, None)
            super().connection_lost(exc)

    return Bounded

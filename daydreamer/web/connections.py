"""How many connections the page's server holds, whoever dials: those that say nothing make way for new ones.

Without a bound they take every file the process may open. Then nobody comes in any more, no STOP either, and the event
loop writes megabytes a second about it into the log.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


def bounded(most: int) -> type[H11Protocol]:
    """A protocol for one server that holds ``most`` connections: the oldest without a request goes first."""
    held: dict[Bounded, None] = {}  # oldest first

    class Bounded(H11Protocol):
        @property
        def idle(self) -> bool:
            """Whether no request is being answered."""
            return self.cycle is None or self.cycle.response_complete

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
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

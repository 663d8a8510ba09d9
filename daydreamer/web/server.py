"""The web server: one page, one stream of what is new, hands, and ``/metrics``.

Each viewer has its own place in the stream. One that reads slowly gets less, the newest each time, and costs nobody
else anything; nothing here waits for a viewer, and nothing of the robot's waits for this process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from daydreamer.core.errors import DaydreamerError
from daydreamer.transport.console_messages import GOOD_FOR, WISHES
from daydreamer.web import prometheus
from daydreamer.web.access import Access, Denied
from daydreamer.web.board import Board
from daydreamer.web.connections import Door, bounded

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

PAGE = Path(__file__).parent / "page"
MOST_VIEWERS = 32
MOST_CONNECTIONS = 200  # a process may have 1024 files open
MOST_AT_ONCE = 64  # connections taken in before those beyond the bound are let go, and TLS handshakes at once
READERS, HANDS = 16, 64  # threads for what the disk may keep waiting, and for what must never wait with it
_PERIOD = 0.1  # s between two looks at what is new
_STATUS_EVERY = 10  # of these
_MOST_BODY = 4096  # bytes of a hand
_TAKES = 2.0  # s for the actor's word that it has received one
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def application(board: Board, access: Access) -> Starlette:
    """The ASGI application. The board is started and closed by the caller."""
    server = _Server(board, access)
    return Starlette(
        routes=[
            Route("/", server.page),
            Route("/api/hello", server.hello),
            Route("/api/stream", server.stream),
            Route("/api/dream", server.dream),
            Route("/api/hand", server.hand, methods=["POST"]),
            Route("/metrics", server.metrics),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[Middleware(_Headers), Middleware(GZipMiddleware, minimum_size=1000)],
    )


def configuration(
    board: Board,
    access: Access,
    certificate: Path | None = None,
    key: Path | None = None,
    door: Door | None = None,
) -> uvicorn.Config:
    """How it is served; ``door`` is the socket, where there is a certificate."""
    return uvicorn.Config(
        application(board, access), log_level="warning", access_log=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=1, ssl_certfile=certificate, ssl_keyfile=key,
        http=bounded(MOST_CONNECTIONS, door), backlog=MOST_AT_ONCE, loop="asyncio",
    )  # fmt: skip


def serve(
    board: Board,
    access: Access,
    sock: socket.socket,
    certificate: Path | None,
    key: Path | None,
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve on a bound socket until SIGINT or SIGTERM; ``announce`` is called when nothing is in the way of that.

    Raises:
        DaydreamerError: The certificate is none.
    """
    door = None if certificate is None else Door(sock, MOST_AT_ONCE)
    with door or sock as listening:
        config = configuration(board, access, certificate, key, door)
        try:
            config.load()
        except OSError as error:  # those of ssl are, too
            raise DaydreamerError(f"the certificate {certificate} cannot be used: {error}") from error
        announce()
        board.start()
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            board.close()


class _Server:
    def __init__(self, board: Board, access: Access):
        self._board, self._access = board, access
        self._robots: tuple[Any, bytes] = (None, b"")  # packed once for all viewers

    @cached_property
    def _readers(self) -> CapacityLimiter:
        return CapacityLimiter(READERS)

    @cached_property
    def _hands(self) -> CapacityLimiter:
        return CapacityLimiter(HANDS)

    async def _read(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """What may touch the run's disk; where that hangs, no more than these threads hang with it."""
        return await to_thread.run_sync(function, *arguments, limiter=self._readers)

    async def page(self, request: Request) -> Response:
        return _denied(self._access.page(request.headers)) or FileResponse(PAGE / "index.html")

    async def hello(self, request: Request) -> Response:
        """Also tells whether the token that came is good for hands."""
        if denied := _denied(self._access.read(request.headers)):
            return denied
        return _json({**self._board.hello(), "hands": self._access.hand(request.headers) is None})

    async def dream(self, request: Request) -> Response:
        if denied := _denied(self._access.read(request.headers)):
            return denied
        number = request.query_params.get("sequence", "0")
        sequence = int(number) if number.isdecimal() and len(number) < 6 else 0
        return _json(await self._read(self._board.dream, sequence))

    async def metrics(self, request: Request) -> Response:
        if denied := _denied(self._access.read(request.headers)):
            return denied
        text = await self._read(prometheus.exposition, self._board)
        return Response(text, media_type=prometheus.CONTENT_TYPE)

    async def hand(self, request: Request) -> Response:
        """Answers when the actor has received it; what came of it is for the telemetry to show."""
        if denied := _denied(self._access.hand(request.headers)):
            return denied
        try:
            wish, operator, robot, until = _wish(await _body(request))
        except ValueError as error:
            return PlainTextResponse(str(error), 400)
        try:
            await to_thread.run_sync(self._pass_on, wish, operator, robot, until, limiter=self._hands)
        except DaydreamerError as error:
            return PlainTextResponse(str(error), 502)
        return PlainTextResponse("received")

    def _pass_on(self, wish: str, operator: str, robot: str | None, until: float) -> None:
        """Raises DaydreamerError as ``Board.hand`` does, and when the wish is later than ``until``; no stop ever is."""
        left = _TAKES if wish == "damp" else until - time.monotonic()
        if not 0 < left <= GOOD_FOR:
            raise DaydreamerError("It came too late and was not done: look at the robot, then wish again.")
        self._board.hand(wish, operator, robot, min(left, _TAKES))

    async def stream(self, request: Request) -> Response:
        """Server-sent events: status, robots, curves."""
        if denied := _denied(self._access.read(request.headers)):
            return denied
        if self._board.viewers >= MOST_VIEWERS:
            return PlainTextResponse(f"there are {MOST_VIEWERS} viewers already: close another page", 503)
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[bytes]:
        board, robots, tick = self._board, None, 0
        curves: tuple[int, int, float] = (
            -1,
            0,
            math.nan,
        )  # generation, bins, newest: as this viewer has them
        board.viewers += 1
        try:
            while True:
                if (count := board.robots_count()) != robots:  # first: a stop needs no more than this
                    robots = count
                    yield self._robot_event(count)
                if tick % _STATUS_EVERY == 0:
                    clock = time.monotonic()  # a wish says until when, by this clock, it may be done
                    yield _event("status", {"clock": clock, **await self._read(board.status)})
                end = board.run.curves_end() if board.run is not None else None
                if board.run is not None and end is not None and end != curves:
                    # The last bin that the viewer has may have grown since.
                    fresh = await self._read(board.run.curves, curves[0], max(0, curves[1] - 1))
                    curves = (fresh["generation"], fresh["end"], end[2])
                    yield _event("curves", fresh)
                tick += 1
                await asyncio.sleep(_PERIOD)
        finally:
            board.viewers -= 1

    def _robot_event(self, count: object) -> bytes:
        if self._robots[0] != count:
            self._robots = (count, _event("robots", self._board.robot_messages()))
        return self._robots[1]


class _Headers:
    """Adds what a browser needs to keep others out."""

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


async def _body(request: Request) -> bytes:
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > _MOST_BODY:
            raise ValueError(f"a hand is at most {_MOST_BODY} bytes")
    return data


def _wish(body: bytes) -> tuple[str, str, str | None, float]:
    """Wish, operator, robot, and until when it may be done (NaN: not said). Raises ValueError when there is none."""
    try:
        data = json.loads(body, parse_int=float)
    except (ValueError, RecursionError) as error:
        raise ValueError('expected JSON like {"wish": "pause"}') from error
    if not isinstance(data, dict) or data.get("wish") not in WISHES:
        raise ValueError(f"expected a wish, one of {', '.join(WISHES)}")
    operator, robot = data.get("operator", ""), data.get("robot")
    if not isinstance(operator, str) or not isinstance(robot, (str, type(None))):
        raise ValueError("operator and robot are text")
    until = data.get("until")
    return data["wish"], operator, robot, until if isinstance(until, float) else math.nan


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {_dumps(data)}\n\n".encode()


def _json(data: Any) -> Response:
    return Response(_dumps(data), media_type="application/json")


def _dumps(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _denied(denied: Denied | None) -> Response | None:
    return None if denied is None else PlainTextResponse(denied.why, denied.status)

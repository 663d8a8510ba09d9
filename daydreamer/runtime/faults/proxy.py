"""A TCP proxy that misbehaves on command: the bad network between an actor and a learner.

TCP repairs what a network loses, so a cable that is pulled shows as silence, and as bytes that come late when
it is plugged in again; that is what ``hold`` does. All else that a connection can suffer ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any

_log = logging.getLogger(__name__)

CHUNK = 4096  # bytes
REMEMBERED = 1 << 16  # bytes of a connection's beginning
_QUEUED = 64  # chunks on their way in one direction
_ECHO = 3.0  # s that a duplicated connection stays
_RESET = struct.pack("ii", 1, 0)  # linger on, 0 s: a close is a reset


class _Pair:
    """A connection of an actor and the proxy's own one to the learner."""

    def __init__(self, actor: asyncio.StreamWriter, learner: asyncio.StreamWriter):
        self.writers = (actor, learner)
        self.beginning = bytearray()  # of what the actor said
        self.echo: asyncio.StreamWriter | None = None

    def reset(self) -> None:
        for writer in self.writers:
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


class FaultProxy:
    """Listens on loopback and passes on to ``target``. Every method may be called from any thread.

    Args:
        target: Port of the learner, on loopback.
    """

    def __init__(self, target: int):
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._pairs: list[_Pair] = []
        self._up, self._down = asyncio.Event(), asyncio.Event()  # set: what comes is passed on
        self._delay, self._rate = 0.0, float("inf")
        self._truncate = False
        self._hold(up=False, down=False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._thread.start()

    def hold(self, up: bool, down: bool) -> None:
        """Let nothing through from the actor (``up``) or from the learner (``down``); False lets it go on."""
        self._call(lambda: self._hold(up, down))

    def delay(self, seconds: float) -> None:
        """From now on everything arrives so much later."""
        self._call(lambda: setattr(self, "_delay", seconds))

    def throttle(self, rate: float) -> None:
        """From now on at most ``rate`` bytes a second pass in each direction."""
        self._call(lambda: setattr(self, "_rate", rate))

    def reset(self) -> None:
        """Reset every connection."""
        self._call(self._reset)

    def truncate(self) -> None:
        """Pass on half of the next message upwards, and reset its connection."""
        self._call(lambda: setattr(self, "_truncate", True))

    def duplicate(self) -> None:
        """Say again, on a second connection to the learner, what the newest one has said, and go on with it."""
        self._call(self._duplicate)

    def heal(self) -> None:
        """End every fault."""
        self._call(self._healed)

    def close(self) -> None:
        """End all connections and the thread. Idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5.0)
        self._listener.close()

    def _hold(self, up: bool, down: bool) -> None:
        for line, held in ((self._up, up), (self._down, down)):
            line.clear() if held else line.set()

    def _reset(self) -> None:
        for pair in list(self._pairs):
            pair.reset()

    def _duplicate(self) -> None:
        if self._pairs:
            self._spawn(self._echo(self._pairs[-1]))

    def _healed(self) -> None:
        self._hold(up=False, down=False)
        self._delay, self._rate, self._truncate = 0.0, float("inf"), False

    def _call(self, action: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(action)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, sock=self._listener))
        self._loop.run_forever()
        server.close()
        for pair in list(self._pairs):
            pair.reset()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            learner_reader, learner_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, learner_writer)
        self._pairs.append(pair)
        try:
            await asyncio.gather(
                self._carry(reader, learner_writer, self._up, pair, upward=True),
                self._carry(learner_reader, writer, self._down, pair, upward=False),
            )
        finally:
            self._pairs.remove(pair)
            pair.reset()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: asyncio.Event,
        pair: _Pair,
        upward: bool,
    ) -> None:
        """One direction until either end closes; what is under way arrives in order, and late when told so."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUED)
        giving = self._loop.create_task(self._give(queue, writer, line, pair, upward))
        try:
            while data := await reader.read(CHUNK):
                await queue.put((self._loop.time(), data))
        except OSError:
            pass
        finally:
            giving.cancel()
            pair.reset()

    async def _give(
        self,
        queue: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
        line: asyncio.Event,
        pair: _Pair,
        upward: bool,
    ) -> None:
        while True:
            came, data = await queue.get()
            await asyncio.sleep(max(0.0, came + self._delay - self._loop.time(), len(data) / self._rate))
            await line.wait()
            if upward and len(pair.beginning) < REMEMBERED:
                pair.beginning += data
            if upward and self._truncate and len(data) > 64:
                self._truncate = False
                writer.write(data[: len(data) // 2])
                await asyncio.sleep(0)
                pair.reset()
                return
            with contextlib.suppress(OSError):
                writer.write(data)
                if upward and pair.echo is not None:
                    pair.echo.write(data)
                await writer.drain()

    async def _echo(self, pair: _Pair) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            return
        writer.write(bytes(pair.beginning))
        if len(pair.beginning) < REMEMBERED:  # all of it: what comes next can follow
            pair.echo = writer
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(_swallow(reader), _ECHO)
        pair.echo = None
        writer.transport.abort()


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(CHUNK):
        pass

"""A viewer's end of an actor's console: the newest telemetry, and hands. Connects again by itself."""

from __future__ import annotations

import itertools
import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import zmq

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.telemetry import Telemetry
from daydreamer.transport import console_messages as messages
from daydreamer.transport.address import Address
from daydreamer.transport.auth import ActorKeys
from daydreamer.transport.connection import Connection
from daydreamer.transport.console_file import ConsoleFile, mark_of
from daydreamer.transport.console_messages import Hand, HandRefused
from daydreamer.transport.link import LinkError
from daydreamer.transport.term import term
from daydreamer.transport.wake import Wake

logger = logging.getLogger(__name__)

SILENT = 3.0  # s without a word until the connection counts as lost
_BACK_OFF = (0.1, 1.0)  # s, shortest and longest wait before the next dial


@dataclass
class _Wish:
    """A hand on its way."""

    hand: Hand
    until: float
    answer: str | None = None  # empty: received; else why not
    done: threading.Event = field(default_factory=threading.Event)


class ConsoleClient:
    """Watches one actor. Any thread may call anything; nothing here waits longer than it is told to.

    Args:
        address: "HOST:PORT", or the path of an actor's directory or of its console.json, which is read again at each
            connection: so it follows an actor that comes back on another port. Whoever listens there and is not that
            actor (its port may have gone to another run's) is hung up on.
        token: For hands; None: from the file, else hands are refused here.
        keys: Of this end; for a console beyond loopback.
        hz: Telemetry per second asked for, at most 20.
        viewer: What this program is, for the actor's log.
        clock: Monotonic seconds.

    Raises:
        LinkError: the address is none.
    """

    def __init__(
        self,
        address: str | Path,
        token: str | None = None,
        keys: ActorKeys | None = None,
        hz: float = 10.0,
        viewer: str = "",
        clock: Callable[[], float] = time.monotonic,
    ):
        self._source = address if isinstance(address, Path) else Address.parse(address)
        self._given_token, self._token, self._keys = token, token, keys
        self._pid = 0  # of the actor, where its file says so
        self._hz, self._viewer, self._clock = float(hz), viewer, clock
        self._news = threading.Condition()
        self._newest: Telemetry | None = None
        self._came, self._given, self._heard = 0, 0, -math.inf
        self.problem = "not connected yet"  # why nothing is heard, for a person; empty while it is
        self._wishes: deque[_Wish] = deque()
        self._asked: dict[int, _Wish] = {}
        self._numbers = itertools.count(1)
        self._wake = Wake()
        self._closing = False
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._connection: Connection | None = None
        # The console's clock less ours, or somewhat less than that; None until it has spoken on this connection.
        self._ahead: float | None = None
        self._dial_at, self._failures, self._watch_at = -math.inf, 0, -math.inf
        self._thread = threading.Thread(target=self._run, name="console client", daemon=True)
        self._thread.start()

    def latest(self, timeout: float = 0.0) -> Telemetry | None:
        """The newest telemetry, after waiting up to ``timeout`` [s] for one that was not given yet.

        None when nothing has been heard for 3 s: the actor is gone, or ``problem`` says why not.
        """
        with self._news:
            if timeout > 0:
                self._news.wait_for(lambda: self._came > self._given or self._closing, timeout)
            self._given = self._came
            return self._newest if self._clock() - self._heard < SILENT else None

    def send(self, wish: str, operator: str = "", timeout: float = 2.0) -> None:
        """Send a hand and wait for the word that it was received. What came of it is in the telemetry.

        Raises:
            HandRefused: the wish is none, a name is missing, or the console refuses it: then the text says why.
            LinkError: no answer came within ``timeout`` [s]. It may have acted or not, and never acts later than that;
                a stop alone acts whenever it arrives.
        """
        if self._closing:
            raise LinkError("the console's client is closed")
        one = _Wish(Hand(wish, operator, self._viewer), self._clock() + timeout)
        self._wishes.append(one)
        self._wake.ring()
        one.done.wait(timeout + 0.1)
        if one.answer is None:
            raise LinkError(
                f"no answer to '{wish}' within {timeout:g} s: {self.problem or 'the actor is silent'}"
            )
        if one.answer:
            raise HandRefused(one.answer)

    def close(self) -> None:
        """Let go. Idempotent."""
        if self._closing:
            return
        self._closing = True
        self._wake.ring()
        self._thread.join(5.0)
        with self._news:
            self._news.notify_all()

    def __enter__(self) -> ConsoleClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # In the thread

    def _run(self) -> None:
        try:
            while not self._closing:
                self._guarded()
        finally:
            if self._connection is not None:
                self._connection.close()
            term(self._context)
            self._wake.close()

    def _guarded(self) -> None:
        """A person's way to stop the robot must outlive any mistake: it is logged, and the next connection made."""
        try:
            self._turn()
        except Exception as error:
            logger.exception("the console's client had a mistake; it dials again")
            self._hang_up(self._clock(), f"a mistake of this program: {error}")
            time.sleep(_BACK_OFF[0])

    def _turn(self) -> None:
        now = self._clock()
        if self._connection is None and now >= self._dial_at:
            self._dial(now)
        self._speak(now)
        self._poll(self._clock())
        if self._connection is not None:
            self._listen(self._connection)

    def _poll(self, now: float) -> None:
        due = [self._dial_at] if self._connection is None else [self._watch_at]
        due += [one.until for one in (*self._wishes, *self._asked.values())]
        poller = zmq.Poller()
        poller.register(self._wake.fileno(), zmq.POLLIN)
        if self._connection is not None:
            poller.register(self._connection.socket, zmq.POLLIN)
            poller.register(self._connection.events, zmq.POLLIN)
        poller.poll(math.ceil(1000 * min(max(0.0, min(due) - now), 1.0)))
        self._wake.clear()

    def _dial(self, now: float) -> None:
        try:
            address = self._source
            if isinstance(address, Path):
                found = ConsoleFile.read(address)
                address = Address.parse(found.address)
                self._token, self._pid = self._given_token or found.token, found.pid
            self._connection = Connection(self._context, address, self._keys)
        except LinkError as error:
            self._hang_up(now, str(error))
            return
        self._watch_at, self._dialled, self._ahead = now, now, None

    def _speak(self, now: float) -> None:
        for number, one in list(self._asked.items()):
            if now > one.until:
                del self._asked[number]
        if self._connection is not None and now >= self._watch_at:
            self._watch_at = now + messages.WATCH_EVERY
            self._connection.send(messages.encode("watch", hz=self._hz))
        for _ in range(len(self._wishes)):
            one = self._wishes.popleft()
            if now > one.until:
                continue  # late wishes are dropped, never kept for later
            if self._connection is None or not self._ask(self._connection, one, now):
                self._wishes.append(one)

    def _ask(self, connection: Connection, one: _Wish, now: float) -> bool:
        """Send it, unless the console's clock has to be known first: False."""
        if self._token is None:
            one.answer = "no control token: give the one in console.json of this actor"
            one.done.set()
            return True
        until: dict[str, float] = {}
        if one.hand.wish != "damp":
            if self._ahead is None:
                return False
            until = {"until": self._ahead + min(one.until, now + messages.GOOD_FOR)}
        number = next(self._numbers)
        self._asked[number] = one
        connection.send(messages.encode("hand", id=number, token=self._token, **asdict(one.hand), **until))
        return True

    def _listen(self, connection: Connection) -> None:
        try:
            for data in connection.receive():
                self._take(data)
        except DaydreamerError as error:
            self._hang_up(self._clock(), str(error))
            return
        now = self._clock()
        silent = now - max(self._heard, self._dialled) > SILENT
        reason = connection.lost() or ("the actor is silent" if silent else None)
        if reason is not None:
            self._hang_up(now, reason)

    def _take(self, data: bytes) -> None:
        kind, fields = messages.decode(data)
        if kind in ("telemetry", "waiting"):
            self._recognise(fields)
            blob = messages.field(fields, "data", bytes) if kind == "telemetry" else None
            telemetry = None if blob is None else Telemetry.from_bytes(blob)
            self._ahead = messages.field(fields, "clock", float) - self._clock()
            with self._news:
                self._newest = telemetry
                self._came += 1
                self._news.notify_all()
        one = (
            self._asked.pop(messages.field(fields, "id", int), None)
            if kind in ("received", "refused")
            else None
        )
        if one is not None:
            one.answer = messages.field(fields, "why", str) if kind == "refused" else ""
            one.done.set()
        self._heard, self.problem, self._failures = self._clock(), "", 0

    def _recognise(self, fields: dict[str, object]) -> None:
        """Raises LinkError when these are not the words of the actor that was meant."""
        mark, pid = fields.get("mark"), fields.get("pid")
        if not isinstance(self._source, Path):  # an address means whoever listens there
            return
        if (self._token and mark and mark != mark_of(self._token)) or (
            self._pid and pid and pid != self._pid
        ):
            raise LinkError("another actor listens where this one did: it has ended, or has not begun")

    def _hang_up(self, now: float, reason: str) -> None:
        self.problem = reason
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        shortest, longest = _BACK_OFF
        self._dial_at = now + min(longest, shortest * 2**self._failures) * random.uniform(0.5, 1.0)
        self._failures = min(self._failures + 1, 10)

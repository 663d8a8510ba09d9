"""The learner's end of the link, over ZeroMQ: one port, polled by one thread."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping

import zmq

from daydreamer.core.specs import Specs
from daydreamer.transport.address import Address
from daydreamer.transport.auth import Doorman, LearnerKeys, check_exposure
from daydreamer.transport.guarded_session import GuardedSession
from daydreamer.transport.handshakes import Handshakes
from daydreamer.transport.link import ActorStatus, LinkError, PolicyMessage, Rows
from daydreamer.transport.messages import MAX_BATCH_ROWS, MAX_SMALL_BYTES
from daydreamer.transport.row_codec import RowCodec
from daydreamer.transport.seldom import Seldom
from daydreamer.transport.term import term
from daydreamer.transport.wake import Wake

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 128  # messages read before rows are handed over
MOST_WAITING = 100  # messages of one connection that wait to be read; then TCP holds its sender back
NOISE = MOST_AT_ONCE // 4  # messages at once from connections that are not listened to: a flood
PAUSE = 0.005  # s between two looks into a flood: it costs others no more than that
CHECK_KEYS = 0.5  # s; with the doorman's own, a key that was taken away is out within a second
FAREWELL = 2.0  # s that ``close`` gives actors to learn that they are to stop


class LearnerLink:
    """Listens for actors. See ``link.LearnerEnd``."""

    def __init__(
        self,
        bind: str,
        row_spec: Specs,
        next_seq: Callable[[str], int],
        durable_rows: int | Callable[[], int] = 0,
        keys: LearnerKeys | None = None,
        insecure: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        terms: Mapping[str, str] | None = None,
    ):
        """Listen on ``bind`` ("HOST:PORT"; port 0 picks a free one).

        Args:
            bind: Where to listen.
            row_spec: What rows are; actors with another spec are refused.
            next_seq: The row that a stream goes on with, 0 for one never seen: ``Replay.next_seq``.
            durable_rows: Rows of all streams that are durable already; ``set_credit`` counts from 0. Or what tells how
                many are at any time.
            keys: Without them only loopback is listened on,
            insecure: unless this is True.
            clock: Monotonic seconds.
            wall_clock: Seconds since 1970, with which actors compare theirs.
            terms: What rows mean beyond their spec; actors with others are refused.

        Raises:
            LinkError: the address is none, is in use, or is open to the network without keys.
        """
        address = Address.parse(bind)
        check_exposure(address, keys, insecure)
        self._clock = clock
        self._lock = threading.Lock()  # guards the session; the sockets belong to the thread that receives
        self._seldom = Seldom(logger, clock=clock)
        codec = RowCodec(row_spec)
        self._session = GuardedSession(codec, next_seq, durable_rows, self._seldom, wall_clock, terms)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._doorman = Doorman(self._context, keys, clock) if keys is not None else None
        self._socket = self._context.socket(zmq.ROUTER)
        self._set_options(address, keys, MAX_BATCH_ROWS * codec.row_bytes + MAX_SMALL_BYTES)
        try:
            self._socket.bind(address.endpoint)
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            raise LinkError(f"cannot listen on {address}: {error}. Does another learner run?") from error
        self.port = int(self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        self._wake = Wake()
        self._handshakes = Handshakes(self._socket, self._seldom)
        self._next_check = 0.0
        self._poller, self._bell = zmq.Poller(), zmq.Poller()
        self._bell.register(self._wake.fileno(), zmq.POLLIN)
        self._poller.register(self._handshakes.socket, zmq.POLLIN)
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._wake.fileno(), zmq.POLLIN)
        if self._doorman is not None:
            self._poller.register(self._doorman.socket, zmq.POLLIN)
        self._stopping = False
        self._closed = False

    def receive(self, timeout: float) -> list[Rows]:
        """Rows that came, at once when some are here; an empty list after ``timeout`` [s].

        Everything else happens in here too (handshakes, heartbeats, policies), so call it at least every
        second; actors take a learner that is silent for 3 s for dead, and connect again.
        """
        deadline = self._clock() + timeout
        while True:
            self._wake.clear()
            self._guard()
            rows, more, noise = self._read()
            self._speak()
            now = self._clock()
            if rows or now >= deadline:
                return rows
            with self._lock:
                wait = min(deadline - now, self._session.wait(now))
            if noise >= NOISE:
                self._bell.poll(math.ceil(PAUSE * 1000))
            elif not more:
                self._poller.poll(math.ceil(max(0.0, wait) * 1000))

    def acknowledge(self, stream: str, next_seq: int) -> None:
        """All rows of ``stream`` before ``next_seq`` are durable. Any thread."""
        with self._lock:
            self._session.acknowledge(stream, next_seq)
        self._wake.ring()

    def refuse(self, stream: str, reason: str) -> None:
        """Rows of ``stream`` that came cannot be stored: tell its actor. Any thread."""
        with self._lock:
            self._session.refuse_stream(stream, reason, self._clock())
        self._wake.ring()

    def publish(self, policy: PolicyMessage) -> None:
        """Give every actor ``policy``. Any thread."""
        policy.check()
        with self._lock:
            self._session.publish(policy)
        self._wake.ring()

    def set_credit(self, total: int) -> None:
        """Allow ``total`` durable rows, over all streams and lives. Any thread."""
        with self._lock:
            self._session.set_credit(total)
        self._wake.ring()

    def reports(self) -> dict[str, dict[str, float]]:
        """The newest report of each actor. Any thread."""
        with self._lock:
            return self._session.reports()

    def actors(self) -> dict[str, ActorStatus]:
        """Every actor heard of, by name. Any thread."""
        with self._lock:
            return self._session.actors(self._clock())

    def stop(self, reason: str) -> None:
        """Tell every actor to stop, now and whenever one connects. Any thread."""
        with self._lock:
            self._session.stop(reason)
            self._stopping = True
        self._wake.ring()

    def close(self) -> None:
        """Stop listening; after ``stop``, once all connected actors know, or after 2 s. Idempotent."""
        if self._closed:
            return
        self._closed = True
        deadline = self._clock() + FAREWELL
        while self._stopping and self._clock() < deadline and not self._all_know():
            self.receive(0.05)  # rows that still come are not acknowledged: their actor keeps them
        self._speak()
        if self._doorman is not None:
            self._doorman.close()
        self._handshakes.close()
        self._socket.close(linger=0)  # actors confirm a stop; rows that were not acknowledged come again
        term(self._context)
        self._wake.close()

    def _all_know(self) -> bool:
        with self._lock:
            return self._session.all_know

    def _set_options(self, address: Address, keys: LearnerKeys | None, max_bytes: int) -> None:
        set_option = self._socket.setsockopt
        set_option(zmq.MAXMSGSIZE, max_bytes)
        set_option(zmq.RCVHWM, MOST_WAITING)
        set_option(zmq.SNDHWM, 8192)  # a whole policy in chunks; beyond it, messages are dropped
        set_option(zmq.HANDSHAKE_IVL, 5_000)
        set_option(zmq.HEARTBEAT_IVL, 2_000)  # libzmq's own, to drop half-open connections
        set_option(zmq.HEARTBEAT_TIMEOUT, 60_000)  # its ping may queue behind a policy on a slow line
        set_option(zmq.IPV6, int(address.is_ipv6))
        if keys is not None:
            keys.apply(self._socket)

    def _guard(self) -> None:
        """Look to the doors: who wants to come in, who tried and failed, whose key was taken away."""
        now = self._clock()
        self._handshakes.check(now)
        if self._doorman is None:
            return
        self._doorman.answer()
        if now >= self._next_check:
            self._next_check = now + CHECK_KEYS
            with self._lock:
                self._session.shut_out(self._doorman.still_allows, now)

    def _read(self) -> tuple[list[Rows], bool, int]:
        """Take in what is here; the rows among it, whether more may wait, and how many messages were noise."""
        came: list[Rows] = []
        noise = 0
        for _ in range(MOST_AT_ONCE):
            try:
                identity, *parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return came, False, noise
            now, who = self._clock(), identity.bytes
            with self._lock:
                if len(parts) != 1:
                    self._session.refuse(who, f"expected one frame, got {len(parts)}", now)
                elif (
                    rows := self._session.hear(who, self._owner(parts[0]), parts[0].bytes, now)
                ) is not None:
                    came.append(rows)
                noise += not self._session.knows(who)
        return came, True, noise

    def _owner(self, frame: zmq.Frame) -> str | None:
        """The doorman's ticket of the key that ``frame`` came with, "" when it was taken away; None without keys."""
        if self._doorman is None:
            return None
        ticket = str(frame.get("User-Id"))
        return ticket if self._doorman.still_allows(ticket) else ""

    def _speak(self) -> None:
        with self._lock:
            self._session.tick(self._clock())
            said, self._session.outbox = self._session.outbox, []
        for identity, data in said:
            try:
                self._socket.send_multipart([identity, data], zmq.NOBLOCK)
            except zmq.ZMQError as error:
                self._seldom.warning("a message to an actor was dropped: %s", error)

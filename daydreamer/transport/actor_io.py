"""The actor's I/O thread: queue to spool, spool to socket, socket to desk.

It writes rows to the spool, and only then to the socket: at most every 20 ms, or when 64 have come. It
sleeps in one poll over a bell, the socket and the socket's events, and wakes when something is due.
"""

from __future__ import annotations

import logging
import math
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

import zmq

from daydreamer.core.errors import Corrupt
from daydreamer.transport.actor_session import ActorSession
from daydreamer.transport.address import Address
from daydreamer.transport.auth import ActorKeys
from daydreamer.transport.connection import KEYS_DIFFER, Connection
from daydreamer.transport.link import LinkError, PolicyMessage
from daydreamer.transport.messages import MAX_BATCH_ROWS
from daydreamer.transport.seldom import Seldom
from daydreamer.transport.term import term
from daydreamer.transport.wake import Wake

logger = logging.getLogger(__name__)

BATCH_SECONDS = 0.02
RETRY_DISK = 0.5  # s
BACK_OFF = (0.1, 2.0)  # s, shortest and longest
LOCKED_OUT = 3  # dials; a learner that dies while it shakes hands looks the same, once or twice
LOCKED_OUT_FOR = 120.0  # s; so does a port that is forwarded to where no learner listens yet


class Seen(NamedTuple):
    """What the I/O thread last saw; replaced whole, so that readers need no lock."""

    connected: bool = False
    reached: bool = False  # connected once
    allowance: int = 0  # rows wanted after the acknowledged ones
    unacked: int = 0  # rows in the spools, of all lives
    stored: int = 0  # rows of this life that were put in the spool
    acked: int = 0  # of these, durable at the learner
    spool_bytes: int = 0
    refused: str | None = None
    stopped: str | None = None
    disk: str | None = None  # why the disk refuses rows
    dropped: int = 0  # rows given up to make room
    ack_seconds: float = math.nan
    clock_offset: float = math.nan
    clock_within: float = math.nan


class Desk:
    """What the control loop and the I/O thread lay down for each other."""

    def __init__(self) -> None:
        self.wake = Wake()
        self.queue: deque[bytes] = deque()  # rows; its append and popleft are atomic
        self.seen = Seen()
        self.close_by: float | None = None  # when the I/O thread is to end
        self.broken: Exception | None = None  # why it has ended by itself
        self._lock = threading.Lock()
        self._policy: PolicyMessage | None = None
        self._report: dict[str, float] = {}

    def put_policy(self, policy: PolicyMessage) -> None:
        """Lay down the newest policy in place of the one before."""
        with self._lock:
            self._policy = policy

    def take_policy(self) -> PolicyMessage | None:
        """The newest policy, once."""
        with self._lock:
            policy, self._policy = self._policy, None
        return policy

    def put_report(self, metrics: Mapping[str, float]) -> None:
        """Lay down the newest report in place of the one before, and wake the I/O thread."""
        with self._lock:
            self._report = dict(metrics)
        self.wake.ring()

    def take_report(self) -> dict[str, float]:
        """The newest report, once."""
        with self._lock:
            report, self._report = self._report, {}
        return report


class ActorIo:
    """Runs a session over connections to one address until it is told to close."""

    def __init__(
        self,
        session: ActorSession,
        desk: Desk,
        address: Address,
        keys: ActorKeys | None,
        clock: Callable[[], float],
        drop_beyond: int | None = None,
    ):
        """With ``drop_beyond`` the oldest rows are given up where the spool would hold more bytes."""
        self._drop_beyond = drop_beyond
        self._session = session
        self._desk = desk
        self._address = address
        self._keys = keys
        self._clock = clock
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._connection: Connection | None = None
        self._batch: list[bytes] = []  # taken from the queue, not yet in the spool
        self._store_at: float | None = None
        self._stored_at = -math.inf
        self._stored = 0
        self._redial_at = -math.inf
        self._failures = 0
        self._denials = self._lock_outs = 0  # since the last connection; certain ones, and those that seem so
        self._locked_out_since = 0.0
        self._last_reason = ""
        self._seldom = Seldom(logger, clock=clock)
        self._look()

    def run(self) -> None:
        """Work until all is sent after ``desk.close_by`` was set, at the latest until that time; then close."""
        try:
            while not self._finished():
                self._turn()
        except Exception as error:  # the top of a thread: the control loop learns of it from ``send``
            logger.exception("the link has broken down")
            self._desk.broken = error
        finally:
            self._close()

    def _finished(self) -> bool:
        if self._desk.close_by is None:
            return False
        drained = not self._desk.queue and not self._batch and self._session.unacked == 0
        return drained or self._clock() >= self._desk.close_by

    def _turn(self) -> None:
        now = self._clock()
        self._store(now)
        self._dial(now)
        self._speak(now)
        self._look()
        self._poll(self._due(self._clock()))
        self._listen(self._clock())

    def _due(self, now: float) -> float:
        """Seconds until something is to be done though nothing happens."""
        due = [now + self._session.wait(now) if self._connection else self._redial_at]
        if self._store_at is not None:
            due.append(self._store_at)
        if self._desk.close_by is not None:
            due.append(self._desk.close_by)
        return max(0.0, min(due) - now)

    def _poll(self, timeout: float) -> None:
        poller = zmq.Poller()
        poller.register(self._desk.wake.fileno(), zmq.POLLIN)
        if self._connection is not None:
            poller.register(self._connection.socket, zmq.POLLIN)
            poller.register(self._connection.events, zmq.POLLIN)
        poller.poll(math.ceil(timeout * 1000))
        self._desk.wake.clear()

    def _store(self, now: float) -> None:
        """Move rows from the queue to the spool when they are enough, or have waited long enough."""
        queue = self._desk.queue
        if not queue and not self._batch:
            return
        if self._store_at is None:
            self._store_at = now if self._desk.close_by is not None else self._stored_at + BATCH_SECONDS
        enough = len(queue) >= MAX_BATCH_ROWS and not self._batch
        if now < self._store_at and not enough:
            return
        while queue:
            self._batch.append(queue.popleft())
        try:
            while self._batch:
                self._make_room()
                kept = self._session.spool.append(self._batch)
                self._stored += kept
                del self._batch[:kept]
        except OSError as error:
            if self._drop_beyond is not None:
                self._drop_oldest()  # a full disk may take rows where others were
            self._desk.seen = self._desk.seen._replace(disk=str(error))
            self._seldom.warning("the spool's disk refuses rows: %s", error)
            self._store_at = now + RETRY_DISK
            return
        self._desk.seen = self._desk.seen._replace(disk=None)
        self._store_at, self._stored_at = None, now

    def _make_room(self) -> None:
        while self._drop_beyond is not None and self._session.spool_bytes >= self._drop_beyond:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        if self._session.make_room():
            self._seldom.warning(
                "the spool is full: its oldest rows are given up, %d so far", self._session.dropped
            )

    def _dial(self, now: float) -> None:
        if self._connection is not None or now < self._redial_at:
            return
        try:
            self._connection = Connection(self._context, self._address, self._keys)
        except LinkError as error:
            self._hang_up(now, str(error))
        else:
            self._session.connect(now)

    def _speak(self, now: float) -> None:
        if report := self._desk.take_report():
            self._session.report(report)
        if self._connection is None:
            return
        for data in self._session.outgoing(now):
            if not self._connection.send(data):
                self._hang_up(now, self._connection.lost() or "the connection is clogged")
                return

    def _listen(self, now: float) -> None:
        if self._connection is None:
            return
        try:
            for data in self._connection.receive():
                self._session.receive(data, now)
        except Corrupt as error:
            self._hang_up(now, f"it sent what no learner sends: {error}")
            return
        if (policy := self._session.take_policy()) is not None:
            self._desk.put_policy(policy)
        if self._session.connected:
            self._failures, self._last_reason, self._denials = 0, "", 0
        reason = self._connection.lost() or self._session.given_up(now)
        if reason is not None:
            self._hang_up(now, reason)

    def _hang_up(self, now: float, reason: str) -> None:
        """Drop the connection, and dial again after a while: longer after each failure, and not all at once."""
        if reason != self._last_reason:
            logger.warning("no link to the learner at %s: %s", self._address, reason)
        self._last_reason = reason
        if self._connection is not None:
            self._count_lock_outs(now, self._connection, reason)
            self._connection.close()
            self._connection = None
        self._session.disconnect()
        shortest, longest = BACK_OFF
        delay = longest if self._session.refused else min(longest, shortest * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._redial_at = now + delay * random.uniform(0.5, 1.0)

    def _count_lock_outs(self, now: float, connection: Connection, reason: str) -> None:
        """Keys that do not fit are told as a refusal when nothing else explains what happens."""
        if not self._lock_outs:
            self._locked_out_since = now
        self._denials += connection.denied
        self._lock_outs = self._lock_outs + 1 if connection.locked_out else 0
        seems_so = self._lock_outs >= LOCKED_OUT and now - self._locked_out_since >= LOCKED_OUT_FOR
        if self._denials >= LOCKED_OUT or seems_so:
            self._session.refused = reason if connection.denied else KEYS_DIFFER

    def _look(self) -> None:
        session = self._session
        self._desk.seen = Seen(
            session.connected, session.reached, session.allowance, session.unacked, self._stored, session.acked,
            session.spool_bytes, session.refused, session.stopped, self._desk.seen.disk, session.dropped,
            session.ack_seconds, *session.learner_clock.get(),
        )  # fmt: skip

    def _close(self) -> None:
        if self._desk.broken is None:
            self._store(math.inf)  # whatever the time: what is not on disk now is lost
        if lost := len(self._batch) + len(self._desk.queue):
            logger.error("%d rows are lost: the disk never took them", lost)
        if self._connection is not None:
            self._connection.close()
        self._session.disconnect()
        try:
            self._session.close()
        except OSError as error:
            logger.error("the spool was not closed well: %s", error)
        self._look()
        term(self._context)

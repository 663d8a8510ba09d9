"""The actor's half of the protocol, without sockets, threads or a clock of its own.

The link hands in what arrived and the time, and sends what ``outgoing`` gives. One connection speaks for one
stream at a time: rows of earlier lives first, each as the stream it was, then the present one.

Rows go out in order, at most ``WINDOW`` beyond the last acknowledged one. After a reconnect the learner's
welcome says which row it wants next, and sending goes back to that row. Where rows are no longer here (another
learner has them, the spool dropped them, the disk lost them), another hello says with which the stream goes on.
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from daydreamer import __version__
from daydreamer.core.errors import Corrupt
from daydreamer.core.specs import Specs
from daydreamer.transport.clock_offset import ClockOffset
from daydreamer.transport.link import PolicyMessage
from daydreamer.transport.messages import (
    MAX_BATCH_ROWS,
    Ack,
    ActorPing,
    Hello,
    LearnerPing,
    PolicyChunk,
    Refuse,
    Report,
    RowBatch,
    Stop,
    Welcome,
    decode,
    encode,
)
from daydreamer.transport.spool import Spool

logger = logging.getLogger(__name__)

HEARTBEAT = 0.5  # s
SILENCE = 3.0  # s without a word: the connection is dead
WINDOW = 1024  # rows in flight
BATCH_BYTES = 256 * 1024
PATIENCE = 3  # refusals in a row, after which the rows of an earlier life are left for a person to look at


def new_stream(actor: str, wall_clock: float) -> str:
    """A stream's name that no other has; ``wall_clock`` [s since 1970] makes names sort by time."""
    return f"{actor}-{int(wall_clock * 1000):013d}-{secrets.token_hex(4)}"


class ActorSession:
    """What is said, and what is still to be said, to the learner."""

    def __init__(
        self,
        actor: str,
        specs: Specs,
        row_bytes: int,
        spools: Sequence[Spool],
        wall_clock: Callable[[], float] = time.time,
        terms: Mapping[str, str] | None = None,
    ):
        """Send ``spools`` in this order; the last one is the present stream and grows.

        ``wall_clock`` [s since 1970] is compared with the learner's.
        """
        self.learner_clock = ClockOffset()
        self._wall_clock = wall_clock
        self.allowance = 0  # rows wanted by the learner after those it has acknowledged
        self.dropped = 0  # rows given up unacknowledged, to make room for newer ones
        self._dropped_now = 0  # of them, rows of the present stream
        self.reached = False  # welcomed at least once
        self.refused: str | None = None
        self.stopped: str | None = None
        self.connected = False
        self._actor = actor
        self._life = secrets.token_hex(8)
        self._row_spec = {name: spec.to_dict() for name, spec in specs.items()}
        self._terms = dict(terms or {})
        self._batch = max(1, min(MAX_BATCH_ROWS, BATCH_BYTES // row_bytes))
        self._spools = list(spools)
        self.ack_seconds = math.nan  # from sending rows to their acknowledgement, the newest
        self._underway: deque[tuple[int, float]] = (
            deque()
        )  # (row after those sent, when), at most a window of them
        self._next = 0  # the row to send next
        self._offered = 0  # the oldest row of the stream that the last hello spoke of
        self._refusals = 0  # in a row, of the first spool's rows
        self._heard = self._spoke = 0.0
        self._turned_away = False  # on this connection
        self._say: list[bytes] = []
        self._report: dict[str, float] = {}
        self._policy: PolicyMessage | None = None  # arrived, not yet taken
        self._digest = ""  # of the newest policy that arrived
        self._incoming: tuple[PolicyChunk, bytearray] | None = None

    @property
    def spool(self) -> Spool:
        """The present stream."""
        return self._spools[-1]

    @property
    def unacked(self) -> int:
        """Rows of all lives that are not durable at the learner."""
        return sum(spool.unacked for spool in self._spools)

    @property
    def acked(self) -> int:
        """Rows of the present stream that the learner has made durable."""
        return self.spool.end - self.spool.unacked - self._dropped_now

    @property
    def spool_bytes(self) -> int:
        """Bytes on disk of all lives."""
        return sum(spool.size for spool in self._spools)

    def report(self, metrics: Mapping[str, float]) -> None:
        """Send ``metrics`` with the next words; what is not finite cannot be sent."""
        finite = ((name, float(value)) for name, value in metrics.items())
        self._report = {name: value for name, value in finite if math.isfinite(value)}

    def take_policy(self) -> PolicyMessage | None:
        """The newest policy, once."""
        policy, self._policy = self._policy, None
        return policy

    def make_room(self) -> int:
        """Give up the oldest rows that are kept, a segment of them; how many of them nobody else has."""
        fullest = next((spool for spool in self._spools if spool.size), self.spool)
        lost = fullest.drop_oldest()
        self.dropped += lost
        self._dropped_now += lost if fullest is self.spool else 0
        return lost

    def connect(self, now: float) -> None:
        """A new connection: introduce ourselves."""
        self._say.clear()
        self._heard = now
        self._turned_away = False
        self._hello(now)

    def disconnect(self) -> None:
        """The connection is gone; half a policy is worth nothing."""
        self.connected = False
        self._incoming = None
        self._say.clear()
        self._underway.clear()
        self.learner_clock.forget()

    def given_up(self, now: float) -> str | None:
        """Why this connection leads nowhere, or None: the learner refused us, or fell silent."""
        if self._turned_away:
            return f"refused: {self.refused}"
        return "no answer: is a learner running there?" if now - self._heard > SILENCE else None

    def receive(self, data: bytes, now: float) -> None:
        """Take in one message.

        Raises:
            Corrupt: it is none that a learner sends; do not believe this connection any longer.
        """
        message = decode(data)
        self._heard = now
        if isinstance(message, Welcome):
            self._welcome(message, now)
        elif isinstance(message, Ack):
            self._ack(message, now)
        elif isinstance(message, LearnerPing):
            self.allowance = message.credit
            if message.asked:
                self.learner_clock.add(message.asked, message.heard, message.answered, self._wall_clock())
        elif isinstance(message, PolicyChunk):
            self._chunk(message, now)
        elif isinstance(message, Stop):
            if self.stopped is None:
                logger.info("the learner says stop: %s", message.reason)
            self.stopped = message.reason
            self._ping(now)
        elif isinstance(message, Refuse):
            self._refuse(message)
        else:
            raise Corrupt(f"a learner does not send {type(message).__name__}")

    def outgoing(self, now: float) -> list[bytes]:
        """What is to be sent now, in order."""
        if self.connected:
            if self._report:
                self._say.append(encode(Report(self._report)))
                self._report = {}
            self._rows(now)
            if now - self._spoke >= HEARTBEAT:
                self._ping(now)
        said, self._say = self._say, []
        return said

    def wait(self, now: float) -> float:
        """Seconds until there is something to say, or silence has lasted too long, if nothing else happens."""
        due = self._heard + SILENCE
        if self.connected:
            due = min(due, self._spoke + HEARTBEAT)
        return max(0.0, due - now)

    def close(self) -> None:
        """Close the files; rows that are not acknowledged stay on disk."""
        for spool in self._spools:
            spool.close()

    def _rows(self, now: float) -> None:
        spool = self._spools[0]
        while self._next < min(spool.end, spool.acked + WINDOW):
            if spool.kept_from(self._next) != self._next:  # a hole
                self._hello(now, spool.kept_from(self._next))
                return
            records = spool.read(self._next, min(self._batch, spool.acked + WINDOW - self._next))
            assert records, f"{spool.directory}: no record {self._next}"
            self._say.append(encode(RowBatch(self._next, b"".join(records))))
            self._next += len(records)
            self._underway.append((self._next, now))

    def _ping(self, now: float) -> None:
        self._spoke = now
        self._say.append(encode(ActorPing(self._digest, self.stopped is not None, self._wall_clock())))

    def _hello(self, now: float, oldest: int | None = None) -> None:
        """Bind the connection to the first stream that has something to send, or else to the present one.

        It goes on at ``oldest``, by default the first row that is here, acknowledged or not: a learner that
        begins anew has none of them.
        """
        while len(self._spools) > 1 and self._spools[0].unacked == 0:
            done = self._spools.pop(0)
            logger.info("nothing is left to send of the earlier stream %s", done.stream)
            done.close()
            self._next = self._refusals = 0
            oldest = None  # it was said of that stream
        spool = self._spools[0]
        self._offered = spool.oldest if oldest is None else oldest
        self.connected = False
        self._underway.clear()
        self._spoke = now
        hello = Hello(
            self._actor, spool.stream, self._row_spec, __version__, self._digest, self._life, self._offered,
            self._terms,
        )  # fmt: skip
        self._say.append(encode(hello))

    def _welcome(self, message: Welcome, now: float) -> None:
        spool = self._spools[0]
        if message.stream != spool.stream:
            return  # the answer to an earlier hello
        self.refused = None
        self.reached = True
        self.allowance = message.credit
        wanted = message.next_seq
        if wanted > spool.end and spool is not self.spool:
            wanted = spool.end  # a power cut took rows that the learner has
        if not self._offered <= wanted <= spool.end:
            raise Corrupt(
                f"the learner wants row {wanted} of {spool.stream}, rows {self._offered} to {spool.end} are here"
            )
        if spool.oldest <= wanted < spool.acked:
            logger.warning(
                "this learner has fewer rows of %s than were acknowledged: sent again", spool.stream
            )
            spool.rewind(wanted)
        if wanted > self._offered:  # else it only agrees to go on there
            spool.acknowledge(wanted)
        self._next = wanted
        self.connected = True
        logger.info("the learner takes %s from row %d on", spool.stream, message.next_seq)
        self._next_stream(now)

    def _ack(self, message: Ack, now: float) -> None:
        spool = self._spools[0]
        if message.stream != spool.stream or not self.connected:
            return
        if message.next_seq > spool.end:
            raise Corrupt(f"row {message.next_seq} of {spool.stream} acknowledged, which was never sent")
        # Of an earlier connection, maybe: those rows became durable after the welcome was said.
        self._next = max(self._next, message.next_seq)
        spool.acknowledge(message.next_seq)
        while self._underway and self._underway[0][0] <= message.next_seq:
            self.ack_seconds = now - self._underway.popleft()[1]
        self._refusals = 0
        self.allowance = message.credit
        self._next_stream(now)

    def _next_stream(self, now: float) -> None:
        if len(self._spools) > 1 and self._spools[0].unacked == 0:
            self._hello(now)

    def _refuse(self, message: Refuse) -> None:
        self.refused = message.reason
        self._turned_away = True
        self._refusals += self.connected  # it welcomed the stream, then refused its rows
        if self._refusals >= PATIENCE and len(self._spools) > 1:
            bad = self._spools.pop(0)
            self._next = self._refusals = 0
            logger.error("the rows of the earlier stream %s stay in %s", bad.stream, bad.directory)

    def _chunk(self, chunk: PolicyChunk, now: float) -> None:
        if chunk.offset == 0:
            self._incoming = (chunk, bytearray())
        if self._incoming is None:
            raise Corrupt(f"policy {chunk.version}: its beginning never came")
        first, data = self._incoming
        if (chunk.policy, chunk.size, chunk.offset) != (first.policy, first.size, len(data)):
            raise Corrupt(f"policy {chunk.version}: a part at {chunk.offset} came where {len(data)} was due")
        data += chunk.data
        if len(data) > chunk.size:
            raise Corrupt(f"policy {chunk.version}: more than {chunk.size} bytes came")
        if len(data) == chunk.size:
            self._incoming = None
            policy = PolicyMessage(chunk.version, bytes(data), chunk.policy)
            policy.check()
            self._policy, self._digest = policy, policy.digest
            self._ping(now)

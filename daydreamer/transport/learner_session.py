"""The learner's half of the protocol, without sockets, threads or a clock of its own.

A connection is known by ZeroMQ's routing id, which changes at every reconnect; ``Hello`` binds it to an actor
and a stream. What comes from a connection that never said hello, or was silent too long, is not read: its
owner hears nothing, gives up, and connects again. One that breaks the rules is told why, once, and not read
again. An actor's name belongs to one process, the one that came last: the one before it is told, and refused
for as long as its successor is here. A policy goes to an actor only when the one before has arrived, so a slow
line never carries a queue of outdated policies.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from daydreamer import __version__
from daydreamer.core.errors import Corrupt, Refused, SpecMismatch
from daydreamer.core.specs import difference
from daydreamer.core.transition import MAX_ACTORS
from daydreamer.transport.link import ActorStatus, PolicyMessage, Rows
from daydreamer.transport.messages import (
    CHUNK_BYTES,
    MAX_BATCH_ROWS,
    Ack,
    ActorPing,
    Hello,
    LearnerPing,
    Message,
    PolicyChunk,
    Refuse,
    Report,
    RowBatch,
    Stop,
    Welcome,
    decode,
    encode,
)
from daydreamer.transport.row_codec import RowCodec, specs_from_tree
from daydreamer.transport.seldom import Seldom

logger = logging.getLogger(__name__)

HEARTBEAT = 0.5  # s
CREDIT_INTERVAL = 0.05  # s; a credit that changes at every training step is told no more often
SILENCE = 3.0  # s
MAX_REFUSED = 1024
MAX_SUPERSEDED = 1024
MAX_REASON = 10_000  # characters


@dataclass
class _Peer:
    """One connection that said hello."""

    identity: bytes
    actor: str
    stream: str
    software: str
    policy: str  # digest of the policy it has
    life: str  # of the actor's process
    expected: int  # the row that comes next
    after_gap: bool  # rows before that one are not to be had
    heard: float
    spoken: float
    told_credit: int
    sending: str = ""  # digest of the policy on its way
    # s since 1970: its newest ping on its clock, and on ours when it came
    pinged: tuple[float, float] = (0.0, 0.0)
    stop_told: float = -math.inf
    stopped: bool = False


@dataclass
class _Heard:
    """What is known of an actor, connected or not."""

    peer: _Peer
    rows: int = 0
    report: dict[str, float] = field(default_factory=dict)


class LearnerSession:
    """What was heard from each actor, and what is still to be said to it."""

    def __init__(
        self,
        codec: RowCodec,
        next_seq: Callable[[str], int],
        durable_rows: int | Callable[[], int],
        seldom: Seldom,
        wall_clock: Callable[[], float] = time.time,
        terms: Mapping[str, str] | None = None,
    ):
        self.outbox: list[tuple[bytes, bytes]] = []  # (identity, message), for the link to send
        self._codec = codec
        self._terms = dict(terms or {})
        self._next_seq = next_seq
        # A store that takes rows again, and counts them once, knows better than whoever adds up.
        self._durable = 0 if callable(durable_rows) else durable_rows
        self._stored = durable_rows if callable(durable_rows) else lambda: self._durable
        self._seldom = seldom
        self._wall_clock = wall_clock  # s since 1970; actors compare theirs with it
        self._total = 0
        self._streams: dict[str, int] = {}  # stream -> rows of it that are durable
        self._peers: dict[bytes, _Peer] = {}
        self._actors: dict[str, _Heard] = {}
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        self._superseded: OrderedDict[tuple[str, str], None] = OrderedDict()  # (actor, life)
        self._policy: PolicyMessage | None = None
        self._stop: str | None = None

    @property
    def credit(self) -> int:
        """Rows wanted beyond the durable ones."""
        return self._total - self._stored()

    @property
    def all_know(self) -> bool:
        """Whether every connected actor knows that it is to stop."""
        return all(peer.stopped for peer in self._peers.values())

    def set_credit(self, total: int) -> None:
        """Allow ``total`` durable rows."""
        self._total = int(total)

    def publish(self, policy: PolicyMessage) -> None:
        """From now on ``policy`` is what every actor is to have."""
        self._policy = policy

    def stop(self, reason: str) -> None:
        """Every actor is to stop."""
        self._stop = reason[:MAX_REASON]

    def reports(self) -> dict[str, dict[str, float]]:
        """The newest report of each actor that sent one."""
        return {name: dict(heard.report) for name, heard in self._actors.items() if heard.report}

    def actors(self, now: float) -> dict[str, ActorStatus]:
        """Every actor heard of."""
        return {name: self._status(heard, now) for name, heard in self._actors.items()}

    def acknowledge(self, stream: str, next_seq: int) -> None:
        """Rows of ``stream`` before ``next_seq`` are durable. Raises ValueError for a stream never heard of."""
        if stream not in self._streams:
            raise ValueError(f"no rows of a stream '{stream}' came over this link")
        self._durable_until(stream, next_seq)
        for peer in self._peers.values():
            if peer.stream == stream:
                peer.told_credit = self.credit
                self._say(peer.identity, Ack(stream, next_seq, self.credit))

    def receive(self, identity: bytes, data: bytes, now: float) -> Rows | None:
        """Take in one message of the connection ``identity``; the rows in it, if it brought some."""
        if identity in self._refused:
            self._refused[identity] = now
            return None
        try:
            message = decode(data)
            if isinstance(message, Hello):
                self._hello(identity, message, now)
                return None
            peer = self._peers.get(identity)
            if peer is None:
                return None
            peer.heard = now
            return self._message(peer, message)
        except (Corrupt, Refused, SpecMismatch) as error:
            self.refuse(identity, str(error), now)
            return None

    def refuse(self, identity: bytes, reason: str, now: float) -> None:
        """Tell a connection why, and listen to it no more."""
        peer = self._peers.pop(identity, None)
        self._seldom.warning("refused %s: %s", f"'{peer.actor}'" if peer else "a connection", reason)
        self._say(identity, Refuse(reason[:MAX_REASON]))
        self._refused[identity] = now
        while len(self._refused) > MAX_REFUSED:
            self._refused.popitem(last=False)

    def refuse_stream(self, stream: str, reason: str, now: float) -> None:
        """Rows of ``stream`` cannot be stored: tell whoever sends it."""
        for peer in [peer for peer in self._peers.values() if peer.stream == stream]:
            self.refuse(peer.identity, reason, now)

    def tick(self, now: float) -> None:
        """Forget the silent; say what is due."""
        for peer in list(self._peers.values()):
            if now - peer.heard > SILENCE:
                logger.warning(
                    "actor '%s' has been silent for %.1f s: forgotten until it returns", peer.actor, SILENCE
                )
                del self._peers[peer.identity]
                continue
            self._tell_policy(peer)
            if self._stop is not None and not peer.stopped and now - peer.stop_told >= HEARTBEAT:
                peer.stop_told = now
                self._say(peer.identity, Stop(self._stop))
            if now >= self._ping_due(peer):
                peer.spoken, peer.told_credit = now, self.credit
                self._say(peer.identity, LearnerPing(self.credit, *peer.pinged, self._wall_clock()))

    def wait(self, now: float) -> float:
        """Seconds until ``tick`` has something to do, if nothing else happens."""
        due = min(
            (min(self._ping_due(p), p.heard + SILENCE) for p in self._peers.values()), default=now + 1.0
        )
        return max(0.0, due - now)

    def _ping_due(self, peer: _Peer) -> float:
        return peer.spoken + (HEARTBEAT if peer.told_credit == self.credit else CREDIT_INTERVAL)

    def _say(self, identity: bytes, message: Message) -> None:
        self.outbox.append((identity, encode(message)))

    def _hello(self, identity: bytes, hello: Hello, now: float) -> None:
        if lines := difference(self._codec.specs, specs_from_tree(hello.row_spec)):
            raise Refused(
                "the rows of learner ('ours', daydreamer {}) and actor ('theirs', daydreamer {}) differ:\n  {}\n"
                "Start both from the same version and preset.".format(
                    __version__, hello.software, "\n  ".join(lines)
                )
            )
        if lines := _other_terms(self._terms, hello.terms):
            raise Refused(
                "learner and actor were started with different settings:\n  {}\n"
                "Start both from the same preset, with the same --set.".format("\n  ".join(lines))
            )
        before = self._peers.pop(identity, None)
        self._take_over(hello, now)
        if len(self._peers) >= MAX_ACTORS:
            raise Refused(f"{MAX_ACTORS} actors are connected, and that is the limit")
        wanted = self._durable_until(hello.stream, self._next_seq(hello.stream))
        if gap := max(0, hello.oldest - wanted):
            logger.warning(
                "actor '%s' no longer has rows %d to %d of stream %s: it goes on after them",
                hello.actor, wanted, hello.oldest - 1, hello.stream,
            )  # fmt: skip
            wanted = self._streams[hello.stream] = hello.oldest
        peer = _Peer(
            identity, hello.actor, hello.stream, hello.software, hello.policy, hello.life, wanted, gap > 0,
            heard=now, spoken=now, told_credit=self.credit,
        )  # fmt: skip
        if before is not None:  # the next stream of the same actor
            peer.stopped = before.stopped
            peer.sending = "" if before.sending == hello.policy else before.sending
        self._peers[identity] = peer
        self._know(peer)
        logger.info("actor '%s' is here; stream %s goes on at row %d", peer.actor, peer.stream, wanted)
        self._say(identity, Welcome(hello.stream, wanted, self.credit))

    def _take_over(self, hello: Hello, now: float) -> None:
        """One connection speaks for an actor, the newest; raises Refused when it is one that was superseded."""
        for other in [p for p in self._peers.values() if p.actor == hello.actor or p.stream == hello.stream]:
            if other.life == hello.life:
                del self._peers[other.identity]  # the same process's old connection, half open
                continue
            if (hello.actor, hello.life) in self._superseded:
                raise Refused(
                    f"a newer process speaks as actor '{hello.actor}', and this one is refused while that one is "
                    "here: stop one of the two, or give it a --name of its own"
                )
            self.refuse(
                other.identity,
                f"superseded: another process speaks as actor '{other.actor}' from now on. If both are meant to "
                "run, give each a --name of its own",
                now,
            )
            self._superseded[other.actor, other.life] = None
        self._superseded.pop((hello.actor, hello.life), None)
        while len(self._superseded) > MAX_SUPERSEDED:
            self._superseded.popitem(last=False)

    def _durable_until(self, stream: str, next_seq: int) -> int:
        """Count what has become durable of ``stream`` since it was last looked at; how far it is now."""
        known = self._streams.get(stream, next_seq)  # rows before the first hello are in ``durable_rows``
        self._durable += max(0, next_seq - known)
        self._streams[stream] = max(known, next_seq)
        return next_seq

    def _know(self, peer: _Peer) -> None:
        known = self._actors.pop(peer.actor, None)
        self._actors[peer.actor] = known or _Heard(peer)
        self._actors[peer.actor].peer = peer
        while len(self._actors) > MAX_ACTORS:
            del self._actors[next(iter(self._actors))]

    def _message(self, peer: _Peer, message: Message) -> Rows | None:
        if isinstance(message, RowBatch):
            return self._rows(peer, message)
        if isinstance(message, ActorPing):
            peer.policy, peer.stopped = message.policy, message.stopped
            peer.pinged = message.asked, self._wall_clock()
            if peer.policy == peer.sending:
                peer.sending = ""
        elif isinstance(message, Report):
            if peer.actor in self._actors:
                self._actors[peer.actor].report = message.metrics
        else:
            raise Corrupt(f"an actor does not send {type(message).__name__}")
        return None

    def _rows(self, peer: _Peer, batch: RowBatch) -> Rows:
        durable = self._streams.get(peer.stream, 0)  # of an earlier connection, acknowledged on this one
        if not peer.expected <= batch.first_seq <= max(peer.expected, durable):
            raise Corrupt(f"row {peer.expected} of {peer.stream} was due, row {batch.first_seq} came")
        if len(batch.records) > MAX_BATCH_ROWS * self._codec.row_bytes:
            raise Corrupt(f"expected at most {MAX_BATCH_ROWS} rows at once, got {len(batch.records)} bytes")
        columns = self._codec.decode(batch.records)
        rows = Rows(peer.actor, peer.stream, batch.first_seq, columns, peer.after_gap)
        peer.expected, peer.after_gap = rows.next_seq, False
        if peer.actor in self._actors:
            self._actors[peer.actor].rows += len(rows)
        return rows

    def _tell_policy(self, peer: _Peer) -> None:
        policy = self._policy
        if policy is None or peer.sending or peer.policy == policy.digest:
            return
        peer.sending = policy.digest
        view = memoryview(policy.data)
        for offset in range(0, len(view), CHUNK_BYTES):
            data = bytes(view[offset : offset + CHUNK_BYTES])
            self._say(peer.identity, PolicyChunk(policy.version, policy.digest, len(view), offset, data))

    def _status(self, heard: _Heard, now: float) -> ActorStatus:
        peer = heard.peer
        age = now - peer.heard  # asked too: a thread that hangs calls no ``tick``, which would forget it
        connected = self._peers.get(peer.identity) is peer and age <= SILENCE
        return ActorStatus(connected, age, peer.stream, heard.rows, peer.policy, peer.software)


def _other_terms(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {ours.get(name, 'unknown')} here, {theirs.get(name, 'unknown')} at the actor"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]

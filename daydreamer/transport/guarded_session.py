"""The learner's half of the protocol behind a guard: whose key a connection has, how fast and how much it may send.

A key is bound to an actor: ``allowed/spot.pub`` lets its owner speak as ``spot`` and send streams of ``spot``, and
nothing else. Without keys whoever reaches the port may be any actor.

What one connection may cost is bounded before it is read: messages per second here, bytes per message and
messages in a queue by the socket's options (``learner_link``), rows that are not durable yet by the window of a stream
and by how many streams of an actor may have such rows: two, the present one and one of a life before.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from daydreamer.core.errors import Refused
from daydreamer.transport.actor_session import WINDOW
from daydreamer.transport.auth import owner_of
from daydreamer.transport.learner_session import LearnerSession
from daydreamer.transport.link import Rows
from daydreamer.transport.messages import Hello
from daydreamer.transport.row_codec import RowCodec
from daydreamer.transport.seldom import Seldom

MESSAGES_PER_SECOND = 2000.0  # of one connection; an actor's own bound is the window
BURST = 4000.0  # messages
MAX_METERS = 1024


@dataclass
class _Meter:
    """A bucket that fills with time and is emptied by messages."""

    left: float
    filled: float  # s

    def take(self, now: float) -> bool:
        """Count one message; False when it is one too many."""
        self.left = min(BURST, self.left + (now - self.filled) * MESSAGES_PER_SECOND)
        self.filled = now
        self.left -= 1.0
        return self.left >= 0.0


class GuardedSession(LearnerSession):
    """A ``LearnerSession`` that is told whose key a message came with."""

    def __init__(
        self,
        codec: RowCodec,
        next_seq: Callable[[str], int],
        durable_rows: int | Callable[[], int],
        seldom: Seldom,
        wall_clock: Callable[[], float] = time.time,
        terms: Mapping[str, str] | None = None,
    ):
        super().__init__(codec, next_seq, durable_rows, seldom, wall_clock, terms)
        self._meters: OrderedDict[bytes, _Meter] = OrderedDict()
        self._owners: dict[bytes, str | None] = {}
        self._owner: str | None = None  # of the message that is being read
        self._gave: set[str] = set()  # streams of which rows came
        # actor -> stream -> the row after those that came, where not all are known to be durable
        self._came: dict[str, dict[str, int]] = {}

    def hear(self, identity: bytes, owner: str | None, data: bytes, now: float) -> Rows | None:
        """``receive`` what came with the key of ``owner``.

        Args:
            identity: Of the connection.
            owner: The doorman's ticket of its key; "" for a key that was taken away, None where the link has no keys.
            data: What came.
            now: s.
        """
        if identity in self._refused:
            return None
        if owner == "":  # a connection that was made in time gets no further than a new one
            self.refuse(identity, "the key of this connection is no longer allowed", now)
            return None
        if not self._meter(identity, now).take(now):
            self.refuse(identity, f"more than {MESSAGES_PER_SECOND:.0f} messages a second", now)
            return None
        if identity in self._peers and self._owners.get(identity) != owner:
            return None  # a routing id that was another's, before it lost its connection
        self._owner = owner
        rows = self.receive(identity, data, now)
        if rows is not None and rows.next_seq - self._streams.get(rows.stream, 0) > WINDOW:
            self.refuse(identity, f"more than {WINDOW} rows came without an acknowledgement", now)
            return None
        if rows is not None:
            self._gave.add(rows.stream)
            came = self._came.setdefault(rows.actor, {})
            came[rows.stream] = max(rows.next_seq, came.get(rows.stream, 0))
        return rows

    def refuse_stream(self, stream: str, reason: str, now: float) -> None:
        """See ``LearnerSession``; what came of it waits no more."""
        self._came.get(stream.rsplit("-", 2)[0], {}).pop(stream, None)
        super().refuse_stream(stream, reason, now)

    def knows(self, identity: bytes) -> bool:
        """Whether the connection said hello and is listened to."""
        return identity in self._peers

    def shut_out(self, may_stay: Callable[[str], bool], now: float) -> None:
        """Refuse the connections whose tickets may not stay, because their key was taken away: some only listen."""
        for identity, peer in list(self._peers.items()):
            owner = self._owners.get(identity)
            if owner is not None and not may_stay(owner):
                self.refuse(identity, f"the key of '{peer.actor}' is no longer allowed", now)

    def _hello(self, identity: bytes, hello: Hello, now: float) -> None:
        whose = hello.stream.rsplit("-", 2)[0]
        if whose != hello.actor:
            raise Refused(
                f"actor '{hello.actor}' sends the stream {hello.stream}, which is of '{whose}': start it with "
                f"--name {whose}, or move that spool away"
            )
        if self._owner is not None and hello.actor != (owner := owner_of(self._owner)):
            raise Refused(
                f"this key is the one of '{owner}', and cannot speak as '{hello.actor}': make a key of its "
                f"own with `daydreamer keys new DIR --actors {hello.actor}`"
            )
        self._wait_for_others(identity, hello)
        super()._hello(identity, hello, now)
        self._owners = {one: who for one, who in self._owners.items() if one in self._peers}
        self._owners[identity] = self._owner
        kept = self._gave | {peer.stream for peer in self._peers.values()}
        self._streams = {stream: rows for stream, rows in self._streams.items() if stream in kept}

    def _wait_for_others(self, identity: bytes, hello: Hello) -> None:
        """Raise Refused for a stream too many: each has a window, and costs a file and a wait for the disk.

        An actor goes on to its next stream when all of the one before is acknowledged.
        """
        came = self._came.pop(hello.actor, {})
        behind = {stream: end for stream, end in came.items() if end > self._streams.get(stream, 0)}
        if behind:
            self._came[hello.actor] = behind
        others = [stream for stream in behind if stream != hello.stream]
        present = self._peers.get(identity)
        if len(others) > 1 or (present is not None and present.stream in others):
            raise Refused(
                f"rows of {others[0]} wait for the learner's disk: {hello.stream} may come after them"
            )

    def _meter(self, identity: bytes, now: float) -> _Meter:
        meter = self._meters.get(identity)
        if meter is None:
            meter = self._meters[identity] = _Meter(BURST, now)
            if len(self._meters) > MAX_METERS:
                self._meters.popitem(last=False)
        return meter

"""Both ends of a link in one process, without sockets, threads or files: for tests and for examples.

The same contract as over the network, and the same checks of every row. A learner and its actors share one
condition; what one end does, the other sees at once.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from daydreamer import __version__
from daydreamer.core.specs import Specs, difference
from daydreamer.core.transition import Row
from daydreamer.transport.actor_session import new_stream
from daydreamer.transport.link import ActorStatus, LinkError, LinkStatus, PolicyMessage, Rows, SpoolFull
from daydreamer.transport.messages import MAX_BATCH_ROWS
from daydreamer.transport.row_codec import RowCodec


class LocalLearner:
    """The learner's end. See ``link.LearnerEnd``."""

    def __init__(
        self, row_spec: Specs, next_seq: Callable[[str], int] = lambda stream: 0, durable_rows: int = 0
    ):
        self.codec = RowCodec(row_spec)
        self.changed = threading.Condition()
        self.policy: PolicyMessage | None = None
        self.stopped: str | None = None
        self.closed = False
        self._next_seq = next_seq
        self._total = 0
        self._durable = durable_rows
        self._actors: dict[str, LocalActor] = {}

    @property
    def credit(self) -> int:
        """Rows wanted beyond the durable ones."""
        return self._total - self._durable

    def welcome(self, actor: LocalActor) -> int:
        """Take ``actor`` in; the row it goes on with."""
        self._actors[actor.name] = actor
        return self._next_seq(actor.stream)

    def receive(self, timeout: float) -> list[Rows]:
        """Rows that came, at once when some are here; an empty list after ``timeout`` [s]."""
        with self.changed:
            self.changed.wait_for(lambda: any(a.waiting for a in self._actors.values()), timeout)
            return [rows for actor in self._actors.values() if (rows := actor.hand_over()) is not None]

    def acknowledge(self, stream: str, next_seq: int) -> None:
        """All rows of ``stream`` before ``next_seq`` are durable."""
        with self.changed:
            owners = [actor for actor in self._actors.values() if actor.stream == stream]
            if not owners:
                raise ValueError(f"no rows of a stream '{stream}' came over this link")
            self._durable += owners[0].forget(next_seq)
            self.changed.notify_all()

    def refuse(self, stream: str, reason: str) -> None:
        """Tell the actor of ``stream`` that its rows cannot be stored."""
        with self.changed:
            for actor in self._actors.values():
                if actor.stream == stream:
                    actor.turn_away(reason)

    def publish(self, policy: PolicyMessage) -> None:
        """Give every actor ``policy``."""
        policy.check()
        with self.changed:
            self.policy = policy

    def set_credit(self, total: int) -> None:
        """Allow ``total`` durable rows."""
        with self.changed:
            self._total = int(total)

    def reports(self) -> dict[str, dict[str, float]]:
        """The newest report of each actor."""
        with self.changed:
            return {name: dict(actor.metrics) for name, actor in self._actors.items() if actor.metrics}

    def actors(self) -> dict[str, ActorStatus]:
        """Every actor that started."""
        with self.changed:
            return {name: actor.seen() for name, actor in self._actors.items()}

    def stop(self, reason: str) -> None:
        """Tell actors to stop."""
        with self.changed:
            self.stopped = reason

    def close(self) -> None:
        """Let the actors go."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()


class LocalActor:
    """The actor's end, for one learner of this process. See ``link.ActorEnd``."""

    def __init__(self, learner: LocalLearner, name: str, row_spec: Specs, most_rows: int = 1_000_000):
        self.name = name
        self.stream = new_stream(name, time.time())
        self.metrics: dict[str, float] = {}
        self._learner = learner
        self._most_rows = most_rows
        self._codec = RowCodec(row_spec)
        self._kept: deque[bytes] = deque()  # rows that are not acknowledged
        self._acked = 0
        self._handed = 0  # the next row to hand over
        self._digest = ""
        self._open = False
        self._refused: str | None = None
        self._stopped: str | None = None

    @property
    def waiting(self) -> bool:
        """Whether there are rows that the learner has not received."""
        return self._refused is None and self._handed < self._sent

    @property
    def _sent(self) -> int:
        return self._acked + len(self._kept)

    def start(self) -> None:
        """Meet the learner."""
        with self._learner.changed:
            self._open = True
            if lines := difference(self._learner.codec.specs, self._codec.specs):
                self._refused = "the rows of learner ('ours') and actor ('theirs') differ:\n  " + "\n  ".join(
                    lines
                )
            else:
                self._acked = self._handed = self._learner.welcome(self)

    def send(self, row: Row) -> int:
        """Hand over one row; see ``link.ActorEnd``."""
        record = self._codec.encode(row)
        with self._learner.changed:
            if not self._open:
                raise LinkError("the link is not open: rows are sent between start() and close()")
            if len(self._kept) >= self._most_rows:
                raise SpoolFull(
                    f"{self._most_rows} rows wait for the learner: hold the robot until they are sent"
                )
            self._kept.append(record)
            self._learner.changed.notify_all()
            return self._sent - 1

    def policy(self) -> PolicyMessage | None:
        """The newest policy, once."""
        policy = self._learner.policy if self._connected else None
        if policy is None or policy.digest == self._digest:
            return None
        self._digest = policy.digest
        return policy

    def credit(self) -> int:
        """Rows the learner still wants from here."""
        with self._learner.changed:
            return self._learner.credit - len(self._kept) if self._connected else 0

    def report(self, metrics: Mapping[str, float]) -> None:
        """Tell the learner numbers for people."""
        with self._learner.changed:
            self.metrics = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}

    def status(self) -> LinkStatus:
        """How things stand."""
        with self._learner.changed:
            if self._connected and self._learner.stopped is not None:
                self._stopped = self._learner.stopped
            waiting = len(self._kept)
            return LinkStatus(
                connected=self._connected,
                unacked=waiting,
                spool_bytes=waiting * self._codec.row_bytes,
                sent=self._sent,
                acked=self._acked,
                refused=self._refused,
                stopped=self._stopped,
                full=waiting >= self._most_rows,
            )

    def close(self, timeout: float = 2.0) -> None:
        """Wait for at most ``timeout`` [s] until the learner has made all rows durable."""
        with self._learner.changed:
            if self._open:
                self._learner.changed.wait_for(lambda: not self._connected or not self._kept, timeout)
            self._open = False

    def turn_away(self, reason: str) -> None:
        """The learner, which holds the condition, refuses this actor's rows."""
        self._refused = reason

    def hand_over(self) -> Rows | None:
        """The next rows for the learner, which holds the condition."""
        if not self.waiting:
            return None
        first = self._handed
        skip = first - self._acked
        records = [self._kept[i] for i in range(skip, min(skip + MAX_BATCH_ROWS, len(self._kept)))]
        self._handed += len(records)
        return Rows(self.name, self.stream, first, self._learner.codec.decode(b"".join(records)))

    def forget(self, next_seq: int) -> int:
        """Rows before ``next_seq`` are durable; how many of them were not before."""
        count = max(0, min(next_seq, self._handed) - self._acked)
        for _ in range(count):
            self._kept.popleft()
        self._acked += count
        return count

    def seen(self) -> ActorStatus:
        """This actor as the learner sees it."""
        return ActorStatus(self._connected, 0.0, self.stream, self._handed, self._digest, __version__)

    @property
    def _connected(self) -> bool:
        return self._open and self._refused is None and not self._learner.closed

"""The contract of a link: what an actor and a learner may ask of their two ends, whatever lies between.

Rows go up in order, each exactly once as far as the acknowledgements know: a row is acknowledged only when it
is durable at the learner, kept by the actor until then, and sent again when a connection is lost. Policies
go down, the newest only. ``tests/contracts/link_contract.py`` is this text as a test.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from daydreamer.core.errors import Corrupt, DaydreamerError
from daydreamer.core.transition import Row

MAX_POLICY_BYTES = 128 << 20

WhenFull = Literal["hold", "drop-oldest"]  # what an actor does whose spool is full


class SpoolFull(DaydreamerError):
    """The actor holds as many unacknowledged rows as it may: stop the robot until the learner is back."""


class LinkError(DaydreamerError):
    """A link cannot be opened or has broken down: the address, the keys, or a file."""


@dataclass(frozen=True)
class PolicyMessage:
    """A published policy: a self-contained model and the SHA-256 that names its content."""

    version: int
    data: bytes
    digest: str  # 64 hex digits

    @classmethod
    def of(cls, version: int, data: bytes) -> PolicyMessage:
        """The message for ``data``, its digest computed."""
        return cls(version, data, hashlib.sha256(data).hexdigest())

    def check(self) -> None:
        """Raise Corrupt unless the digest is that of the data and there is not too much of it."""
        if not 0 < len(self.data) <= MAX_POLICY_BYTES:
            raise Corrupt(
                f"policy {self.version}: expected 1 to {MAX_POLICY_BYTES} bytes, got {len(self.data)}"
            )
        found = hashlib.sha256(self.data).hexdigest()
        if found != self.digest:
            raise Corrupt(f"policy {self.version}: expected SHA-256 {self.digest}, its data has {found}")


@dataclass(frozen=True)
class Rows:
    """N rows of one stream that follow one another, each checked against the row spec."""

    actor: str
    stream: str
    first_seq: int
    columns: dict[str, NDArray[Any]]  # [N, ...] each, read-only
    after_gap: bool = False  # rows of the stream before these are not to be had any more

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def next_seq(self) -> int:
        """What to acknowledge when these rows are durable."""
        return self.first_seq + len(self)


@dataclass(frozen=True)
class LinkStatus:
    """The actor's end at one moment. Rows are counted since the process began."""

    connected: bool  # the learner has welcomed us and is not silent
    unacked: int  # rows kept here, those of earlier lives included
    spool_bytes: int
    sent: int  # rows given to ``send``
    acked: int  # of these, durable at the learner
    refused: str | None = None  # why the learner refuses us; it is asked again, slowly
    stopped: str | None = None  # why the learner wants us to stop
    full: bool = False  # ``send`` raises SpoolFull
    broken: str | None = None  # why the link has broken down for good; nothing above changes any more
    dropped: int = 0  # rows given up before they were acknowledged, because the spool was full
    ack_seconds: float = (
        math.nan
    )  # from sending the newest acknowledged rows to the word that they are durable
    clock_offset: float = math.nan  # s by which the learner's clock is ahead of ours, ...
    clock_within: float = math.nan  # ... give or take so much: half of the quickest way there and back


@dataclass(frozen=True)
class ActorStatus:
    """One actor as the learner sees it."""

    connected: bool
    age: float  # s since it was last heard
    stream: str
    rows: int  # received since this link was opened
    policy: str  # digest of the policy it has, empty before the first
    software: str


class ActorEnd(Protocol):
    """The actor's end. Nothing in it waits for the network, except ``close``."""

    @property
    def stream(self) -> str:
        """The name under which rows now go up."""
        ...

    def start(self) -> None:
        """Begin to connect, and to send what earlier lives left. Returns at once."""
        ...

    def send(self, row: Row) -> int:
        """Hand over one row; its number in the order of ``send``, from 0. Never blocks.

        Raises:
            SpecMismatch: the row does not fit the row spec.
            SpoolFull: no room; the row was not taken.
            LinkError: the link is not started, is closed, or has broken down.
        """
        ...

    def policy(self) -> PolicyMessage | None:
        """The newest policy, once; None when there is none newer than the last one taken."""
        ...

    def credit(self) -> int:
        """Rows the learner still wants from here; 0 before it was ever reached, negative when overdrawn."""
        ...

    def report(self, metrics: Mapping[str, float]) -> None:
        """Tell the learner numbers for people. The newest counts; some are lost."""
        ...

    def status(self) -> LinkStatus:
        """How things stand."""
        ...

    def close(self, timeout: float = 2.0) -> None:
        """Send what is left for at most ``timeout`` [s], then stop. Idempotent. What is left stays on disk."""
        ...


class LearnerEnd(Protocol):
    """The learner's end. One thread receives, and often: heartbeats are answered inside ``receive``."""

    def receive(self, timeout: float) -> list[Rows]:
        """Rows that came, as soon as some do; an empty list after ``timeout`` [s]."""
        ...

    def acknowledge(self, stream: str, next_seq: int) -> None:
        """All rows of ``stream`` before ``next_seq`` are durable: the actor may forget them."""
        ...

    def refuse(self, stream: str, reason: str) -> None:
        """Rows of ``stream`` that came cannot be stored: tell its actor, which keeps them. Any thread."""
        ...

    def publish(self, policy: PolicyMessage) -> None:
        """Give every actor ``policy``, those that connect later too. Any thread.

        Raises:
            Corrupt: the digest is not that of the data, or there is too much of it.
        """
        ...

    def set_credit(self, total: int) -> None:
        """Allow ``total`` durable rows, over all streams and lives. Any thread."""
        ...

    def reports(self) -> dict[str, dict[str, float]]:
        """The newest report of each actor."""
        ...

    def actors(self) -> dict[str, ActorStatus]:
        """Every actor heard of, by name."""
        ...

    def stop(self, reason: str) -> None:
        """Tell actors to stop, those that connect later too; each is told until it says it knows. Any thread."""
        ...

    def close(self) -> None:
        """Stop listening; after ``stop``, wait briefly for the actors to know. Idempotent."""
        ...

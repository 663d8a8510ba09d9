"""The actor's end of the link, over ZeroMQ: the face that the control loop sees.

``send`` checks a row, puts its bytes in a queue and rings a bell; all else is the I/O thread's work (``actor_io``).
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from daydreamer.core.record_log import FRAME_SIZE
from daydreamer.core.specs import Specs
from daydreamer.core.transition import Row
from daydreamer.transport.actor_io import ActorIo, Desk
from daydreamer.transport.actor_session import ActorSession, new_stream
from daydreamer.transport.address import Address
from daydreamer.transport.auth import ActorKeys, check_exposure
from daydreamer.transport.link import LinkError, LinkStatus, PolicyMessage, SpoolFull, WhenFull
from daydreamer.transport.messages import ACTOR_NAME, MAX_BATCH_ROWS
from daydreamer.transport.row_codec import RowCodec, specs_to_bytes
from daydreamer.transport.spool import SEGMENT_BYTES, Spool, leftovers

logger = logging.getLogger(__name__)

QUEUE_BYTES = 32 << 20  # rows in memory, waiting for a disk that refuses them


class ActorLink:
    """Connects out to a learner; keeps rows on disk until the learner has them. See ``link.ActorEnd``."""

    def __init__(
        self,
        address: str,
        actor: str,
        row_spec: Specs,
        spool_dir: Path | str,
        keys: ActorKeys | None = None,
        spool_limit_bytes: int = 1 << 30,
        when_full: WhenFull = "hold",
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        terms: Mapping[str, str] | None = None,
        insecure: bool = False,
        patience: float = 0.0,
    ):
        """Take hold of ``spool_dir``; ``start`` connects to ``address`` ("HOST:PORT").

        Args:
            address: Of the learner.
            actor: This actor's name, which no other has at that learner.
            row_spec: What rows are.
            spool_dir: For this actor's rows alone.
            keys: As the learner's; None: neither side has any, which is for one computer alone,
            spool_limit_bytes: As many bytes of rows may wait on the disk.
            when_full: Then refuse new rows ("hold": the robot holds its pose), or give up the oldest ones
                ("drop-oldest": ``status().dropped`` counts them, and the log tells of it).
            clock: Monotonic seconds.
            wall_clock: Seconds since 1970; compared with the learner's.
            terms: What rows mean beyond their spec: the learner refuses an actor whose terms are not its own.
            insecure: unless this is True.
            patience: Seconds in which another process, of a supervisor that was killed, may let go of ``spool_dir``.

        Raises:
            LinkError: the address or the actor's name is none, is on the network and there are no keys, or
                another process uses ``spool_dir``.
        """
        if not ACTOR_NAME.fullmatch(actor):
            raise LinkError(f"expected an actor's name of letters, digits, '_', '.', '-', got '{actor}'")
        target = Address.parse(address)
        check_exposure(target, keys, insecure)
        self._address = target
        self._clock = clock
        self._codec = RowCodec(row_spec)
        self._limit = spool_limit_bytes
        self._lock_file = _take(Path(spool_dir), clock() + patience, clock)
        segment = min(SEGMENT_BYTES, max(spool_limit_bytes // 8, self._codec.row_bytes))
        self._drops = when_full == "drop-oldest"
        spools = _spools(Path(spool_dir), new_stream(actor, wall_clock()), self._codec, terms or {}, segment)
        self._session = ActorSession(actor, row_spec, self._codec.row_bytes, spools, wall_clock, terms)
        self._desk = Desk()
        self._io = ActorIo(
            self._session, self._desk, target, keys, clock, spool_limit_bytes if self._drops else None
        )
        self._sent = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def stream(self) -> str:
        """The name under which rows now go up."""
        return self._session.spool.stream

    def start(self) -> None:
        """Start the I/O thread."""
        if self._thread is not None or self._closed:
            raise LinkError("a link is started once; make another one")
        self._thread = threading.Thread(target=self._io.run, name="actor link", daemon=True)
        self._thread.start()

    def send(self, row: Row) -> int:
        """Hand over one row; see ``link.ActorEnd``."""
        if self._desk.broken is not None:
            raise LinkError(f"the link has broken down: {self._desk.broken}") from self._desk.broken
        if self._thread is None or self._closed:
            raise LinkError("the link is not open: rows are sent between start() and close()")
        record = self._codec.encode(row)
        if self._is_full():
            raise SpoolFull(
                f"as many rows as are allowed ({self._limit} bytes) wait for the learner at {self._address}"
                + (f", and the disk refuses them: {self._desk.seen.disk}" if self._desk.seen.disk else "")
                + ": hold the robot until they are sent"
            )
        queue = self._desk.queue
        queue.append(record)
        self._sent += 1
        if len(queue) in (1, MAX_BATCH_ROWS):
            self._desk.wake.ring()
        return self._sent - 1

    def policy(self) -> PolicyMessage | None:
        """The newest policy, once."""
        return self._desk.take_policy()

    def credit(self) -> int:
        """Rows the learner still wants from here."""
        seen = self._desk.seen
        return seen.allowance - seen.unacked - (self._sent - seen.stored) if seen.reached else 0

    def report(self, metrics: Mapping[str, float]) -> None:
        """Tell the learner numbers for people."""
        self._desk.put_report(metrics)

    def status(self) -> LinkStatus:
        """How things stand."""
        seen, sent, broken = self._desk.seen, self._sent, self._desk.broken
        unacked = seen.unacked + sent - seen.stored
        return LinkStatus(
            connected=seen.connected,
            unacked=unacked,
            spool_bytes=seen.spool_bytes,
            sent=sent,
            acked=seen.acked,
            refused=seen.refused,
            stopped=seen.stopped,
            full=self._is_full(),
            dropped=seen.dropped,
            ack_seconds=seen.ack_seconds,
            clock_offset=seen.clock_offset,
            clock_within=seen.clock_within,
            broken=None if broken is None else f"{broken or type(broken).__name__}",
        )

    def close(self, timeout: float = 2.0) -> None:
        """Send what is left for at most ``timeout`` [s]; what is left then stays on disk. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._desk.close_by = self._clock() + (timeout if self._thread is not None else 0.0)
        self._desk.wake.ring()
        if self._thread is None:
            self._io.run()
        else:
            self._thread.join(timeout + 5.0)
            if self._thread.is_alive():
                logger.error("the link's thread hangs, probably in the disk; it is left behind")
                return
        self._desk.wake.close()
        os.close(self._lock_file)

    def _is_full(self) -> bool:
        seen = self._desk.seen
        waiting = (self._sent - seen.stored) * (self._codec.row_bytes + FRAME_SIZE)
        return waiting >= QUEUE_BYTES or (not self._drops and seen.spool_bytes + waiting >= self._limit)


def _take(directory: Path, until: float, clock: Callable[[], float]) -> int:
    """Lock ``directory`` for this process; the kernel lets go of it when the process ends, however it ends."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if clock() < until:
                time.sleep(0.1)
                continue
            os.close(descriptor)
            raise LinkError(
                f"another actor uses the spool {directory}: give each its own directory"
            ) from error
        return descriptor


def _spools(
    directory: Path, stream: str, codec: RowCodec, terms: Mapping[str, str], segment_bytes: int
) -> list[Spool]:
    """What earlier lives left, then the present stream. Rows of another spec or other terms stay where they are."""
    specs = specs_to_bytes(codec.specs)
    header = specs + (json.dumps(dict(terms), sort_keys=True).encode() if terms else b"")

    def wanted(path: Path, theirs: bytes) -> bool:
        if theirs in (header, specs):  # version 3 of the link did not write terms down
            return True
        other = "made with other settings" if theirs.startswith(specs) else "of another spec"
        logger.warning("%s holds rows %s; they are not sent", path, other)
        return False

    spools = leftovers(directory, codec.row_bytes, wanted)
    for spool in spools:
        logger.info("%d rows of an earlier life will be sent: %s", spool.unacked, spool.stream)
    return [*spools, Spool(directory / stream, stream, header, segment_bytes)]

"""The ledger at the end: every row that was ever made, and where it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daydreamer.core.errors import DaydreamerError
from daydreamer.replay.archive import Archive
from daydreamer.runtime.faults.stage import Life
from daydreamer.transport.spool import Spool

Rows = dict[str, dict[int, float]]  # stream -> number -> time


@dataclass(frozen=True)
class Ledger:
    """Rows.

    Attributes:
        produced: Taken by the link.
        unsaved: Of these, in the memory of an actor when it was killed: never on any disk.
        acknowledged: Known to be durable at a learner.
        stored: Different rows in the learners' replays.
        waiting: Still in an actor's spool.
        lost: Produced, saved, and nowhere.
        doubled: In one replay more than once, or under a number that is not theirs.
    """

    produced: int
    unsaved: int
    acknowledged: int
    stored: int
    waiting: int
    lost: int
    doubled: int


def balance(lives: Sequence[Life], replays: Iterable[Path], spools: Iterable[Path], row_bytes: int) -> Ledger:
    """Compare what was produced with what is stored. All processes have ended; a spooled row has ``row_bytes``."""
    stored, doubled = _stored(replays)
    waiting = _waiting(spools, row_bytes)
    produced = unsaved = lost = missing_acks = 0
    for life in lives:
        times, stream = life.journal.times(), life.journal.stream
        saved = len(times) if life.saved is None else min(life.saved, len(times))
        here, kept = stored.get(stream, {}), waiting.get(stream, set())
        produced += len(times)
        unsaved += sum(1 for number in range(saved, len(times)) if number not in here)
        lost += sum(1 for number in range(saved) if number not in here and number not in kept)
        missing_acks += sum(1 for number in range(saved) if number not in here)
        doubled += sum(1 for number, time in here.items() if number >= len(times) or times[number] != time)
    return Ledger(
        produced,
        unsaved,
        produced - unsaved - missing_acks,
        sum(map(len, stored.values())),
        missing_acks - lost,
        lost,
        doubled,
    )


def _stored(replays: Iterable[Path]) -> tuple[Rows, int]:
    """Rows in all replays together, and how many stand more than once in one of them."""
    together: Rows = {}
    doubled = 0
    for path in replays:
        try:
            archive = Archive(path)
        except DaydreamerError:
            continue  # a learner that never stored a row
        seen: list[np.ndarray] = []
        for part in archive.parts():
            times = part.rows["time"]
            seen.append(times)
            here = together.setdefault(part.stream, {})
            here.update(zip(range(part.first_seq, part.first_seq + len(times)), times.tolist(), strict=True))
        every = np.concatenate(seen) if seen else np.empty(0)
        doubled += len(every) - len(np.unique(every))
    return together, doubled


def _waiting(spools: Iterable[Path], row_bytes: int) -> dict[str, set[int]]:
    """Numbers of the rows that are still in spools, acknowledged or not; damaged ones are in none."""
    found: dict[str, set[int]] = {}
    for directory in spools:
        for path in directory.glob("*/") if directory.exists() else ():
            if any(path.glob("*.log")):
                spool = Spool.reopen(path, row_bytes)
                numbers = range(spool.oldest, spool.end)
                found.setdefault(spool.stream, set()).update(n for n in numbers if spool.kept_from(n) == n)
    return found

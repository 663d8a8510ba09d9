"""Hands on the robot: what each wish of a person does to the actor's loop.

``after`` is the whole table. A stop acts at once, in the thread that brings it; everything else at the next control
step. Nothing is claimed: what a wish has done is read from the robot, and said in ``last`` and in ``events.jsonl``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from daydreamer.transport.console_messages import GOOD_FOR, Hand, HandRefused
from robots.robot import RobotError

_log = logging.getLogger(__name__)

IN_VAIN = ("nothing", "refused")  # how the words begin of a wish that did nothing
ONCE_MORE = "nothing new: it is stopped already, until a reset"
_MOST = 32  # wishes waiting for a control step; a loop that hangs serves none


class Wanted(Enum):
    """What people want the loop to do while the robot obeys."""

    RUN = "run"  # the policy drives
    PAUSE = "pause"  # hold the pose
    LIE = "lie"  # lie down by script, then damp
    LIMP = "limp"  # damp


class Stoppable(Protocol):
    """What is used of a ``Brake``."""

    @property
    def stopped(self) -> str:
        """Why the robot does not obey."""
        ...

    @property
    def trips(self) -> int:
        """How often it was tripped."""
        ...

    def trip(self, why: str) -> bool:
        """Damp now; whether it was tripped already. Does not wait for the control loop."""
        ...

    def reset(self, operator: str, trips: int) -> None:
        """Obey again, unless it was tripped more often than ``trips``. Raises RobotError."""
        ...


@dataclass(frozen=True)
class _Row:
    """What one wish does."""

    leads_to: Wanted
    effect: str
    already: frozenset[Wanted] = frozenset()  # where it changes nothing,
    in_vain: str = ""  # and what is said then
    needs_robot: bool = True  # that obeys


# A stop and its reset never make the robot move: after both it damps until someone resumes.
_TABLE = {
    "damp": _Row(Wanted.LIMP, "the robot damps until a reset", needs_robot=False),
    "reset": _Row(Wanted.LIMP, "the robot obeys again, and damps until someone resumes", needs_robot=False),
    "resume": _Row(
        Wanted.RUN, "the policy drives again, in a new stretch", frozenset({Wanted.RUN}), "it is not paused"
    ),
    "lie_down": _Row(
        Wanted.LIE,
        "the robot lies down unless it damps already, then damps until someone resumes",
        frozenset({Wanted.LIE}),
        "it lies down already",
    ),
    "pause": _Row(
        Wanted.PAUSE,
        "the robot holds its pose until someone resumes",
        frozenset({Wanted.PAUSE, Wanted.LIMP}),
        "it is paused already",
    ),
}


_ASIDE = {"pause", "lie_down", "damp"}  # which keep the policy from driving

# Wishes that are counted over the whole life of a run, each under its name.
COUNTED = {
    "mark_good": "good",
    "mark_bad": "bad",
    "mark_reset": "set_by_hand",
    "damp": "stops",
    "reset": "resets",
}


def counted(events: Iterable[Mapping[str, Any]], actor: str) -> dict[str, int]:
    """How often each of ``COUNTED`` stands in ``events`` of ``actor``."""
    counts = dict.fromkeys(COUNTED.values(), 0)
    for event in events:
        if event.get("actor") != actor:
            continue
        wish = f"mark_{event.get('mark')}" if event.get("event") == "mark" else event.get("hand")
        if wish in COUNTED and not str(event.get("effect", "")).startswith(IN_VAIN):
            counts[COUNTED[wish]] += 1
    return counts


def after(wanted: Wanted, wish: str, stopped: bool) -> tuple[Wanted, str]:
    """What is wanted after ``wish``, and in words what that does."""
    row = _TABLE[wish]
    if stopped and row.needs_robot:
        return wanted, "nothing: the robot is stopped and needs a reset first"
    if wanted in row.already:
        return wanted, f"nothing: {row.in_vain}"
    return row.leads_to, row.effect


class Hands:
    """Takes wishes from the console's thread, and acts on them in the control loop.

    Args:
        robot: What stops and is reset.
        now: Unix seconds.
        counts: What people did in earlier lives of this run, see ``counted``.
        wanted: What they wanted when the last of them ended.
        keep: Takes what a next life has to go on with, whenever it changes; does not wait. Any thread calls it.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        robot: Stoppable,
        now: Callable[[], float] = time.time,
        counts: Mapping[str, int] | None = None,
        wanted: Wanted = Wanted.RUN,
        keep: Callable[[Wanted], None] = lambda wanted: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._robot, self._now, self._clock = robot, now, clock
        self.counts = {**dict.fromkeys(COUNTED.values(), 0), **(counts or {})}
        # When each came, and how often the robot had been tripped by then
        self._waiting: list[tuple[Hand, int, float]] = []
        self._lock = threading.Lock()  # of what waits and what is kept; held for microseconds
        self._keep, self._kept = keep, wanted
        self.wanted = wanted
        self.last = ""  # the newest wish and what became of it, for people
        if wanted is not Wanted.RUN:
            self.last = "no policy drives, as people wanted before this start: resume to go on"
            _log.warning("%s", self.last)
        self.events: deque[dict[str, Any]] = deque(
            maxlen=1000
        )  # to be written down by whoever may wait for a disk

    def take(self, hand: Hand) -> None:
        """Act on a stop now; keep the rest for the next control step. Any thread.

        Raises:
            HandRefused: too many wishes wait already: the loop serves none.
        """
        if hand.wish == "damp":
            # First: the robot is asked nothing that could wait. Viewers repeat a stop until the robot shows it.
            again = self._robot.trip(f"stopped by {_who(hand)}")
            with self._lock:  # what was wished before a stop is not done after it
                self._waiting = [(hand, self._robot.trips, self._clock())]
                self._remember()
            if not again:
                self._count(hand.wish)
            self._tell(hand, ONCE_MORE if again else after(self.wanted, "damp", stopped=True)[1])
            return
        with self._lock:
            if len(self._waiting) >= _MOST:
                raise HandRefused(
                    f"{_MOST} wishes wait and the control loop serves none: it hangs. Only stop acts now"
                )
            self._waiting.append((hand, self._robot.trips, self._clock()))
            self._remember()

    def serve(self, stream: str, row: int) -> None:
        """Act on what waits. In the control loop, each step; ``row`` of ``stream`` is the newest one."""
        while self._waiting:
            hand, trips, came = one = self._waiting[0]
            try:
                if (
                    hand.wish == "resume" and self._clock() - came > GOOD_FOR
                ):  # who wished was told that it failed
                    self._tell(hand, "nothing: the control loop hung, and it came too late; wish again")
                elif hand.wish.startswith("mark_"):
                    self._mark(hand, stream, row)
                else:
                    self._act(hand, trips)
            finally:
                with self._lock:
                    if self._waiting[0] is one:  # no stop came in between
                        del self._waiting[0]
                    self._remember()

    def _remember(self) -> None:
        """Keep what is wanted once all that waits is done; of two wishes the one that lets the robot move less.

        A robot that was to lie down damps in its next life, wherever it got to: no motion is begun without a person.
        """
        aside = any(hand.wish in _ASIDE for hand, _, _ in self._waiting)
        wanted = Wanted.LIMP if aside or self.wanted is Wanted.LIE else self.wanted
        if wanted is not self._kept:
            self._kept = wanted
            self._keep(wanted)

    def _act(self, hand: Hand, trips: int) -> None:
        stopped = bool(self._robot.stopped)
        if hand.wish == "resume" and trips != self._robot.trips:
            self._tell(hand, "nothing: the robot was stopped after it")
            return
        if hand.wish == "reset":
            if not stopped:
                self._tell(hand, "nothing: the robot is not stopped")
                return
            try:
                self._robot.reset(hand.operator, trips)
            except RobotError as error:
                self._tell(hand, f"refused: {error}")
                return
            self._count(hand.wish)
        self.wanted, effect = after(self.wanted, hand.wish, stopped)
        if hand.wish != "damp":  # that was told when it acted
            self._tell(hand, effect)

    def _count(self, wish: str) -> None:
        if (name := COUNTED.get(wish)) is not None:
            self.counts = {**self.counts, name: self.counts[name] + 1}  # another thread may be reading it

    def _mark(self, hand: Hand, stream: str, row: int) -> None:
        kind = hand.wish.removeprefix("mark_")
        if row < 0:
            self._tell(hand, "nothing: there is no row to mark yet")
            return
        self._count(hand.wish)
        self.last = f"{kind} mark by {_who(hand)}: row {row}"
        self.events.append(
            {
                "event": "mark",
                "time": round(self._now(), 3),
                "mark": kind,
                "stream": stream,
                "seq": row,
                **_by(hand),
            }
        )

    def _tell(self, hand: Hand, effect: str) -> None:
        self.last = f"{hand.wish.replace('_', ' ')} by {_who(hand)}: {effect}"
        _log.info("%s", self.last)
        self.events.append(
            {"event": "hand", "time": round(self._now(), 3), "hand": hand.wish, "effect": effect, **_by(hand)}
        )


def _who(hand: Hand) -> str:
    return hand.operator or "a person"


def _by(hand: Hand) -> dict[str, str]:
    return {"operator": hand.operator, "viewer": hand.viewer}

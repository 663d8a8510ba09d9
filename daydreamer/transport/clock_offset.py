"""By how much the learner's clock is ahead of the actor's, from the pings that go to and fro anyway.

The actor's ping says when it was sent; the learner's says which ping it heard last, when, and when it speaks itself:

    offset = ((heard - asked) + (answered - now)) / 2        delay = (now - asked) - (answered - heard)

However the delay is split between the way there and the way back, the offset is wrong by no more than half of it. So
the quickest of the last answers is believed; an old one less, because clocks drift apart.

Source: D. L. Mills, "Network Time Protocol Version 4", RFC 5905 (2010), section 8 and the clock filter of section 10.
"""

from __future__ import annotations

import math
from collections import deque

ANSWERS = 16  # that are remembered; 8 s of pings
DRIFT = 1e-4  # s per s, by which two clocks may part; a computer's quartz is off by a third of it


class ClockOffset:
    """Four times of an answer go in, the offset and its uncertainty come out."""

    def __init__(self) -> None:
        # now, offset, half the delay
        self._answers: deque[tuple[float, float, float]] = deque(maxlen=ANSWERS)

    def add(self, asked: float, heard: float, answered: float, now: float) -> None:
        """An answer came. ``asked`` and ``now`` are of this clock, ``heard`` and ``answered`` of the other; s."""
        delay = (now - asked) - (answered - heard)
        if delay < 0 or now < asked or (self._answers and now < self._answers[-1][0]):
            self._answers.clear()  # somebody set one of the clocks
            return
        self._answers.append((now, ((heard - asked) + (answered - now)) / 2, delay / 2))

    def forget(self) -> None:
        """The other clock may be another one from now on."""
        self._answers.clear()

    def get(self) -> tuple[float, float]:
        """Seconds that the other clock is ahead, and how far off that may be; NaN before the first answer."""
        if not self._answers:
            return math.nan, math.nan
        newest = self._answers[-1][0]
        within, offset = min((half + DRIFT * (newest - at), offset) for at, offset, half in self._answers)
        return offset, within

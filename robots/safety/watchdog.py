"""How long ago something last happened, by a clock that is handed in."""

from __future__ import annotations

from robots.clock import Clock


class Watchdog:
    """Its age starts at zero when made, and again whenever it is fed. It decides nothing: see ``checks``."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._fed_at = clock.now()

    def feed(self) -> None:
        """It happened now."""
        self._fed_at = self._clock.now()

    def age(self) -> float:
        """Seconds since the last feed, or since it was made."""
        return self._clock.now() - self._fed_at

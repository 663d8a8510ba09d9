"""What the bridge hears on ROS 2: a stop is passed on at once, in a thread that does nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.telemetry import Telemetry
from daydreamer.runtime.ros2_stop import StopKeeper
from daydreamer.transport.seldom import Seldom
from robots.clock import Clock
from robots.ros2 import topics
from robots.ros2.back_end import BackEnd, Heard

_log = logging.getLogger(__name__)

_LOOK = 0.1  # s between two looks at whether the robot is still stopped, while nothing is heard
_KEPT_FOR = 0.2  # s in which what a publisher kept arrives, a press and perhaps its release
_STOP_TAKES = 1.0  # s for the actor's answer to a stop
_WISH_TAKES = 0.5  # s for its answer to a wish, after which it is dropped, not kept for later
_WISHES_EVERY = 0.2  # s between two wishes that are passed on


class Console(Protocol):
    """What is used of a ``ConsoleClient``."""

    problem: str

    def latest(self, timeout: float = 0.0) -> Telemetry | None:
        """The newest telemetry, or None while nothing is heard."""
        ...

    def send(self, wish: str, operator: str = "", timeout: float = 2.0) -> None:
        """Pass on a wish."""
        ...


class Ears:
    """Listens to a back end. ``turn`` and ``start`` are for the stop, ``serve`` for the rest, in another thread.

    Args:
        back_end: What hears.
        console: Where wishes go.
        clock: Real time.
    """

    def __init__(self, back_end: BackEnd, console: Console, clock: Clock):
        self._back_end, self._console, self._clock = back_end, console, clock
        self._keeper = StopKeeper()
        self._kept: tuple[bool, float] | None = (
            None  # the newest of what publishers kept; since when some is here
        )
        self._wish: tuple[str, str, float] | None = None  # the newest, where it was heard, and when
        self._next_wish = -1e9
        self.telemetry: Telemetry | None = None  # the newest, from whoever follows it; None: silence
        self.stops = self.wishes = 0  # passed on
        self.trouble = ""  # with the last stop, for a person
        self._seldom = Seldom(_log, clock=clock.now)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="ros2 ears", daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def close(self) -> None:
        """Listen no more. Idempotent."""
        self._closing = True
        if self._thread.is_alive():
            self._thread.join(5.0)

    @property
    def pressed(self) -> bool:
        """Whether the newest word on /estop is stop."""
        return self._keeper.pressed

    def turn(self, timeout: float) -> None:
        """Hear what comes within ``timeout`` [s]; pass a stop on."""
        for heard in self._back_end.take(timeout):
            self._hear(heard)
        telemetry, now = self.telemetry, self._clock.now()
        if self._kept is not None and now - self._kept[1] >= _KEPT_FOR:
            self._keeper.heard(self._kept[0])
            self._kept = None
        stopped = None if telemetry is None else bool(telemetry.stopped)
        if not self._keeper.is_due(now, stopped):
            return
        try:
            self._console.send("damp", _operator(topics.STOP.name), _STOP_TAKES)
        except DaydreamerError as error:
            self._keeper.failed(self._clock.now())
            self.trouble = f"a stop was not delivered: {error}"
            self._seldom.warning("A STOP WAS NOT DELIVERED, and is tried again: %s", error)
        else:
            self._keeper.arrived(self._clock.now())
            self.stops, self.trouble = self.stops + 1, ""
            _log.info("a stop from ROS 2 was passed on")

    def serve(self) -> None:
        """Pass on the newest wish to pause or resume, if one waits. Waits for the actor's answer, 0.5 s at most."""
        wish, now = self._wish, self._clock.now()
        if wish is None or now < self._next_wish:
            return
        self._wish = None
        word, topic, since = wish
        if now - since > _WISH_TAKES:
            self._seldom.warning("'%s' from ROS 2 came too late and is dropped", word)
            return
        if word == "resume" and self.pressed:
            self._seldom.warning("'resume' is not passed on while %s says stop", topics.STOP.name)
            return
        self._next_wish = now + _WISHES_EVERY
        try:
            self._console.send(word, _operator(topic), _WISH_TAKES)
            self.wishes += 1
        except DaydreamerError as error:
            self._seldom.warning("'%s' from ROS 2 was not done: %s", word, error)

    def _hear(self, heard: Heard) -> None:
        said = bool(heard.message["data"])
        name = heard.topic.name
        if heard.topic.type != topics.STOP.type:
            return
        if topics.is_stop(name) and heard.topic.qos.latched:
            # Said now, or kept since before we came: then its release may follow. What is said now is heard below, too.
            since = self._clock.now() if self._kept is None else self._kept[1]
            self._kept = (said, since)
        elif topics.is_stop(name):
            self._keeper.heard(said)
        elif said:
            word = "pause" if name.endswith(topics.PAUSE.name) else "resume"
            self._wish = (word, name, self._clock.now())

    def _run(self) -> None:
        while not self._closing:
            self._guarded(lambda: self.turn(_LOOK))

    def _guarded(self, work: Callable[[], None]) -> None:
        """The way to stop the robot outlives any mistake."""
        try:
            work()
        except Exception:
            _log.exception("the bridge had a mistake while it listened; it goes on")
            self._clock.sleep_until(self._clock.now() + _LOOK)


def _operator(topic: str) -> str:
    return f"{topic} on ROS 2"

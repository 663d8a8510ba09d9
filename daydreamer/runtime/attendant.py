"""Between the actor's loop and the people at its console: serves their hands, rests the robot, shows how it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from daydreamer.core.telemetry import Telemetry
from daydreamer.envs.robot_env import RobotEnv
from daydreamer.runtime.actor_metrics import ActorMetrics
from daydreamer.runtime.actor_telemetry import Moment, Portrait
from daydreamer.runtime.events import EventLog
from daydreamer.runtime.hands import Hands, Wanted, counted
from daydreamer.runtime.wanted_file import WantedFile
from daydreamer.transport.console_messages import Hand, HandRefused
from daydreamer.transport.link import LinkStatus
from daydreamer.transport.seldom import Seldom
from robots.a1.stand import MOTIONS, MotionStopped, play
from robots.clock import Clock, MonotonicClock
from robots.robot import StaleState

_log = logging.getLogger(__name__)

_LIE = MOTIONS["lie"]
_SHOW_EVERY = 0.02  # s of wall time; no viewer gets more, and a stand-in may run many times faster
_WAITS = 1.0  # s without a step until the loop counts as waiting
_ASIDE = {Wanted.PAUSE: "paused", Wanted.LIMP: "paused", Wanted.LIE: "lying down"}


class Attended(Protocol):
    """What the actor's loop asks."""

    def away(self, stream: str, row: int) -> bool:
        """Serve what people wish; True while no policy may run."""
        ...

    def rest(self, between: Callable[[], str | None]) -> None:
        """One control period without a policy, or one scripted motion; ``between`` its steps ask why to stop."""
        ...

    def show(self, metrics: ActorMetrics, action: Mapping[str, NDArray[Any]], link: LinkStatus) -> None:
        """Post how things are."""
        ...

    @property
    def tripped(self) -> bool:
        """Whether a person has stopped the robot and not reset it."""
        ...


class Alone:
    """Nobody is there."""

    tripped = False

    def away(self, stream: str, row: int) -> bool:
        """Never."""
        return False

    def rest(self, between: Callable[[], str | None]) -> None:
        """Never called."""

    def show(self, metrics: ActorMetrics, action: Mapping[str, NDArray[Any]], link: LinkStatus) -> None:
        """To nobody."""


class Attendant:
    """Serves a console. ``take`` and ``chores`` are for its threads, the rest for the control loop.

    Args:
        env: Whose robot it is.
        name: Of the actor.
        events: Where wishes and marks are written down.
        paced: Rest in wall time although the robot's time is a simulator's: people watch.
        wall: The computer's own clock, as the environment has it.
        wishes: The file by which a wish to rest outlives this actor.
    """

    def __init__(
        self,
        env: RobotEnv,
        name: str,
        events: EventLog | None = None,
        paced: bool = False,
        wall: Clock | None = None,
        wishes: Path | None = None,
    ):
        self._env, self._name, self._events = env, name, events
        self.post: Callable[[Callable[[], Telemetry]], None] = lambda make: (
            None
        )  # takes telemetry to the viewers
        self._paced, self._wall = paced, wall or MonotonicClock()
        counts = counted(events.past() if events is not None else (), name)
        wanted = WantedFile.read(wishes) if wishes is not None else Wanted.RUN
        self._file = WantedFile(wishes) if wishes is not None else None
        keep = self._file.keep if self._file is not None else lambda wanted: None
        self._hands = Hands(env.brake, counts=counts, wanted=wanted, keep=keep)
        self._seldom = Seldom(_log, clock=self._wall.now)
        self._portrait = Portrait(name, env)
        self._shown = self._stepped = self._linked = self._wall.now()
        self._steps = 0
        self._row: tuple[str, int] = ("", -1)
        self._lain = False  # the motion of the present wish to lie down is over
        self._showing: Callable[[], None] = lambda: None

    # For the console's thread

    def take(self, hand: Hand) -> None:
        """A person's wish. Raises HandRefused when it cannot be."""
        if hand.wish == "lie_down" and len(_LIE[-1].pos) != self._env.robot.info.joints:
            raise HandRefused(f"robot '{self._env.robot.info.name}' knows no scripted way to lie down")
        self._hands.take(hand)

    def chores(self) -> None:
        """Write down what was wished; here, because a disk may let one wait."""
        while self._hands.events and self._events is not None:
            event = self._hands.events.popleft()
            self._events.write(event.pop("event"), **{**event, "actor": self._name})

    def close(self) -> None:
        """Keep what was wished last, for the next life. Idempotent."""
        if self._file is not None:
            self._file.close()

    # For the control loop

    @property
    def tripped(self) -> bool:
        """Whether a person has stopped the robot and not reset it."""
        return self._env.brake.tripped

    def away(self, stream: str, row: int) -> bool:
        """Serve what people wish; True while no policy may run."""
        self._row = (stream, row)
        before = self._hands.wanted
        self._hands.serve(stream, row)
        if self._hands.wanted is not before:
            self._lain = False
        return self._hands.wanted is not Wanted.RUN or bool(self._env.brake.stopped)

    def rest(self, between: Callable[[], str | None]) -> None:
        """One control period as people want it, or the whole motion of lying down, unless they change their mind.

        A robot that damps is not stiffened to lie down: a service manager asks for that, too, and somebody may have
        their hands in it.
        """
        try:
            if self._hands.wanted is Wanted.LIE and not self._lain and not self._env.brake.stopped:
                if self._env.brake.stiff:
                    self._lie(between)
                self._lain = True
            else:
                self._env.rest(hold=self._hands.wanted is Wanted.PAUSE)
        except MotionStopped as stopped:
            _log.info("%s", stopped)
        except StaleState as error:  # it may wake up
            self._seldom.warning("the robot rests, and is silent: %s", error)
        self._pace()

    def show(self, metrics: ActorMetrics, action: Mapping[str, NDArray[Any]], link: LinkStatus) -> None:
        """Post how things are, unless that was done a moment ago."""
        self._showing = lambda: self.show(metrics, action, link)  # for steps that the actor does not see
        now = self._wall.now()
        if metrics.steps != self._steps:
            self._steps, self._stepped = metrics.steps, now
        if link.connected:
            self._linked = now
        if now - self._shown < _SHOW_EVERY:
            return
        self._shown = now
        if (glance := self._env.glance) is None:
            return
        moment = Moment(
            self._activity(metrics, now),
            glance,
            now - glance.at,
            self._env.timing(),
            metrics.steps,
            metrics.version,
            now - metrics.version_since,
            metrics.policy_seconds,
            action,
            link,
            now - self._linked,
        )
        self.post(lambda: self._portrait.of(moment, self._hands.last, self._hands.counts))

    def _activity(self, metrics: ActorMetrics, now: float) -> str:
        if self._hands.wanted in _ASIDE:
            return _ASIDE[self._hands.wanted]
        if metrics.holding:
            return "holding"
        if now - self._stepped > _WAITS:
            return "waiting"
        return "random" if metrics.version < 0 else "learning"

    def _lie(self, between: Callable[[], str | None]) -> None:
        def why() -> str:
            self._pace()
            self._env.look()
            self._showing()
            self.away(*self._row)
            changed = "" if self._hands.wanted is Wanted.LIE else "someone wants something else"
            return self._env.brake.stopped or between() or changed

        play(self._env.brake, _LIE, hold=0.0, stopped=why)

    def _pace(self) -> None:
        if self._paced:
            self._wall.sleep_until(self._wall.now() + 1.0 / self._env.hz)

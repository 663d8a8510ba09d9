"""The ROS 2 bridge: an actor's console on one side, a back end of ``robots.ros2`` on the other.

It is a viewer like any other: the actor does not know it, and does not notice when it dies.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from daydreamer.core.telemetry import Telemetry
from daydreamer.runtime.ros2_ears import Console, Ears
from daydreamer.runtime.run_metrics import RunMetrics
from robots.clock import Clock, MonotonicClock
from robots.ros2 import convert, diagnostics, topics
from robots.ros2.back_end import BackEnd
from robots.ros2.convert import ImuNoise
from robots.ros2.definitions import Message
from robots.ros2.diagnostics import Level
from robots.ros2.seen import Seen
from robots.ros2.topics import Topic

_log = logging.getLogger(__name__)
_WAIT = 0.1  # s for telemetry


@dataclass(frozen=True)
class BridgeConfig:
    """How often, where, and what is known of the IMU.

    Attributes:
        hz: Messages per second on each topic that tells of a moment, at most; the console gives 20.
        seldom_hz: The same for diagnostics and metrics.
        namespace: Before every topic's name; a stop is heard without it as well.
        imu_noise: For the covariances.
        hands: Whether stop, pause and resume are heard; without the actor's token they cannot act.
    """

    hz: float = 20.0
    seldom_hz: float = 1.0
    namespace: str = ""
    imu_noise: ImuNoise = field(default_factory=ImuNoise)
    hands: bool = True

    def __post_init__(self) -> None:
        if not (0 < self.hz <= 1000 and 0 < self.seldom_hz <= 1000):
            raise ValueError(f"rates are above 0 and at most 1000 Hz, got {self.hz} and {self.seldom_hz}")
        topics.check_namespace(self.namespace)

    def outgoing(self) -> list[Topic]:
        """All that is published."""
        return [topic.under(self.namespace) for topic in topics.OUT]

    def incoming(self) -> list[Topic]:
        """All that is heard. A stop for everybody, /estop, is one for this robot."""
        if not self.hands:
            return []
        found = [topic.under(self.namespace) for topic in topics.IN]
        return found + [topic for topic in topics.STOPS if self.namespace]


class Pace:
    """Lets at most ``hz`` a second through."""

    def __init__(self, hz: float):
        self._period = 1.0 / hz
        self._due = -math.inf

    def __call__(self, now: float) -> bool:
        """Whether it is time."""
        if now < self._due:
            return False
        # On the grid that the first one began, so that a source of nearly the same rate loses one now and then, not
        # every other one; after a pause the grid begins anew.
        self._due = (self._due if now < self._due + self._period else now) + self._period
        return True


class Bridge:
    """Publishes what a console tells.

    Args:
        console: The actor's.
        back_end: Open, with the topics of ``config``; closed by its owner.
        config: See there.
        metrics: The run's own, where they are at hand; followed while ``run`` runs.
        clock: Real time.
        wall: Unix seconds.
    """

    def __init__(
        self,
        console: Console,
        back_end: BackEnd,
        config: BridgeConfig | None = None,
        metrics: RunMetrics | None = None,
        clock: Clock | None = None,
        wall: Callable[[], float] = time.time,
    ):
        self._console, self._back_end = console, back_end
        self._config = config or BridgeConfig()
        self._clock, self._wall = clock or MonotonicClock(), wall
        self.ears = Ears(back_end, console, self._clock)
        self._often, self._seldom = Pace(self._config.hz), Pace(self._config.seldom_hz)
        self._telling = dict(convert.EACH_MOMENT)
        self._telling[topics.IMU] = lambda seen: convert.imu(seen, self._config.imu_noise)
        self._run_metrics = metrics
        self._told_mode: Message | None = None
        self._told_wall = -math.inf
        self._robot = ""
        self.published = 0

    def run(self, stopping: Callable[[], object]) -> None:
        """Until ``stopping`` is true. Raises what the back end raises for what cannot work."""
        if self._config.hands:
            self.ears.start()
        if self._run_metrics is not None:
            self._run_metrics.start()
        try:
            seen: Telemetry | None = None
            while not stopping():
                telemetry = self._console.latest(_WAIT)
                if telemetry is None or telemetry is not seen:
                    self.tell(telemetry)
                    seen = telemetry
                if telemetry is None:  # a client that breaks down does not wait for us
                    self._clock.sleep_until(self._clock.now() + _WAIT / 2)
                self.ears.serve()
        finally:
            self.ears.close()
            if self._run_metrics is not None:
                self._run_metrics.close()

    def tell(self, telemetry: Telemetry | None) -> None:
        """Publish what is due of ``telemetry``; None: the actor is silent."""
        self.ears.telemetry = telemetry
        now = self._clock.now()
        seen = None if telemetry is None else Seen.of(telemetry)
        # A reading is told once: when the control loop hangs, or the robot is silent, its topics fall silent, too.
        if seen is not None and seen.wall != self._told_wall and self._often(now):
            self._told_wall = seen.wall
            for topic, make in self._telling.items():
                self._say(topic, make(seen))
        mode = convert.mode(seen)
        changed = mode != self._told_mode
        if changed:
            self._say(topics.MODE, mode)
            self._told_mode = mode
        if self._seldom(now) or changed:
            self._summary(telemetry, seen)

    def _summary(self, telemetry: Telemetry | None, seen: Seen | None) -> None:
        """Diagnostics and metrics."""
        about = [self._about_the_bridge()]
        if telemetry is None or seen is None:
            silent = diagnostics.silent(self._wall(), self._robot, self._console.problem, about)
            self._say(topics.DIAGNOSTICS, silent)
            return
        self._robot = seen.robot
        self._say(topics.DIAGNOSTICS, diagnostics.diagnostics(seen, about))
        groups: dict[str, Mapping[str, float]] = {"now": numbers(telemetry)}
        if self._run_metrics is not None:
            groups["run"] = {name: v for name, v in self._run_metrics.newest.items() if math.isfinite(v)}
        self._say(topics.METRICS, diagnostics.metrics(seen.told, seen.robot, groups))

    def _about_the_bridge(self) -> Message:
        problems: Iterable[str] = [*self._back_end.problems(), self.ears.trouble]
        words, level = "; ".join(filter(None, problems)), Level.OK
        if words:
            level = Level.ERROR if self.ears.trouble else Level.WARN
        elif not self._config.hands:
            words, level = (
                "watches only: it has no control token, so nobody can stop the robot over ROS 2",
                Level.WARN,
            )
        values = {
            "published": self.published, "stops": self.ears.stops, "wishes": self.ears.wishes,
            "/estop": "stop" if self.ears.pressed else "",
        }  # fmt: skip
        return diagnostics.status("bridge", level, words, self._robot, values)

    def _say(self, topic: Topic, message: Message | None) -> None:
        if message is not None:
            self._back_end.publish(topic.under(self._config.namespace), message, self._wall())
            self.published += 1


def numbers(telemetry: Telemetry) -> dict[str, float]:
    """The numbers of one moment, by the names that people see: those of the actor's own counts and the reward."""
    found = {
        "reward": telemetry.reward,
        "up": telemetry.up,
        "robot_minutes": telemetry.robot_minutes,
        "actor/steps": float(telemetry.steps),
        "policy/version": float(telemetry.policy_version),
        "policy/age_s": telemetry.policy_age,
        **{f"reward/{name}": value for name, value in telemetry.reward_terms.items()},
        **{f"link/{name}": value for name, value in telemetry.link.items()},
    }
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}

"""Everything there is to show, from one run directory and the consoles of its actors."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from daydreamer.core.errors import DaydreamerError
from daydreamer.monitor import alarms
from daydreamer.runtime import report_file
from daydreamer.runtime.robot_facts import robot_facts
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.wanted_file import put_aside
from daydreamer.transport.console_file import NAME as CONSOLE_FILE
from daydreamer.transport.console_file import has_ended
from daydreamer.transport.link import LinkError
from daydreamer.transport.seldom import Seldom
from daydreamer.web import charts, dream
from daydreamer.web.robot_follower import Console, RobotFollower
from daydreamer.web.run_follower import RunFollower

_log = logging.getLogger(__name__)

_SEARCH_EVERY = 1.0  # s between two looks for actors
_INSISTS, _AGAIN = 60.0, 0.2  # s for which a stop that was not received is sent again, and between two tries


class Board:
    """What the server asks. Any thread may.

    Args:
        run_dir: The run to follow, or None.
        consoles: By name, besides those of the run's actors; closed here.
        open_console: Connects to an actor by its directory in the run.
        now: Unix seconds.
    """

    def __init__(
        self,
        run_dir: RunDir | None,
        consoles: dict[str, Console],
        open_console: Callable[[Path], Console],
        now: Callable[[], float] = time.time,
    ):
        self._open, self._now = open_console, now
        self.run = RunFollower(run_dir, now) if run_dir is not None else None
        self._robots = {name: RobotFollower(name, console) for name, console in consoles.items()}
        self._ended = frozenset[str]()  # actors that ended on purpose: stopped with the others, else left out
        self._counts: dict[str, int] = {}  # of telemetry, at the last search
        self._closing = threading.Event()
        self._insisting: set[str] = set()  # robots that a stop is on its way to
        self._lock = threading.Lock()  # of that set
        self._seldom = Seldom(_log)
        self._searcher = threading.Thread(target=self._search, name="actor search", daemon=True)
        self.viewers = 0

    def start(self) -> None:
        """Begin to follow."""
        for robot in self._robots.values():
            robot.start()
        if self.run is not None:
            self.run.start()
            self._searcher.start()

    def close(self) -> None:
        """End all threads. Idempotent."""
        self._closing.set()
        if self._searcher.ident is not None:
            self._searcher.join(5.0)
        for robot in self._robots.values():
            robot.close()
        if self.run is not None:
            self.run.close()

    @property
    def robots(self) -> Sequence[RobotFollower]:
        """Those followed now, but for actors that have ended on purpose."""
        return [robot for name, robot in self._robots.items() if name not in self._ended]

    # What a viewer gets

    def hello(self) -> dict[str, Any]:
        """What does not change while the page is open."""
        config = self.run.config() if self.run else {}
        path = str(self.run.run_dir.path) if self.run else ""
        return {
            "run": path,
            "preset": config.get("name", ""),
            "hz": config.get("hz", 20.0),
            "charts": [chart.to_dict() for chart in charts.CHARTS],
        }

    def status(self) -> dict[str, Any]:
        """Stage, newest metrics, alarms, events, who is there."""
        # The run first: what follows it may find its end in between, and no alarm is told beside that.
        run = self.run.status(self._robot_alive()) if self.run else {}
        return {
            "wall": self._now(),
            "viewers": self.viewers,
            "alarms": [
                {
                    "key": raised.alarm.key,
                    "danger": raised.alarm.danger,
                    "words": raised.alarm.words,
                    "detail": raised.detail,
                    "advice": raised.alarm.advice,
                }
                for raised in self.alarms()
            ],
            "dream": self._dream_stamp(),
            **run,
        }

    def robot_messages(self) -> list[dict[str, Any]]:
        """The newest of every robot."""
        return [robot.message() for robot in self.robots]

    def robots_count(self) -> tuple[tuple[str, int, int], ...]:
        """Changes when ``robot_messages`` does: also once a second while a robot is silent, as its age grows."""
        return tuple((r.name, r.count, int(r.age) if r.age >= 1 else 0) for r in self.robots)

    def dream(self, sequence: int) -> dict[str, Any] | None:
        """The model's newest predictions; None when there are none."""
        if self.run is None:
            return None
        report = report_file.read(self.run.run_dir.path)
        return None if report is None else dream.message(report, sequence, self.run.config().get("hz", 20.0))

    def alarms(self) -> list[alarms.Raised]:
        """Those that hold now."""
        robots = [(robot.age, robot.telemetry) for robot in self.robots if robot.telemetry is not None]
        told = robot_facts(robots)
        if self.run is None:
            return alarms.active(alarms.Facts(**told))
        return alarms.active(self.run.facts(self._robot_alive(), retired=self._ended, **told))

    # Hands

    def hand(self, wish: str, operator: str = "", robot: str | None = None, timeout: float = 2.0) -> None:
        """Pass on a wish to ``robot`` within ``timeout`` [s]; a stop goes to every robot, whatever is named.

        A stop that one of them did not receive by then is sent to it for a minute more.

        Raises:
            DaydreamerError: It was not received by one of them; the text says which and why.
        """
        every = self.robots
        chosen = every if wish == "damp" or robot is None else [r for r in every if r.name == robot]
        ended = [r for r in self._robots.values() if r not in every] if wish == "damp" else []
        for one in ended:  # in vain, if it is true that they have ended: nobody waits for an answer
            threading.Thread(target=self._send, args=(one, wish, operator, timeout, []), daemon=True).start()
        if not chosen:
            raise DaydreamerError(
                "no robot is connected" if robot is None else f"no robot is called '{robot}'"
            )
        problems: list[str] = []
        threads = [
            threading.Thread(target=self._send, args=(one, wish, operator, timeout, problems), daemon=True)
            for one in chosen
        ]
        for (
            thread
        ) in threads:  # beside each other: a robot that does not answer must not keep others from stopping
            thread.start()
        for thread in threads:
            thread.join(timeout + 1.0)
        if problems:
            raise DaydreamerError("; ".join(problems))

    def _send(
        self, robot: RobotFollower, wish: str, operator: str, timeout: float, problems: list[str]
    ) -> None:
        try:
            robot.console.send(wish, operator, timeout)
        except (DaydreamerError, LinkError) as error:
            problems.append(f"{robot.name}: {error}")
            if wish == "damp" and robot.name not in self._ended:
                threading.Thread(target=self._insist, args=(robot, operator), daemon=True).start()

    def _insist(self, robot: RobotFollower, operator: str) -> None:
        """Go on with a stop that was not received: the actor may be between two lives, and nobody press again."""
        with self._lock:
            if robot.name in self._insisting:
                return
            self._insisting.add(robot.name)
        try:
            self._put_aside(robot.name)
            until = time.monotonic() + _INSISTS
            while not self._closing.wait(_AGAIN) and time.monotonic() < until:
                with contextlib.suppress(DaydreamerError, LinkError):
                    robot.console.send("damp", operator)
                    return
        finally:
            with self._lock:
                self._insisting.discard(robot.name)

    def _put_aside(self, name: str) -> None:
        """Where it is an actor of the run that is followed, its next life begins damped."""
        if self.run is None or not (self.run.run_dir.actor(name) / CONSOLE_FILE).exists():
            return
        try:
            put_aside(self.run.run_dir.wishes(name))
        except OSError as error:
            _log.warning("a stop of '%s' is not kept for its actor's next life: %s", name, error)

    # In the searcher's thread

    def _search(self) -> None:
        """Actors may come at any time; one that ends and comes back is the same console."""
        while not self._closing.is_set():
            try:
                self.look_for_actors()
            except Exception as error:  # an actor that is not found is one that no STOP reaches
                self._seldom.warning("actors could not be looked for, trying again: %r", error)
            self._closing.wait(_SEARCH_EVERY)

    def look_for_actors(self) -> None:
        """One look. One whose file says that it has ended is believed when nothing was heard since the look before."""
        assert self.run is not None
        ended = set()
        for file in sorted(self.run.run_dir.path.glob(f"actor-*/{CONSOLE_FILE}")):
            name = file.parent.name.removeprefix("actor-")
            if name not in self._robots:
                robot = RobotFollower(name, self._open(file))
                robot.start()
                self._robots = {**self._robots, name: robot}
            count = self._robots[name].count
            if self._counts.get(name, 0) == count and has_ended(file):
                ended.add(name)
            self._counts[name] = count
        self._ended = frozenset(ended)

    def _robot_alive(self) -> bool:
        return any(robot.age < alarms.ROBOT_SILENT for robot in self.robots)

    def _dream_stamp(self) -> float | None:
        """When the newest predictions were written, so that the page knows when to ask for them."""
        try:
            return (self.run.run_dir.path / report_file.NAME).stat().st_mtime if self.run else None
        except OSError:
            return None

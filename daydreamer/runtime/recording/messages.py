"""What a recording says of telemetry: the messages of the bridge to ROS 2 (``robots.ros2``), and a few beside them.

Only recordings say how the body lies, what the reward is, and in a log what changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from daydreamer.core.telemetry import Telemetry
from robots.ros2 import convert, definitions, diagnostics, topics
from robots.ros2.definitions import Message
from robots.ros2.diagnostics import Level
from robots.ros2.seen import Seen
from robots.ros2.stamp import stamp
from robots.ros2.topics import Topic

TF = Topic("/tf", definitions.TRANSFORMS)
REWARD = Topic("/daydreamer/reward", definitions.FLOAT)
LOG = Topic("/rosout", definitions.LOG)
TOPICS = (*convert.EACH_MOMENT, TF, REWARD, topics.DIAGNOSTICS, topics.MODE, LOG)

Said = tuple[Topic, Message]
_INFO, _WARN, _ERROR = 20, 30, 40  # rcl_interfaces/Log


def moment(telemetry: Telemetry) -> Iterator[Said]:
    """State and command of one control step."""
    t, seen = telemetry, Seen.of(telemetry)
    place = np.zeros(3) if t.truth_position is None else t.truth_position
    made = {topic: make(seen) for topic, make in convert.EACH_MOMENT.items()}
    made |= {TF: convert.transforms(seen, place), REWARD: {"data": float(t.reward)}}
    yield from ((topic, message) for topic, message in made.items() if message is not None)


def diagnosis(telemetry: Telemetry) -> Said:
    """How the robot, its loop, its link and its policy are: said once a second."""
    t = telemetry
    values = {"version": t.policy_version, "age s": t.policy_age}
    policy = diagnostics.status("policy", Level.OK, f"version {t.policy_version}", t.actor, values)
    return topics.DIAGNOSTICS, diagnostics.diagnostics(Seen.of(t), [policy])


@dataclass
class Changes:
    """Tells what changed since the moment before: faults, modes, people's wishes."""

    _before: Telemetry | None = None

    def of(self, telemetry: Telemetry) -> Iterator[Said]:
        """A line of the log for each change; the mode by itself, too."""
        t, before = telemetry, self._before
        self._before = t
        if before is None or t.mode != before.mode:
            seen = Seen.of(t)
            yield topics.MODE, convert.mode(seen)
            level = (_INFO, _WARN, _ERROR)[diagnostics.safety(seen)["level"]]
            yield self._log(t, level, f"mode {t.mode}, {t.activity}")
        if t.stopped and (before is None or t.stopped != before.stopped):
            yield self._log(t, _ERROR, f"stopped: {t.stopped}")
        if t.estop != (before.estop if before else "none"):
            yield self._log(t, _ERROR if t.estop in ("pressed", "lost") else _INFO, f"e-stop {t.estop}")
        for fault in _fresh(t.faults, before.faults if before else ()):
            yield self._log(t, _WARN, f"fault: {fault}")
        if t.last_hand and (before is None or t.last_hand != before.last_hand):
            yield self._log(t, _INFO, f"hand: {t.last_hand}")
        if before is not None and t.policy_version != before.policy_version:
            yield self._log(t, _INFO, f"policy version {t.policy_version}")

    @staticmethod
    def _log(t: Telemetry, level: int, text: str) -> Said:
        fields = {"stamp": stamp(t.told), "level": level, "name": t.actor, "msg": text}
        return LOG, {**fields, "file": "", "function": "", "line": 0}


def _fresh(faults: Iterable[str], before: Iterable[str]) -> list[str]:
    known = set(before)
    return [fault for fault in faults if fault not in known]

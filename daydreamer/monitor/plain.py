"""The panel as one line of plain ASCII, for logs and pipes."""

from __future__ import annotations

import math

from daydreamer.monitor.formats import UNKNOWN, Words, duration
from daydreamer.monitor.stages import stage
from daydreamer.monitor.story import Story


def line(story: Story) -> str:
    """``robot 3.4/60 min | rolled over: ... | reward 9.10 | learner ... | link ... | ETA 42 min``."""
    words = Words(story.metrics)
    parts = [
        f"robot {minutes(story)}",
        stage(story.metrics)[1],
        f"reward {words['robot/reward']}",
        f"speed {words['robot/forward_speed']}",
        f"learner {words['learner/steps']} steps {words['learner/steps_per_second']}",
        f"ratio {words['replay/ratio']}",
        f"policy {policy(story)}",
        f"link {link(story)}, {queue(story)}",
        f"ETA {duration(story.eta)}",
    ]
    # What is not known yet takes no room: the first lines of a log are short.
    return " | ".join(part for part in parts if not part.endswith(f" {UNKNOWN}"))


def minutes(story: Story) -> str:
    """``3.4/60 min``; without a target ``3.4 min``."""
    now = story.get("robot/minutes")
    past = UNKNOWN if math.isnan(now) else f"{now:.1f}"
    return f"{past}/{story.target_minutes:g} min" if story.target_minutes else f"{past} min"


def policy(story: Story) -> str:
    """``v12, 3 s old``."""
    version = story.get("policy/version")
    if math.isnan(version):
        return UNKNOWN
    if version < 0:
        return "none yet"
    age = story.get("policy/age_s")
    return f"v{version:.0f}" + ("" if math.isnan(age) else f", {duration(age)} old")


def link(story: Story) -> str:
    """``up``, ``down`` or unknown."""
    connected = story.get("link/connected")
    return UNKNOWN if math.isnan(connected) else "up" if connected > 0 else "down"


def queue(story: Story) -> str:
    """``3 rows queued, spool 0 B``."""
    words = Words(story.metrics)
    return f"{words['link/unacked']} rows queued, spool {words['link/spool_bytes']}"

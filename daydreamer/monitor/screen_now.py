"""The panel's section about this moment, and the row of keys, drawn with rich."""

from __future__ import annotations

import math

from rich.console import RenderableType

from daydreamer.monitor.formats import duration, one_line
from daydreamer.monitor.lines import heading, line
from daydreamer.monitor.now import HANGS, Now
from daydreamer.monitor.story import Story

_MODES = {
    "NORMAL": "bold green",
    "HOLD": "bold yellow",
    "DAMP": "bold white on red",
    "OFF": "bold white on red",
}
_ACTIVITIES = {"learning": "bold green", "random": "bold cyan", "stopped": "bold red"}
_ESTOPS = {"ready": "green", "pressed": "bold red", "lost": "bold red"}
_KEYS = (
    ("space", "stop", "bold white on red"),
    ("p", "pause", "bold"),
    ("r", "resume", "bold"),
    ("l", "lie", "bold"),
    ("g", "good", "bold"),
    ("b", "bad", "bold"),
    ("h", "set", "bold"),
    ("R", "reset", "bold"),
    ("q", "quit", "bold"),
)


def now_rows(story: Story, width: int) -> list[RenderableType]:
    """Four rows, or two while the robot's console is silent; none where nobody listens to it."""
    if story.now is None:
        return [heading("now", width), line((f"the actor's console: {one_line(story.problem)}", "yellow"))]
    now = story.now
    return [
        heading(_title(now), width),
        _state(now),
        _numbers(now),
        _message(story, now),
    ]


def keys_row() -> RenderableType:
    """What the keys do."""
    parts: list[tuple[str, str]] = []
    for key, words, style in _KEYS:
        parts += [(f" {key} ", style), (f"{words} ", "dim")]
    parts[-1] = (words, "dim")  # without its space, 80 columns are just enough
    return line(*parts)


def _title(now: Now) -> str:
    """With what people did so far, as soon as they have."""
    counts = (("set by hand", now.set_by_hand), ("stops", now.stops), ("good", now.good), ("bad", now.bad))
    told = ", ".join(f"{words} {count}" for words, count in counts if count)
    return f"now: {told}" if told else "now"


def _state(now: Now) -> RenderableType:
    box = [] if now.estop == "none" else [("  box ", "dim"), (now.estop, _ESTOPS.get(now.estop, ""))]
    return line(
        (f" {now.mode} ", _MODES.get(now.mode, "bold")),
        (f" {now.activity:12}", _ACTIVITIES.get(now.activity, "bold yellow")),
        ("up ", "dim"), (_number(now.up, "+.2f"), ""),
        ("  speed ", "dim"), (_number(now.speed, "+.2f", " m/s"), ""),
        ("  reward ", "dim"), (_number(now.reward, ".2f"), ""),
        *box,
    )  # fmt: skip


def _numbers(now: Now) -> RenderableType:
    link = (f"up, {now.unacked} queued", "") if now.connected else ("down", "bold red")
    age = f", {duration(now.policy_age)} old"
    return line(
        ("policy ", "dim"), (f"v{now.policy_version}{age}" if now.policy_version >= 0 else "none yet", ""),
        ("  link ", "dim"), link,
        ("  late ", "dim"), (_number(1000 * now.late, ".1f", " ms"), ""),
        ("  warmest ", "dim"), (_number(now.warmest, ".0f", " °C"), ""),
    )  # fmt: skip


def _message(story: Story, now: Now) -> RenderableType:
    """What is most urgent: a loop that hangs, a wish under way, why it is stopped, the last wish, a fault."""
    if now.age > HANGS:
        return line((f"the control loop hangs: no news for {duration(now.age)}; stop still acts", "bold red"))
    if story.asked:
        return line((one_line(story.asked), "bold yellow"))
    if now.stopped:
        return line((one_line(now.stopped), "bold red"), ("   R resets", "dim"))
    if now.last_hand:
        return line((one_line(now.last_hand), "cyan"))
    return line((one_line("; ".join(now.faults)), "yellow"))


def _number(value: float, spec: str, unit: str = "") -> str:
    return f"{value:{spec}}{unit}" if math.isfinite(value) else "?"

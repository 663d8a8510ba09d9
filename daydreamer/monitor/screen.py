"""The panel as a picture of text, drawn with rich. Fits 80 x 24; more room shows more."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel as Frame
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from daydreamer.monitor import plain
from daydreamer.monitor.curve import sparkline
from daydreamer.monitor.formats import UNKNOWN, Words, duration
from daydreamer.monitor.lines import heading, line
from daydreamer.monitor.screen_now import keys_row, now_rows
from daydreamer.monitor.stages import MILESTONES, Milestone, stage
from daydreamer.monitor.story import Story

_STYLES = {  # of stages: from red, which wants attention, to green, which is why one does this
    "paused": "bold red",
    "holding": "bold red",
    "on its back": "bold yellow",
    "rolling over": "bold cyan",
    "rolled over": "bold blue",
    "standing": "bold green",
    "walking": "bold green",
}
_TALL = 32  # rows from which the curves of learning itself are shown too
_LABEL, _VALUE, _RANGE = 9, 9, 14  # columns


def draw(story: Story, title: str, width: int, height: int) -> RenderableType:
    """The whole panel, at most ``height`` rows of ``width`` columns."""
    inner = width - 4
    watched = story.now is not None or bool(story.problem)
    curves = (*_CURVES, *_MORE_CURVES) if height >= _TALL else _CURVES
    rows: list[RenderableType] = [
        _stage(story),
        _progress(story),
        *([*now_rows(story, inner), heading("learning", inner)] if watched else [Text()]),
        *(_curve(story, row, inner) for row in curves),
        *([] if watched else [Text()]),
        *_numbers(story, inner),
    ]
    keys = [keys_row()] if watched else []
    room = height - 2 - len(rows) - len(keys)
    warnings = _warnings(story, room, inner)
    rows += [*_milestones(story, room - len(warnings), inner), *warnings]
    rows = rows[: max(0, height - 2 - len(keys))]
    rows += [Text()] * (height - 2 - len(keys) - len(rows)) if keys else []
    return Frame(
        Group(*rows, *keys[: max(0, height - 2)]),
        title=Text(f" {title} "), title_align="left", width=width, padding=(0, 1),
    )  # fmt: skip


def _stage(story: Story) -> RenderableType:
    found, words = stage(story.metrics)
    style = _STYLES.get(found.key, "bold")
    return line((f"● {words}", style))


def _progress(story: Story) -> RenderableType:
    left = f"{'robot':{_LABEL}}{plain.minutes(story):>{_VALUE + 5}} "
    if not story.target_minutes:
        return line((f"{left}  no end set", ""))
    done = 0.0 if math.isnan(story.done) else story.done
    right = f" {100 * done:3.0f} %  ETA {duration(story.eta):>9}"
    grid = Table.grid(expand=True)
    grid.add_column(width=len(left), no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(width=len(right), no_wrap=True)
    grid.add_row(
        Text(left), ProgressBar(1.0, done, complete_style="cyan", finished_style="green"), Text(right)
    )
    return grid


@dataclass(frozen=True)
class _Row:
    """One curve. Its sparkline spans ``low`` to ``high``, more where values need it, and ``span``."""

    label: str
    name: str
    low: float
    high: float
    span: float = 1e-3


_CURVES = (
    _Row("reward", "robot/reward", math.inf, -math.inf, span=1.0),
    _Row("upright", "robot/upright", 0.0, 1.0),
    _Row("standing", "robot/standing", 0.0, 1.0),
    _Row("speed", "robot/forward_speed", 0.0, 0.3),
)

_MORE_CURVES = (
    _Row("imagined", "train/imag_reward", math.inf, -math.inf, span=1.0),
    _Row("model", "train/loss/model", math.inf, -math.inf),
    _Row("KL", "train/kl", 0.0, -math.inf),
    _Row("entropy", "train/policy_entropy", 0.0, 1.0),
)


def _curve(story: Story, row: _Row, width: int) -> RenderableType:
    words = f"{row.label:{_LABEL}}{_known(Words(story.metrics)[row.name]):>{_VALUE}}  "
    values = story.curves[row.name].columns(width - len(words) - _RANGE)
    seen = [v for v in values if not math.isnan(v)]
    if not seen:
        return line((words, ""))
    low, high = min(row.low, *seen), max(row.high, *seen)
    high = max(high, low + row.span)
    picture = sparkline(values, low, high)
    # + 0.0 makes 0.0 of -0.0
    return line((words, ""), (picture, "cyan"), (f"  {round(low, 1) + 0.0:.1f} to {high:.1f}", "dim"))


def _numbers(story: Story, width: int) -> list[RenderableType]:
    words = Words(story.metrics)
    rows = (
        ("learner", f"{words['learner/steps']} steps, {words['learner/steps_per_second']}"),
        ("policy", plain.policy(story)),
        ("step", f"{words['learner/step_ms']}, waiting {words['learner/waiting']}"),
        ("actor", f"{words['actor/steps_per_second']}, {words['actor/late_ms']} late"),
        ("replay", f"{words['replay/rows']} rows, {words['replay/bytes']}"),
        ("link", plain.link(story)),
        ("ratio", f"{words['replay/ratio']} replayed per step"),
        ("queue", plain.queue(story)),
    )
    room = max(2, width // 2 - _LABEL)
    lines: list[RenderableType] = []
    for (left, a), (right, b) in zip(rows[::2], rows[1::2], strict=True):
        style = "bold red" if (right, b) == ("link", "down") else ""
        lines.append(
            line(
                (f"{left:{_LABEL}}", "dim"),
                (f"{_known(a)[: room - 1]:{room}}", ""),
                (f"{right:{_LABEL}}", "dim"),
                (_known(b), style),
            )
        )
    return lines


def _known(text: str) -> str:
    """``text``, or nothing while the number that it begins with has not come."""
    return "" if text.startswith(UNKNOWN) else text


def _milestones(story: Story, room: int, width: int) -> list[RenderableType]:
    """Those reached, then those to come. Where there is no room for all, the oldest reached go first."""
    if room < 2:
        return []
    reached = story.milestones.reached
    order = sorted(MILESTONES, key=lambda m: reached.get(m.key, math.inf))
    begin = max(0, min(len(order) - (room - 1), len(reached)))
    lines = [_milestone(m, reached.get(m.key)) for m in order[begin : begin + room - 1]]
    return [heading("milestones", width), *lines]


def _milestone(milestone: Milestone, minute: float | None) -> RenderableType:
    if minute is None:
        return line((f"· {'':12}{milestone.words:27}{milestone.when}", "dim"))
    return line(("✓", "green"), (f" {minute:6.1f} min  {milestone.words:27}", ""), (milestone.when, "dim"))


def _warnings(story: Story, room: int, width: int) -> list[RenderableType]:
    """The newest last: one where room is short, two beside all milestones, more where there is more."""
    count = max(1 if room < len(MILESTONES) + 4 else 2, room - len(MILESTONES) - 2)
    shown = list(story.warnings)[-count:]
    if not shown or room < 2:
        return []
    lines = [
        line(("! ", "bold yellow"), (f"{text} ({n} times)" if n > 1 else text, "yellow"))
        for text, n in shown
    ]  # fmt: skip
    return [heading("warnings", width), *lines]

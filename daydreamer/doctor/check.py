"""The form of a check's result, and how a list of them reads in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"  # works, or is not needed by everybody
    PROBLEM = "problem"  # something that was asked for will not work


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    group: str
    name: str
    level: Level
    found: str  # what is there, in a few words
    do: str = ""  # what to do about it; empty when there is nothing to do

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "level": self.level.value}


def table(checks: Sequence[Check]) -> str:
    """All checks as text, group by group; what to do stands below what is wrong."""
    lines: list[str] = []
    width = max((len(check.name) for check in checks), default=0)
    group = ""
    for check in checks:
        if check.group != group:
            group = check.group
            lines += ["", group]
        mark = check.level.value if check.level is not Level.PROBLEM else "PROBLEM"
        lines.append(f"  {mark:<8} {check.name:<{width}}  {check.found}")
        if check.do:
            lines.append(f"  {'':<8} {'':<{width}}  -> {check.do}")
    return "\n".join(lines[1:])


def summary(checks: Sequence[Check]) -> str:
    """How many of what."""
    count = {level: sum(check.level is level for check in checks) for level in Level}
    problems, notes = count[Level.PROBLEM], count[Level.NOTE]
    if not problems and not notes:
        return f"all {len(checks)} checks are ok"
    plural = "" if problems == 1 else "s"
    return f"{problems} problem{plural}, {notes} note{'' if notes == 1 else 's'}, {count[Level.OK]} ok"

"""Presets by name, each imported only when asked for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module

from daydreamer.core.errors import DaydreamerError
from daydreamer.presets.agents import choose, fed
from daydreamer.presets.overrides import override
from daydreamer.presets.preset import Preset

# name -> module; a new preset is a new file and a line here
PRESETS = {
    "a1": "daydreamer.presets.a1",
    "a1-emulated": "daydreamer.presets.a1_emulated",
    "a1-sim": "daydreamer.presets.a1_sim",
    "a1-sim-stand": "daydreamer.presets.a1_sim_stand",
    "fake-tiny": "daydreamer.presets.fake_tiny",
}


class UnknownPreset(DaydreamerError):
    """No preset has this name."""


def load(name: str, changes: Sequence[str] = ()) -> Preset:
    """The preset called ``name`` with ``changes`` ('PATH=VALUE' each) made to it.

    ``agent=NAME`` puts another agent in place of the preset's own. It is made first, then what changes that agent
    (``agent.x=...``); then the learner takes the numbers with which that agent is fed, and the other changes follow.

    Raises:
        UnknownPreset: The nearest name is suggested.
        UnknownAgent: As above.
        BadOverride: A change that cannot be made; the nearest path is suggested.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise UnknownPreset(f"no preset is called '{name}'; there are {', '.join(sorted(PRESETS))}.{hint}")
    preset: Preset = import_module(PRESETS[name]).PRESET
    paths = [change.partition("=")[0].strip() for change in changes]
    if chosen := [change for path, change in zip(paths, changes, strict=True) if path == "agent"]:
        preset = choose(preset, chosen[-1].partition("=")[2].strip())
    others = [change for path, change in zip(paths, changes, strict=True) if path != "agent"]
    for change in (change for change in others if _is_agents(change)):
        preset = override(preset, change)
    preset = fed(preset)
    for change in (change for change in others if not _is_agents(change)):
        preset = override(preset, change)
    return preset


def _is_agents(change: str) -> bool:
    return change.strip().startswith("agent.")

"""Presets by name, each imported only when asked for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module

from daydreamer.core.errors import DaydreamerError
from daydreamer.presets.overrides import override
from daydreamer.presets.preset import Preset

# name -> module; a new preset is a new file and a line here
PRESETS = {
    "a1": "daydreamer.presets.a1",
    "a1-emulated": "daydreamer.presets.a1_emulated",
    "a1-sim": "daydreamer.presets.a1_sim",
    "fake-tiny": "daydreamer.presets.fake_tiny",
}


class UnknownPreset(DaydreamerError):
    """No preset has this name."""


def load(name: str, changes: Sequence[str] = ()) -> Preset:
    """The preset called ``name`` with ``changes`` ('PATH=VALUE' each) made to it.

    Raises:
        UnknownPreset: The nearest name is suggested.
        BadOverride: A change that cannot be made; the nearest path is suggested.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise UnknownPreset(f"no preset is called '{name}'; there are {', '.join(sorted(PRESETS))}.{hint}")
    preset: Preset = import_module(PRESETS[name]).PRESET
    for change in changes:
        preset = override(preset, change)
    return preset

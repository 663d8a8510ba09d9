"""``daydreamer bench link`` and ``daydreamer bench replay``: both under load, beside what they are made of."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.cli.options import Json, PresetName
from daydreamer.presets.preset import Preset
from daydreamer.presets.registry import load


@dataclass(frozen=True)
class LinkLoad:
    """Measure the link: rows, round trips and policies, beside an echo over bare ZeroMQ. About two minutes.

    Rows of the preset's robot and rows with a 64x64x3 image, without and with keys (CURVE), from 1, 4 and 16 actor
    processes on loopback; acknowledged when they are received, and when they are durable. Needs about 200 MB of
    temporary files.
    """

    preset: PresetName = "a1-sim"
    actors: Annotated[tuple[int, ...], tyro.conf.arg(help="how many at once")] = (1, 4, 16)
    seconds: Annotated[float, tyro.conf.arg(help="about, for each measurement")] = 1.0
    policy_mb: Annotated[tuple[int, ...], tyro.conf.arg(help="sizes of the policies that are pushed")] = (
        1,
        13,
    )
    json: Json = False

    def run(self) -> int:
        """Measure and print."""
        from daydreamer.cli.link_load import link_load

        return _told(link_load(load(self.preset, ()), self.seconds, self.actors, self.policy_mb), self.json)


@dataclass(frozen=True)
class ReplayLoad:
    """Measure the replay as it grows: appends, and samples beside a gather out of memory. About two minutes.

    Five million rows of the robot a1-sim take 1.8 GB of disk, and for the gather 1.2 GB of memory.
    """

    preset: PresetName = "a1-sim"
    rows: Annotated[tuple[int, ...], tyro.conf.arg(help="on disk, when it is measured")] = (
        100_000, 1_000_000, 5_000_000,
    )  # fmt: skip
    seconds: Annotated[float, tyro.conf.arg(help="of sampling, at each size")] = 3.0
    directory: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help="a disk to measure; none: for temporary files")
    ] = None
    json: Json = False

    def run(self) -> int:
        """Measure and print."""
        from daydreamer.cli.replay_load import replay_load

        preset: Preset = load(self.preset, ())
        return _told(replay_load(preset, self.seconds, tuple(sorted(self.rows)), self.directory), self.json)


def _told(found: Iterator[tuple[str, float]], as_json: bool) -> int:
    """Print numbers as they come, or all at the end."""
    kept: dict[str, float] = {}
    for name, value in found:
        kept[name] = value
        if not as_json:
            print(f"{name:44s} {value:14,.3f}", flush=True)
    if as_json:
        json.dump(kept, sys.stdout)
        print()
    return 0

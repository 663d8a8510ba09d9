"""``daydreamer film``: one run at several ages, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.cli.options import check_positive, check_seed
from daydreamer.cli.policy_source import preset_of
from daydreamer.core.agent import Policy
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.presets import build
from daydreamer.presets.preset import Preset
from daydreamer.presets.registry import load
from daydreamer.presets.trial import open_policy, read_policy
from daydreamer.runtime.evaluate import steps_of
from daydreamer.runtime.film import Recording, possible_fps, save_gif, side_by_side
from daydreamer.runtime.kept_policies import kept_policies
from daydreamer.runtime.random_policy import HeldRandom
from daydreamer.runtime.run_dir import RunDir

USUAL = (5.0, 10.0, 20.0, 30.0)
NEAR = 1.0  # robot minutes by which a kept policy may miss the minute asked for


@dataclass(frozen=True)
class FilmCommand:
    """Film the policies that a run had after so many robot minutes, each from its back, in one picture.

    Minute 0 is the random actions with which a run begins.
    """

    run_directory: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="a run directory")]
    out: Annotated[Path, tyro.conf.arg(metavar="FILE", help="the film, a .gif")] = Path("film.gif")
    minutes: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="M,M,...",
            help="robot minutes; none: of 0,5,10,20,30 those that the run has, or 0 and its newest",
        ),
    ] = None
    seconds: Annotated[float, tyro.conf.arg(help="of the robot's time")] = 12.0
    fps: Annotated[float, tyro.conf.arg(help="pictures per second")] = 5.0
    width: Annotated[int, tyro.conf.arg(help="pixels of each part; its height is three quarters of it")] = 200
    columns: Annotated[int, tyro.conf.arg(help="parts in a row")] = 3
    seed: Annotated[int, tyro.conf.arg(help="of how it lies, the same for all parts")] = 0

    def run(self) -> int:
        """Roll out, draw, write."""
        if self.out.suffix != ".gif":
            raise DaydreamerError(f"a film of a run is a .gif, got '{self.out}'")
        check_seed(self.seed)
        check_positive(seconds=self.seconds, fps=self.fps, width=self.width, columns=self.columns)
        run = RunDir(self.run_directory)
        preset = load(*preset_of(run.read_config()))
        build.check_simulated(preset)
        writable_directory(self.out.parent)
        kept = kept_policies(run)
        policies = {wanted: self._policy(run, kept, wanted, preset) for wanted in self._wanted(run, kept)}
        films = {}
        for wanted, (label, policy) in policies.items():
            print(f"minute {wanted:g}: {label}", flush=True)
            films[f"{wanted:g} min"] = self._film(policy, preset).frames
        save_gif(side_by_side(films, self.columns), self.out, possible_fps(self.fps, preset.hz))
        print(f"{self.out}  ({self.out.stat().st_size / 1e6:.1f} MB)")
        return 0

    def _wanted(self, run: RunDir, kept: Mapping[float, Path]) -> Iterable[float]:
        if self.minutes is None:
            if not kept:
                raise DaydreamerError(f"{run.path} has kept no policies yet")
            found = [minutes for minutes in USUAL if _nearest(kept, minutes) is not None]
            return (0.0, *(found or [max(kept)]))
        try:
            return [float(text) for text in self.minutes.split(",")]
        except ValueError as error:
            raise DaydreamerError(
                f"--minutes is numbers with commas, as in 0,5,10; got '{self.minutes}'"
            ) from error

    def _policy(
        self, run: RunDir, kept: Mapping[float, Path], wanted: float, preset: Preset
    ) -> tuple[str, Policy]:
        if wanted == 0:
            act_spec = build.make_env(preset).act_spec
            return "random actions", HeldRandom(act_spec, preset.actor.hold, self.seed)
        nearest = _nearest(kept, wanted)
        if nearest is None:
            have = ", ".join(f"{minutes:g}" for minutes in kept) or "none"
            raise DaydreamerError(
                f"{run.path} has kept no policy within {NEAR:g} min of robot minute {wanted:g}; it has {have}: choose "
                "with --minutes"
            )
        return kept[nearest].name, open_policy(kept[nearest], read_policy(kept[nearest]), self.seed)

    def _film(self, policy: Policy, preset: Preset) -> Recording:
        env, steps = build.make_env(preset, "max", self.seed), max(1, round(self.seconds * preset.hz))
        film = Recording(self.fps, (self.width, self.width * 3 // 4))
        try:
            for _ in steps_of(policy, env, steps, lambda step: film.watch(env, step, steps, preset.hz)):
                pass
        finally:
            env.close()
        return film


def _nearest(kept: Mapping[float, Path], wanted: float) -> float | None:
    """The minutes of the policy that stands for minute ``wanted``; None where none is so near."""
    near = [minutes for minutes in kept if abs(minutes - wanted) <= NEAR]
    return min(near, key=lambda minutes: abs(minutes - wanted), default=None)

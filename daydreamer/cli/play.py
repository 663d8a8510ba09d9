"""``daydreamer play``: watch a policy get up and walk."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.cli.options import Changes, check_positive, check_seed
from daydreamer.cli.policy_source import Source, find_policy, shipped_policy
from daydreamer.core.env import Env
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.presets.score_card import read_card
from daydreamer.presets.trial import open_policy, read_policy
from daydreamer.runtime.evaluate import steps_of
from daydreamer.runtime.film import Recording, save_gif
from daydreamer.runtime.policy import OnnxPolicy

FPS = 10.0  # of the film, about
SAY_EVERY = 2.0  # s of the robot's time


@dataclass(frozen=True)
class Play:
    """Show a simulated robot that gets up from its back and does what it has learned.

    In a window where there is a screen, in real time; as a GIF where there is none. Without POLICY or RUN: the policy
    that comes with this software.
    """

    policy: Annotated[
        Path | None,
        tyro.conf.Positional,
        tyro.conf.arg(metavar="POLICY|RUN", help="an .onnx file, or a run: its best policy, or its newest"),
    ] = None
    seconds: Annotated[float, tyro.conf.arg(help="how long")] = 20.0
    seed: Annotated[int, tyro.conf.arg(help="of how it lies, and of the sensors' noise")] = 0
    out: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help="write a film, a .gif, even where there is a screen")
    ] = None
    changes: Changes = ()

    def run(self) -> int:
        """Play."""
        check_seed(self.seed)
        check_positive(seconds=self.seconds)
        source = self._source()
        out = self.out or (None if has_screen() else Path("play.gif"))
        if out is not None and out.suffix != ".gif":
            raise DaydreamerError(f"the film of play is a .gif, got '{out}'")
        changes = (*source.changes, *self.changes)
        preset = load(source.preset, changes if out else (*changes, "robot_options.gui=true"))
        build.check_simulated(preset)
        if out is not None:
            writable_directory(out.parent)
        policy = open_policy(source.policy, read_policy(source.policy), self.seed)
        env = build.make_env(preset, "max" if out else "realtime", self.seed)
        policy.fits(env.obs_spec, env.act_spec)
        print(f"{source.name}: {_known_of(source)}")
        film = Recording(FPS) if out else None
        self._roll(policy, env, preset.hz, film)
        if film is not None and out is not None:
            save_gif(film.frames, out, film.fps)  # as near to FPS as the rate of control allows
            print(f"{out}  ({out.stat().st_size / 1e6:.1f} MB)")
        return 0

    def _source(self) -> Source:
        path = self.policy or shipped_policy()
        if path is None:
            raise DaydreamerError(
                "no policy is shipped with this version yet, because none has been made that walks well enough. "
                "Name a policy or a run of your own: daydreamer play RUN"
            )
        return find_policy(path)

    def _roll(self, policy: OnnxPolicy, env: Env, hz: float, film: Recording | None) -> None:
        """Act, look, and say now and then how it goes."""
        steps, every = max(1, round(self.seconds * hz)), max(1, round(SAY_EVERY * hz))

        def look(step: int) -> None:
            if film is not None:
                film.watch(env, step, steps, hz)

        try:
            for number, (obs, _) in enumerate(steps_of(policy, env, steps, look), 1):
                if number % every == 0 and "log/truth/up" in obs:
                    up, speed = float(obs["log/truth/up"]), float(obs["log/truth/forward_speed"])
                    how = "upright" if up > 0.9 else "on its back" if up < -0.9 else "in between"
                    print(f"  {number / hz:4.0f} s  {how}, {speed:+.2f} m/s forward", flush=True)
        finally:
            env.close()


def has_screen() -> bool:
    """True where a window can be opened."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY"))


def _known_of(source: Source) -> str:
    card = read_card(source.policy)
    if card is None:
        return "a policy without a score card"
    found, minutes = card.evaluation, card.robot_minutes
    age = "" if minutes is None else f"after {minutes:g} robot minutes, "
    return (
        f"{age}seed {card.seed}; in {card.rollouts} rollouts of {card.seconds:g} s: walks "
        f"{'yes' if card.walks else 'no'}, {found['walking_speed']:+.2f} m/s, {found['falls']:.1f} falls"
    )

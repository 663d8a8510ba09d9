"""``daydreamer eval``: score the newest policy of a run."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.cli.options import Changes, load_preset
from daydreamer.core.errors import DaydreamerError
from daydreamer.presets import build
from daydreamer.runtime.evaluate import evaluate
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.scoring import Evaluation, RolloutScore


@dataclass(frozen=True)
class Evaluate:
    """Let a policy get up from its back, without exploring, and score it by the simulator's truth.

    A run stands when at least 4 of 5 rollouts are standing for 90 % of their last 10 s. It walks when at least
    4 of 5 have a mean forward speed of 0.2 m/s and are upright for all of their last 20 s.
    """

    run_directory: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="a run directory")]
    rollouts: Annotated[int, tyro.conf.arg(help="how many, each with a seed of its own")] = 5
    seconds: Annotated[float, tyro.conf.arg(help="of each")] = 60.0
    seed: Annotated[int, tyro.conf.arg(help="of the first rollout")] = 0
    policy: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help="an .onnx file in place of the latest checkpoint's")
    ] = None
    film: Annotated[
        Path | None,
        tyro.conf.arg(
            metavar="FILE", help="film the first rollout: .gif moves, .png is a strip of six pictures"
        ),
    ] = None
    changes: Changes = ()
    json: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="print one JSON object, nothing else")
    ] = False

    def run(self) -> int:
        """Evaluate and print."""
        from daydreamer.runtime.film import Film
        from daydreamer.runtime.policy import OnnxPolicy

        run_dir = RunDir(self.run_directory)
        config = run_dir.read_config()
        preset = load_preset(config["name"], (*config["changes"], *self.changes))
        policy = OnnxPolicy(self._policy_bytes(run_dir), seed=self.seed)
        specs = build.make_env(preset)
        policy.fits(specs.obs_spec, specs.act_spec)
        if not self.json:
            print(f"policy version {policy.version}: {self.rollouts} rollouts of {self.seconds:g} s")
        result = evaluate(
            policy, lambda seed: build.make_env(preset, "max", seed), self.rollouts, self.seconds, preset.hz,
            self.seed, (lambda score: None) if self.json else _say, Film(self.film) if self.film else None,
        )  # fmt: skip
        if self.json:
            json.dump(result.to_dict(), sys.stdout)
            print()
        else:
            _summary(result)
        return 0

    def _policy_bytes(self, run_dir: RunDir) -> bytes:
        from daydreamer.runtime.checkpoint import Checkpoints

        if self.policy is not None:
            try:
                return self.policy.read_bytes()
            except OSError as error:
                raise DaydreamerError(f"cannot read the policy {self.policy}: {error}") from error
        found = Checkpoints(run_dir.checkpoints).load()
        if found is None:
            raise DaydreamerError(
                f"{run_dir.path} has no checkpoint yet: the first comes about a minute after its learner started"
            )
        return found.policy


def _say(score: RolloutScore) -> None:
    up = "never upright" if score.first_upright is None else f"upright after {score.first_upright:.1f} s"
    print(
        f"  {up}, {score.upright:.0%} of the time; standing {score.standing:.0%} of the last 10 s; "
        f"{score.walking_speed:+.2f} m/s; {score.falls} falls; reward {score.reward:.1f}"
    )


def _summary(result: Evaluation) -> None:
    print(
        f"stands: {'yes' if result.stands else 'no'}   walks: {'yes' if result.walks else 'no'}   "
        f"(mean: upright {result.upright:.0%}, standing {result.standing:.0%}, {result.walking_speed:+.2f} m/s, "
        f"{result.falls:.1f} falls)"
    )

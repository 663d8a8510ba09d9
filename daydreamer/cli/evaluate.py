"""``daydreamer eval``: score the policies of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.cli.options import Changes, Json, check_positive, check_seed
from daydreamer.cli.policy_source import find_policy, newest_policy, preset_of
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.presets.registry import load
from daydreamer.presets.score_card import card_of, write_with_card
from daydreamer.presets.trial import Trial, run_all
from daydreamer.runtime.kept_policies import kept_policies
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.scoring import Evaluation, RolloutScore


@dataclass(frozen=True)
class Evaluate:
    """Let a policy get up from its back, without exploring, and score it by the simulator's truth.

    It gets up when at least 4 of 5 rollouts are upright for 90 % of their last 10 s, and stands when they are standing
    for as long. It walks when at least 4 of 5 have a mean forward speed of 0.2 m/s, are upright for all of their last
    20 s, and hold their trunk 0.16 m above the floor on average. The last policy of a run is often not its best: --all
    scores every one that was kept.
    """

    run_directory: Annotated[
        Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="a run directory, or an .onnx policy")
    ]
    rollouts: Annotated[int, tyro.conf.arg(help="how many, each with a seed of its own")] = 5
    seconds: Annotated[float, tyro.conf.arg(help="of each")] = 60.0
    seed: Annotated[int, tyro.conf.arg(help="of the first rollout")] = 0
    policy: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help="an .onnx file in place of the latest checkpoint's")
    ] = None
    all: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(help="every policy that the run has kept; results are remembered in RUN/evaluations"),
    ] = False
    best: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(
            help="with --all: write the best one to RUN/best.onnx, with its score card RUN/best.json: what it does "
            "in as many rollouts again, with other seeds, because the best of many has been lucky, too"
        ),
    ] = False
    jobs: Annotated[int, tyro.conf.arg(help="with --all: processes at once")] = 1
    film: Annotated[
        Path | None,
        tyro.conf.arg(
            metavar="FILE", help="film the first rollout: .gif moves, .png is a strip of six pictures"
        ),
    ] = None
    changes: Changes = ()
    json: Json = False

    def run(self) -> int:
        """Evaluate and print."""
        check_seed(self.seed)
        check_positive(rollouts=self.rollouts, seconds=self.seconds)
        if self.best and not self.all:
            raise DaydreamerError("--best needs --all: there is nothing to choose from")
        if self.all and (self.film or self.policy):
            raise DaydreamerError("--all takes neither --film nor --policy: evaluate that one by itself")
        if self.best and self.changes:
            raise DaydreamerError("--best judges the robot that the run was made on: leave --set out")
        return self._every() if self.all else self._one()

    def _one(self) -> int:
        from daydreamer.runtime.film import Film

        trial = self._chosen().hold()
        version = trial.open().version
        if not self.json:
            print(f"policy version {version}: {self.rollouts} rollouts of {self.seconds:g} s")
        film = Film(self.film) if self.film else None
        result = trial.run((lambda score: None) if self.json else _say, film)
        if film is not None:
            film.save()
        if self.json:
            json.dump(result.to_dict(), sys.stdout)
            print()
        else:
            _summary(result)
        return 0

    def _chosen(self) -> Trial:
        """A policy by itself says which robot it is for; one that is named beside a run is tried on the run's."""
        if self.policy is None and self.run_directory.is_file():
            source = find_policy(self.run_directory)
            return self._trial(source.policy, source.preset, source.changes)
        run, trial_of = self._of_run()
        return trial_of(self.policy if self.policy is not None else newest_policy(run))

    def _every(self) -> int:
        run, trial_of = self._of_run()
        kept = kept_policies(run)
        if not kept:
            raise DaydreamerError(f"{run.path} has kept no policies yet")
        trials = [trial_of(path) for path in kept.values()]
        say: Callable[[str], None] = (
            (lambda text: None) if self.json else (lambda text: print(text, flush=True))
        )
        say(f"{len(trials)} policies, {self.rollouts} rollouts of {self.seconds:g} s each")
        found: list[tuple[float, Trial, Evaluation]] = []
        if self.best:
            writable_directory(run.path)
        results = run_all(trials, self.jobs, [run.evaluations] * len(trials))
        for minutes, (tried, result) in zip(kept, results, strict=True):
            found.append((minutes, tried, result))
            say(f"  {minutes:6.2f} min  {tried.policy.name:20s} {_line(result)}")
        minutes, chosen, result = max(found, key=lambda entry: entry[2].rank)
        say(f"the best is {chosen.policy.name}, of robot minute {minutes:g}")
        if self.best:
            chosen = replace(chosen, seed=self.seed + self.rollouts)
            ((_, result),) = run_all([chosen], memories=[run.evaluations])
            say(f"  once more, with other seeds: {_line(result)}")
            write_with_card(chosen.read(), run.best, card_of(run, chosen, minutes, result))
            say(f"{run.best}")
        if self.json:
            rows = [{"robot_minutes": m, "policy": t.policy.name, **r.to_dict()} for m, t, r in found]
            json.dump({"policies": rows, "best": chosen.policy.name}, sys.stdout)
            print()
        return 0

    def _of_run(self) -> tuple[RunDir, Callable[[Path], Trial]]:
        """The run, and what is tried with one of its policies."""
        run = RunDir(self.run_directory)
        name, own = preset_of(run.read_config())
        load(name, (*own, *self.changes))  # a mistake is told now
        return run, lambda policy: self._trial(policy, name, own)

    def _trial(self, policy: Path, preset: str, own: tuple[str, ...]) -> Trial:
        return Trial(policy, preset, (*own, *self.changes), self.rollouts, self.seconds, self.seed)


def _say(score: RolloutScore) -> None:
    up = "never upright" if score.first_upright is None else f"upright after {score.first_upright:.1f} s"
    print(
        f"  {up}, {score.upright:.0%} of the time; standing {score.standing:.0%} of the last 10 s; "
        f"{score.walking_speed:+.2f} m/s; {score.falls} falls; reward {score.reward:.1f}"
    )


def _line(result: Evaluation) -> str:
    total = len(result.rollouts)
    reached = ", ".join(
        f"{name.replace('_', ' ')} {round(total * result.share(name))}/{total}"
        for name in ("gets_up", "stands", "walks")
    )
    return f"{reached}; {result.walking_speed:+.2f} m/s, {result.falls:.1f} falls, reward {result.reward:.1f}"


def _summary(result: Evaluation) -> None:
    print(
        f"gets up: {_yes(result.gets_up)}   stands: {_yes(result.stands)}   walks: {_yes(result.walks)}   "
        f"(mean: upright {result.upright:.0%}, standing {result.standing:.0%}, {result.walking_speed:+.2f} m/s, "
        f"{result.falls:.1f} falls)"
    )
    if (motion := result.motion) is not None:
        cost = motion["energy_per_metre"]
        energy = "no energy per metre: it goes nowhere" if cost is None else f"{cost:.0f} J/m"
        print(
            f"motion: torque {motion['torque_p99']:.1f} N m at the 99th percentile, "
            f"{motion['torque_peak']:.1f} at most; "
            f"at joint limits {motion['at_limit']:.1%} of the time, run into {motion['slams']:.1f} times in a rollout; "
            f"action rate {motion['action_rate']:.2f}; "
            f"foot slip {motion['foot_slip']:.2f} m/s; asymmetry {motion['asymmetry']:.2f} rad; {energy}"
        )


def _yes(value: bool) -> str:
    return "yes" if value else "no"

"""``daydreamer bench learning``: how long a robot takes to learn, over seeds."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from daydreamer.cli.options import AgentName, Changes, PresetName, check_positive, seeds_in, with_agent
from daydreamer.core.atomic_file import write_atomically
from daydreamer.presets import build
from daydreamer.presets.preset import defaults
from daydreamer.presets.registry import load
from daydreamer.presets.trial import Trial, run_all
from daydreamer.runtime.kept_policies import at_marks, kept_policies
from daydreamer.runtime.learning_results import RunResult, result_of, table
from daydreamer.runtime.many_runs import Job, claim, rows_of, work_off
from daydreamer.runtime.milestones import Point, read_points, thinned
from daydreamer.runtime.run_dir import RunDir, software
from daydreamer.runtime.scoring import Evaluation
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.runtime.supervise import this_program
from robots.clock import MonotonicClock

SAY_EVERY = 30.0  # s
CURVES = ("robot/up", "robot/standing", "robot/truth_forward_speed", "robot/reward")
EVALUATED = {"eval/upright": "upright", "eval/standing": "standing", "eval/walking_speed": "walking_speed"}


@dataclass(frozen=True)
class Learning:
    """Train once per seed, evaluate what was learned every few robot minutes, and write a table and figures.

    The same command on the same --out goes on: finished seeds are not run again, a half-finished one continues,
    evaluations are remembered. Times count from the robot's first step. In --out: table.md, results.json, curves/
    (one small file per seed), curves.png, evaluations.png, and the run directories seed-N.

    Milestones, by the deterministic policy at every mark ("evaluated"): as `daydreamer eval` says, upright is gets up.
    While learning, with exploration, over the last 1,000 steps ("learning"): upright is up.z > 0.8, stands is standing
    more than half of them, walks is that and a mean true forward speed above 0.3 m/s.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="DIR", help="for everything that is made")]
    preset: PresetName = "a1-sim"
    agent: AgentName = "dreamer"
    changes: Changes = ()
    seeds: Annotated[str, tyro.conf.arg(metavar="N,N,...", help="one run each")] = "0,1,2,3,4"
    robot_minutes: Annotated[float, tyro.conf.arg(metavar="M", help="of each run")] = 30.0
    every: Annotated[float, tyro.conf.arg(metavar="M", help="robot minutes between two evaluations")] = 5.0
    jobs: Annotated[int, tyro.conf.arg(help="runs, and later evaluations, at the same time")] = 1
    rollouts: Annotated[int, tyro.conf.arg(help="of each evaluation")] = 5
    seconds: Annotated[float, tyro.conf.arg(help="of each rollout")] = 60.0
    json: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="print results.json at the end, nothing else")
    ] = False

    def run(self) -> int:
        """Train, evaluate, write."""
        check_positive(rollouts=self.rollouts, seconds=self.seconds)
        preset = load(self.preset, self._all_changes())
        build.check_simulated(preset)  # its runs have no console, and nobody beside them
        build.make_env(preset)  # a mistake is told before the directory is this experiment's
        build.check_learnable(preset)
        said = {"preset": self.preset, "agent": self.agent, "changes": list(self._all_changes())}
        rows, seeds = rows_of(self.robot_minutes, preset.hz), seeds_in(self.seeds)
        claim(self.out, {**said, "resolved": asdict(preset)}, {"resolved": defaults(preset)})
        jobs = [Job(f"seed-{seed}", RunDir(self._place(seed)), self._command(seed), rows) for seed in seeds]
        with StopSignals() as stop:
            if not work_off(jobs, self.jobs, stop, _Progress(self._say, self.robot_minutes)):
                self._say("stopped; the same command goes on")
                return stop.exit_code
        evaluations = self._evaluate(jobs)
        found = [result_of(job.name, job.run, evaluations[job.name]) for job in jobs]
        results = [result for result, _ in found]
        self._write(results, {result.name: points for result, points in found}, evaluations)
        self._say(table(results))
        if self.json:
            sys.stdout.write((self.out / "results.json").read_text())
        return 0

    def _place(self, seed: int) -> Path:
        return self.out / f"seed-{seed}"

    def _all_changes(self) -> tuple[str, ...]:
        return (*self._preset_changes(), f"learner.keep_policy_every={self.every:g}")

    def _preset_changes(self) -> tuple[str, ...]:
        return with_agent(self.changes, "" if self.agent == "dreamer" else self.agent)

    def _command(self, seed: int) -> tuple[str, ...]:
        changes = [word for change in self._all_changes() for word in ("--set", change)]
        command = this_program(
            "train", "--plain", "--no-monitor", "--console", "off",
            "--preset", self.preset, "--logdir", str(self._place(seed)), "--seed", str(seed),
            "--robot-minutes", f"{self.robot_minutes:g}", *changes,
        )  # fmt: skip
        return tuple(command)

    def _evaluate(self, jobs: Sequence[Job]) -> dict[str, dict[float, Evaluation]]:
        wanted: list[tuple[Job, float, Trial]] = []
        for job in jobs:
            kept = kept_policies(job.run)
            for mark, minutes in at_marks(kept, self.every, self.robot_minutes).items():
                trial = Trial(kept[minutes], self.preset, self._preset_changes(), self.rollouts, self.seconds)
                wanted.append((job, mark, trial))
        found: dict[str, dict[float, Evaluation]] = {job.name: {} for job in jobs}
        results = run_all(
            [trial for _, _, trial in wanted], self.jobs, [job.run.evaluations for job, _, _ in wanted]
        )
        for (job, mark, _), (_, result) in zip(wanted, results, strict=True):
            found[job.name][mark] = result
            self._say(
                f"{job.name} at {mark:g} min: gets up {result.share('gets_up'):.0%}, stands "
                f"{result.share('stands'):.0%}, walks {result.share('walks'):.0%}, {result.walking_speed:+.2f} m/s"
            )
        return found

    def _write(
        self,
        results: Sequence[RunResult],
        points: dict[str, list[Point]],
        evaluations: dict[str, dict[float, Evaluation]],
    ) -> None:
        for name, curve in points.items():
            _write_lines(self.out / "curves" / f"{name}.jsonl", [_point(point) for point in thinned(curve)])
        whole = {
            "command": self._said(), "software": software(), "cores": os.cpu_count(),
            "results": [result.to_dict() for result in results],
            "evaluations": {
                name: [{"robot_minutes": mark, **found.to_dict()} for mark, found in sorted(by_mark.items())]
                for name, by_mark in evaluations.items()
            },
        }  # fmt: skip
        write_atomically(self.out / "results.json", (json.dumps(whole, indent=1) + "\n").encode())
        write_atomically(self.out / "table.md", f"{table(results)}\n    {self._said()}\n".encode())
        self._draw(points, evaluations)

    def _draw(self, points: dict[str, list[Point]], evaluations: dict[str, dict[float, Evaluation]]) -> None:
        from daydreamer.monitor.curves_figure import X, draw

        learning = {
            name: {key: np.array([p.values.get(key, np.nan) for p in curve]) for key in (X, *CURVES)}
            for name, curve in points.items()
            if curve
        }
        scored = {
            name: {X: np.array(sorted(by_mark))}
            | {
                key: np.array([getattr(by_mark[m], field) for m in sorted(by_mark)])
                for key, field in EVALUATED.items()
            }
            for name, by_mark in evaluations.items()
            if by_mark
        }
        try:
            if learning:
                draw(learning, self.out / "curves.png", CURVES)
            if scored:
                draw(scored, self.out / "evaluations.png", tuple(EVALUATED))
        except ModuleNotFoundError:
            self._say("no figures: they need matplotlib (pip install matplotlib); all numbers are written")

    def _said(self) -> str:
        """The command, for whoever wants to repeat it."""
        changes = "".join(f" --set {change}" for change in self.changes)
        return (
            f"daydreamer bench learning --preset {self.preset} --agent {self.agent}{changes} --seeds {self.seeds} "
            f"--robot-minutes {self.robot_minutes:g} --every {self.every:g} --rollouts {self.rollouts} "
            f"--seconds {self.seconds:g} --out DIR"
        )

    def _say(self, text: str) -> None:
        if not self.json:
            print(text, flush=True)


class _Progress:
    """A line per running seed, now and then."""

    def __init__(self, say: Any, robot_minutes: float):
        self._say, self._minutes = say, robot_minutes
        self._clock = MonotonicClock()
        self._due = self._clock.now() + SAY_EVERY

    def __call__(self, running: Sequence[Job]) -> None:
        if self._clock.now() < self._due:
            return
        self._due = self._clock.now() + SAY_EVERY
        for job in running:
            if points := read_points(job.run.metrics):
                last = points[-1]
                numbers = ", ".join(
                    f"{name.split('/')[1]} {last.values.get(name, 0.0):.2f}" for name in CURVES
                )
                self._say(f"{job.name}: {last.minutes:.1f} of {self._minutes:g} robot minutes; {numbers}")


def _point(point: Point) -> dict[str, float]:
    return {"wall_minutes": round(point.wall_minutes, 2)} | {
        name: round(value, 4) for name, value in point.values.items()
    }


def _write_lines(path: Path, rows: Sequence[dict[str, float]]) -> None:
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, "".join(json.dumps(row) + "\n" for row in rows).encode())

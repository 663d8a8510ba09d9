"""``daydreamer bench adaptation``: a robot that can walk is changed, and goes on learning."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.cli.options import Changes, Json, check_positive, seeds_in
from daydreamer.cli.policy_source import newest_policy, preset_of
from daydreamer.core.atomic_file import write_atomically
from daydreamer.core.errors import DaydreamerError
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.presets.trial import Trial, run_all
from daydreamer.replay import at_rest
from daydreamer.runtime.checkpoint import Checkpoints
from daydreamer.runtime.many_runs import Job, claim, rows_of, work_off
from daydreamer.runtime.run_dir import RunDir, software
from daydreamer.runtime.scoring import Evaluation
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.runtime.supervise import this_program


@dataclass(frozen=True)
class Case:
    """Settings of a changed robot, and of how it learns; its control has the latter, too."""

    robot: tuple[str, ...]
    learning: tuple[str, ...] = ()


CASES = {
    # impulses up to so many N s in any horizontal direction, every 5 to 10 s
    "pushes": Case(("robot_options.push=15",)),
    "hard-pushes": Case(("robot_options.push=25",)),
    "payload": Case(("robot_options.payload=3",)),  # kg
    "friction": Case(("robot_options.friction=0.3",)),
    "grip": Case(("robot_options.friction=1.2",)),
    # Its left is not its right: mirrored, its rows would say that the other knee is weak.
    "weak-knee": Case(
        ("robot_options.weak_joint=FR_calf", "robot_options.weak_scale=0.5"), ("learner.mirror=0",)
    ),
}
OWN = "unchanged"  # the robot as it was when it learned to walk

Scored = tuple[Path, tuple[str, ...]]  # a policy, and the settings of the robot that it is scored on


@dataclass(frozen=True)
class Adaptation:
    """Go on from a finished run on a changed robot, and score the policy on it before and after.

    pushes: random impulses up to 15 N s every 5 to 10 s; hard-pushes: up to 25 N s. payload: 3 kg. friction: 0.3; grip:
    1.2, where feet stick. weak-knee: the front right knee gives half its torque. The run itself is not touched: each
    case learns in a copy, in --out. The same command goes on where it stopped.

    A robot that learns for longer walks better anyway. So one copy for each seed learns as long on the robot as it was,
    and is scored on every changed one, too. A weak knee is learned without mirroring, and has a control of its own.
    """

    run_directory: Annotated[
        Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="a run that walks")
    ]
    out: Annotated[Path, tyro.conf.arg(metavar="DIR", help="for the copies and the results")]
    cases: Annotated[tuple[str, ...], tyro.conf.arg(metavar="CASE", help="what is changed")] = tuple(CASES)
    seeds: Annotated[str, tyro.conf.arg(metavar="N,N,...", help="of the changed robot; one copy each")] = "0"
    robot_minutes: Annotated[float, tyro.conf.arg(metavar="M", help="of learning on the changed robot")] = (
        10.0
    )
    jobs: Annotated[int, tyro.conf.arg(help="runs, and later evaluations, at the same time")] = 1
    rollouts: Annotated[int, tyro.conf.arg(help="of each evaluation")] = 5
    seconds: Annotated[float, tyro.conf.arg(help="of each rollout")] = 60.0
    control: Annotated[bool, tyro.conf.arg(help="learn as long on the unchanged robot, too")] = True
    changes: Changes = ()
    json: Json = False

    def run(self) -> int:
        """Copy, learn, score, write."""
        check_positive(rollouts=self.rollouts, seconds=self.seconds)
        unknown = set(self.cases) - CASES.keys()
        if unknown or not self.cases:
            raise DaydreamerError(
                f"the cases are {', '.join(CASES)}; not {', '.join(sorted(unknown)) or 'none'}"
            )
        source, seeds = RunDir(self.run_directory), seeds_in(self.seeds)
        preset, began_with = preset_of(source.read_config())
        own = (*began_with, *self.changes)
        robots = {case: (*own, *CASES[case].robot, *CASES[case].learning) for case in self.cases}
        controls = {_control(case): (*own, *CASES[case].learning) for case in self.cases if self.control}
        for changes in (robots | controls).values():
            build.check_simulated(load(preset, changes))
        hz = load(preset, began_with).hz
        with at_rest(source.replay):  # no two copies of a run that goes on would be alike
            before = Checkpoints(source.checkpoints).load()
            if before is None:
                raise DaydreamerError(f"{source.path} has no checkpoint to go on from")
            for changes in robots.values():
                build.make_env(load(preset, changes))  # a mistake is told before anything is copied
            rows = before.state["rows"] + rows_of(self.robot_minutes, hz)
            jobs = {
                (name, seed): self._job(name, seed, preset, changes, rows, hz)
                for name, changes in (robots | controls).items()
                for seed in seeds
            }
            # The copies of another run, or of this one further on, would be compared with what they do not come from.
            claim(
                self.out,
                {
                    "run": str(source.path.resolve()),
                    "rows": before.state["rows"],
                    "changes": list(self.changes),
                },
            )
            for job in jobs.values():
                _copy(source, job.run)
        with StopSignals() as stop:
            self._say(f"{len(jobs)} runs go on for {self.robot_minutes:g} robot minutes each")
            if not work_off(list(jobs.values()), self.jobs, stop):
                self._say("stopped; the same command goes on")
                return stop.exit_code
        old, new = newest_policy(source), {key: newest_policy(job.run) for key, job in jobs.items()}
        self._score(preset, [
            (jobs[case, seed].name, {
                "on its own robot": (old, began_with),
                "changed, before": (old, changes),
                **({"changed, learned on its own": (new[_control(case), seed], changes)} if self.control else {}),
                "changed, after": (new[case, seed], changes),
            })
            for case, changes in robots.items() for seed in seeds
        ])  # fmt: skip
        return 0

    def _job(self, robot: str, seed: int, preset: str, changes: Sequence[str], rows: int, hz: float) -> Job:
        place = self.out / f"{robot}-{seed}"
        words = [word for change in changes for word in ("--set", change)]
        command = this_program(
            "train", "--plain", "--no-monitor", "--console", "off",
            "--preset", preset, "--logdir", str(place), "--seed", str(seed),
            "--robot-minutes", repr(rows / 60 / hz), *words,
        )  # fmt: skip
        return Job(place.name, RunDir(place), tuple(command), rows)

    def _score(self, preset: str, table: list[tuple[str, dict[str, Scored]]]) -> None:
        """Evaluate every cell, and write the table: a row is a robot's name, and what is scored under each heading."""
        trials = [
            Trial(policy, preset, robot, self.rollouts, self.seconds)
            for _, cells in table
            for policy, robot in cells.values()
        ]
        results = run_all(trials, self.jobs, [self.out / "evaluations"] * len(trials))
        found: dict[str, dict[str, Evaluation]] = {}
        for name, cells in table:
            found[name] = {heading: next(results)[1] for heading in cells}
            self._say(_row(name, found[name]))
        headings = ["robot", *table[0][1]]
        head = f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}\n"
        data = {
            "command": shlex.join(["daydreamer", *sys.argv[1:]]), "software": software(),
            "robots": {
                name: {key: cell.to_dict() for key, cell in cells.items()} for name, cells in found.items()
            },
        }  # fmt: skip
        text = head + "".join(f"{_row(name, cells)}\n" for name, cells in found.items())
        write_atomically(self.out / "adaptation.md", text.encode())
        write_atomically(self.out / "adaptation.json", (json.dumps(data, indent=1) + "\n").encode())
        if self.json:
            json.dump(data, sys.stdout)
            print()

    def _say(self, text: str) -> None:
        if not self.json:
            print(text, flush=True)


def _control(case: str) -> str:
    """The copy that ``case`` is compared with: it learns in the same way, on the robot as it was."""
    return f"{OWN}-{case}" if CASES[case].learning else OWN


def _row(name: str, cells: dict[str, Evaluation]) -> str:
    texts = [
        f"walks {cell.share('walks'):.0%}, {cell.walking_speed:+.2f} m/s, {cell.falls:.1f} falls, "
        f"upright {cell.upright:.0%}"
        for cell in cells.values()
    ]
    return f"| {' | '.join((name, *texts))} |"


def _copy(source: RunDir, to: RunDir) -> None:
    """What a learner goes on from. A copy appears whole or not at all; one that is there is left as it is."""
    if to.path.exists():
        return
    beside = to.path.with_name(to.path.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)
    left_out = shutil.ignore_patterns(
        "tensorboard", "evaluations", "best.*", "*.log", "lock", "console.json", "wanted"
    )
    shutil.copytree(source.path, beside, ignore=left_out)
    beside.rename(to.path)

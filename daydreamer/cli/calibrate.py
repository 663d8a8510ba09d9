"""``daydreamer calibrate``: ten guided minutes after which a robot's sensors tell the truth."""

from __future__ import annotations

import json
import select
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from calibration import guide
from calibration.result import Result
from calibration.rigs import EmulatedRig, HandRig, SimRig
from calibration.session import CalibrationStopped, Progress, Rig, Session
from calibration.truth import draw, emulated_trip, errors, line_latency
from daydreamer.cli.options import Estop, Json, log_to_stderr
from daydreamer.core.writable import writable_directory
from daydreamer.runtime.stop_signals import StopSignals
from robots.a1.realtime import ask
from robots.calibration import CalibrationError, diff, load
from robots.robot import RobotError

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 32  # of the live plot, in characters
PRIORITY = 30  # of SCHED_FIFO, where permitted: below the servo and the emulated robot
LOOK = 0.1  # s between two looks at whether a signal came, while a person is asked
FAILED = 1  # exit code: something did not pass, or was not finished


@dataclass(frozen=True)
class Calibrate:
    """Measure a robot: joint zeros, motors, latency, feet, IMU. Moves it, guarded, and leaves it damped.

    Writes DIR/calibration.json, for --calibration of train and actor, and DIR/report.html with pictures. The same
    command goes on where it was left: what has passed is not measured again. A person hangs the robot up and lays it
    down when asked to; a simulated one is put there by itself. Ctrl-C lays a robot that stands down,
    damps, and keeps what is finished; pressed again it damps at once.
    """

    robot: Annotated[Literal["a1", "a1-emulated", "a1-sim"], tyro.conf.Positional]
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help="where; calibration-ID when not given")] = (
        None
    )
    id: Annotated[str | None, tyro.conf.arg(help="which robot, if there are several; the robot's name")] = (
        None
    )
    only: Annotated[
        tuple[str, ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(metavar="PART", help="joints, motors, latency, feet or imu; repeatable"),
    ] = ()
    again: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="also what has passed already")
    ] = False
    yes: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(help="ask nothing; only where nobody has to lift a robot"),
    ] = False
    json: Json = False
    host: Annotated[str | None, tyro.conf.arg(help="of an A1 that is not at its usual address")] = None
    port: Annotated[int | None, tyro.conf.arg(help="of that A1")] = None
    estop: Estop = ""
    inject: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="SEED", help="make a simulated robot's sensors lie, at random, and tell what was found"
        ),
    ] = None
    trials: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="N", help="N injections with seeds from --inject on, and a table of the errors"
        ),
    ] = None
    jobs: Annotated[int, tyro.conf.arg(help="of the stand-in's trials: processes at once")] = 1
    record: Annotated[
        Path | None,
        tyro.conf.arg(
            metavar="LOG", help="measure nothing: record 10 s of motion of the hanging robot, for --fit-sim"
        ),
    ] = None
    fit_sim: Annotated[
        Path | None,
        tyro.conf.arg(
            name="fit-sim",
            metavar="LOG",
            help="fit the stand-in to a recorded motion; the robot is not needed",
        ),
    ] = None
    where: Annotated[
        Path | None,
        tyro.conf.arg(
            metavar="RUN", help="measure nothing: a table of where the time of that run's control steps goes"
        ),
    ] = None
    diff: Annotated[
        Path | None,
        tyro.conf.arg(metavar="FILE", help="measure nothing: compare FILE with DIR/calibration.json"),
    ] = None

    def run(self) -> int:
        """Measure; 0 when all passed, 1 when not."""
        log_to_stderr()
        robot_id = self.id or self.robot
        if self.trials is not None:
            return self._try_out(self.trials)
        files = guide.Files(self.out or Path(f"calibration-{robot_id}"))
        if self.diff is not None:
            return self._compare(files)
        if self.where is not None:
            from daydreamer.cli import calibrate_where

            print(
                calibrate_where.table(
                    guide.begin(files, self.robot, robot_id), calibrate_where.of_run(self.where)
                )
            )
            return 0
        if self.record is not None:
            return self._record(files, robot_id, self.record)
        if self.fit_sim is not None:
            return self._fit(files, robot_id, self.fit_sim)
        found = guide.begin(files, self.robot, robot_id)
        names = guide.todo(found, self.only, self.again)
        self._say(f"{self.robot}: {', '.join(names) or 'nothing left to measure; --again measures anew'}")
        wrong = self._wrong()
        results: dict[str, Result] = {}
        if self.robot != "a1-sim":
            ask(PRIORITY)  # 500 readings a second, whatever else this computer does
        screen = Screen(sys.stderr.isatty() and not self.json)
        with StopSignals() as stop:
            session = Session(self._rig(wrong, stop), stop, screen.show)
            writable_directory(files.directory)  # known before a robot moves

            def finished(name: str, result: Result) -> None:
                results[name] = result
                screen.clear()
                self._tell(name, result, wrong)

            stopped = ""
            try:
                found = guide.run(session, files, found, names, finished)
            except RobotError as error:
                screen.clear()
                stopped = str(error)
        kept = guide.begin(files, self.robot, robot_id).parts
        asked = [name for name in guide.PROCEDURES if name in (self.only or guide.PROCEDURES)]
        left = [name for name in asked if name not in kept or not kept[name].passed]
        left += [name for name in names if name not in results and name not in left]
        if self.json:
            self._print_json(files, results, wrong, stopped, left)
        else:
            if stopped:
                how = "the same command, without --again," if self.again else "the same command"
                self._say(f"stopped: {stopped}. The robot is damped; {how} goes on.")
            self._say(f"file {files.calibration}   report {files.report}")
            self._say(f"not passed: {', '.join(left)}" if left else "all passed")
        return stop.exit_code or (FAILED if left or stopped else 0)

    def _record(self, files: guide.Files, robot_id: str, path: Path) -> int:
        """Move the hanging robot and write what happened."""
        from daydreamer.cli import calibrate_fit

        if self.robot != "a1-sim":
            ask(PRIORITY)
        wrong, screen = self._wrong(), Screen(sys.stderr.isatty() and not self.json)
        with StopSignals() as stop:
            session = Session(self._rig(wrong, stop), stop, screen.show)
            true_zeros = self.robot == "a1-sim" and wrong is None
            log = calibrate_fit.record(session, files, self.robot, robot_id, path, true_zeros)
        screen.clear()
        self._say(f"{log.seconds:.1f} s, {len(log.time)} readings: {path}")
        if self.json:
            print(json.dumps({"log": str(path), "seconds": log.seconds, "readings": len(log.time)}))
        return 0

    def _fit(self, files: guide.Files, robot_id: str, path: Path) -> int:
        """Fit the stand-in; 0 when that passed."""
        from daydreamer.cli import calibrate_fit

        wrong, screen = self._wrong(), Screen(sys.stderr.isatty() and not self.json)
        result = calibrate_fit.fit(files, self.robot, robot_id, path, screen.show)
        screen.clear()
        self._tell("sim", result, wrong)
        if self.json:
            self._print_json(files, {"sim": result}, wrong, "", [] if result.passed else ["sim"])
        else:
            self._say(f"file {files.calibration}   report {files.report}")
        return 0 if result.passed else FAILED

    def _wrong(self) -> dict[str, Any] | None:
        if self.inject is None:
            return None
        if self.robot == "a1":
            raise CalibrationError(
                "--inject is for simulated robots: nothing can be made wrong in a real one"
            )
        return draw(self.inject, delays=self.robot == "a1-sim")

    def _rig(self, wrong: dict[str, Any] | None, stop: Callable[[], str | None]) -> Rig:
        if self.robot == "a1-sim":
            if self.estop:
                raise CalibrationError(
                    "--estop is for a robot that can hurt somebody, or plays one: a1, a1-emulated"
                )
            return SimRig(distortion=wrong, seed=self.inject or 0)
        if self.robot == "a1-emulated":
            line = 0.0 if self.inject is None else line_latency(self.inject)
            return EmulatedRig(wrong, seed=self.inject or 0, emulator={"latency": line}, estop=self.estop)
        if self.yes or self.json:
            raise CalibrationError(
                "a person has to hang up a real robot and lay it down: leave out --yes and --json. "
                "(For an emulated one: `daydreamer calibrate a1-emulated`.)"
            )
        chosen = {"host": self.host, "port": self.port, "estop": self.estop or None}
        return HandRig(
            "a1",
            partial(self._ask, stop),
            **{name: value for name, value in chosen.items() if value is not None},
        )

    def _ask(self, stop: Callable[[], str | None], text: str) -> None:
        print(f"\n{text}\nEnter when it is done, q to stop: ", end="", flush=True)
        while not stop() and not select.select([sys.stdin], [], [], LOOK)[0]:
            pass  # input() would go on waiting after a signal
        if why := stop():
            raise CalibrationStopped(f"the measurement was stopped: {why}")
        answer = sys.stdin.readline()
        if not answer:  # no terminal, or Ctrl-D
            raise CalibrationStopped("nobody answers: a real robot is calibrated from a terminal")
        if answer.strip().lower().startswith("q"):
            raise CalibrationStopped("told to")

    def _tell(self, name: str, result: Result, wrong: dict[str, Any] | None) -> None:
        if self.json:
            return
        print(f"{name}: {'pass' if result.passed else 'FAIL'}")
        for check in result.checks:
            mark = "ok  " if check.passed else "FAIL"
            advice = "" if check.passed else f"  {check.advice}"
            print(
                f"  {mark} {check.name}: {check.value:.4g} {check.unit} (at most {check.bound:.4g}){advice}"
            )
        for note in result.notes:
            print(f"  {note}")
        for error in errors(result.values, wrong, self._trip()) if wrong else ():
            print(
                f"  off the injected truth: {error.name} {error.value:.4g} {error.unit} (bound {error.bound:g})"
            )
        sys.stdout.flush()

    def _trip(self) -> float | None:
        """The true way there and back, where it is not the stand-in's own, s."""
        return emulated_trip(self.inject) if self.robot == "a1-emulated" and self.inject is not None else None

    def _print_json(
        self,
        files: guide.Files,
        results: dict[str, Result],
        wrong: dict[str, Any] | None,
        stopped: str,
        left: list[str],
    ) -> None:
        tree: dict[str, Any] = {
            "robot": self.robot, "file": str(files.calibration), "report": str(files.report), "stopped": stopped,
            "passed": not left and not stopped, "left": left, "parts": json.loads(guide.summary(results)),
        }  # fmt: skip
        if wrong is not None:
            tree["injected"] = wrong
            tree["errors"] = [
                {
                    "name": one.name,
                    "value": one.value,
                    "bound": one.bound,
                    "unit": one.unit,
                    "within": one.within,
                }
                for part in guide.begin(files, self.robot, self.id or self.robot).parts.values()
                for one in errors(part.values, wrong, self._trip())
            ]
        json.dump(tree, sys.stdout)
        print()

    def _compare(self, files: guide.Files) -> int:
        assert self.diff is not None
        lines = diff(load(self.diff), load(files.calibration))
        print("\n".join(lines) or "the same")
        return 0

    def _try_out(self, count: int) -> int:
        from daydreamer.cli.calibrate_trials import table, trials

        if self.robot == "a1":
            raise CalibrationError(
                "--trials is for simulated robots: nothing can be made wrong in a real one"
            )
        rows = trials(self.robot, count, self.inject or 0, self.only, self.jobs)
        print(json.dumps(rows) if self.json else table(rows))
        return 0 if all(row["within"] == row["trials"] for row in rows) else FAILED

    def _say(self, text: str) -> None:
        if not self.json:
            print(text, flush=True)


class Screen:
    """One line that lives: what is going on, how far it is, and the last seconds of what is measured."""

    def __init__(self, live: bool):
        self._live, self._values, self._name = live, deque[float](maxlen=WIDTH), ""

    def show(self, progress: Progress) -> None:
        """Draw it again."""
        if not self._live:
            return
        if progress.name != self._name:
            self._values.clear()
            self._name = progress.name
        if progress.name:
            self._values.append(progress.value)
        value = f"{progress.name} {progress.value:+.3f}" if progress.name else ""
        line = f"{progress.share:4.0%} {progress.doing:34.34s} {sparkline(self._values):{WIDTH}s} {value}"
        self._write(f"\r\x1b[K{line[:110]}")

    def clear(self) -> None:
        """Take it away."""
        if self._live:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):  # the terminal is gone: no reason to drop a robot that stands
            self._live = False


def sparkline(values: deque[float]) -> str:
    """The values as one line of bars."""
    if not values:
        return ""
    low, span = min(values), max(values) - min(values)
    return "".join(BARS[1 + round(7 * (value - low) / span) if span > 0 else 4] for value in values)

"""``daydreamer replay``: look at a run's rows, check them, repair them, take them elsewhere and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import tyro

from daydreamer.cli.options import Json, check_positive
from daydreamer.core.atomic_file import whole_or_none
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.transition import is_log
from daydreamer.core.writable import writable_directory
from daydreamer.replay import Replay
from daydreamer.replay.archive import Archive, FileReport, Part
from daydreamer.replay.formats import lerobot, mcap_log, npz
from daydreamer.replay.layout import Layout
from daydreamer.runtime.learner import LearnerConfig
from daydreamer.runtime.run_dir import RunDir

Run = Annotated[
    Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="a run's directory, or its replay/")
]
DAMAGED = 1  # exit code


@dataclass(frozen=True)
class Verify:
    """Check every row's and every file's checksum. Exit code 1 when something is damaged.

    Without --repair nothing is changed, and a learner may be running. With it, torn tails (what a kill leaves)
    are cut off, as by a learner when it starts, and files are sealed, which no learner does to a file of a life before.
    Rows damaged in the middle cannot be brought back: they are named, those before and behind them are good and go on
    being used.
    """

    run_dir: Run
    repair: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="cut off torn tails, seal what is not sealed")
    ] = False
    json: Json = False

    def run(self) -> int:
        """Check, and repair if told to."""
        archive = Archive(self.run_dir)
        found: list[FileReport] = []
        for report in archive.repair() if self.repair else archive.verify():
            found.append(report)
            if not self.json and not report.whole:
                print(_trouble(report, self.repair), flush=True)
        lost, bad = sum(report.lost for report in found), [report for report in found if not report.whole]
        if self.json:
            plain = [{**asdict(report), "path": str(report.path), "lost": report.lost} for report in bad]
            rows = sum(report.rows for report in found)
            print(json.dumps({"files": len(found), "rows": rows, "lost": lost, "damaged": plain}))
        else:
            rows = sum(report.rows for report in found)
            print(f"{rows:,} good rows in {len(found)} files; {lost:,} rows lost; {len(bad)} files damaged")
        torn = all(report.torn_bytes and not (report.lost or report.error) for report in bad)
        return 0 if not bad or (self.repair and torn) else DAMAGED


@dataclass(frozen=True)
class Info:
    """Say what is in a replay: rows, streams, keys, sizes."""

    run_dir: Run
    json: Json = False

    def run(self) -> int:
        """Print it."""
        archive = Archive(self.run_dir)
        streams: dict[str, list[int]] = {}
        for part in archive.parts(all_of_them=False):
            first, _, rows = streams.setdefault(part.stream, [part.first_seq, 0, 0])
            streams[part.stream] = [first, part.first_seq + len(part.rows), rows + len(part.rows)]
        sizes = archive.sizes()
        about = {
            "path": str(archive.path),
            "files": len(sizes),
            "bytes": sum(sizes),
            "rows": sum(rows for _, _, rows in streams.values()),
            "row_bytes": archive.layout.row_bytes,
            "keys": {name: spec.to_dict() for name, spec in archive.layout.specs.items()},
            "streams": {s: {"first": f, "end": e, "rows": n} for s, (f, e, n) in streams.items()},
        }
        print(json.dumps(about) if self.json else "\n".join(_told(about)))
        return 0


@dataclass(frozen=True)
class Export:
    """Write all good rows in another format.

    npz: one NumPy file. lerobot: a LeRobotDataset of version 3 (needs pyarrow). mcap: a log for viewers such as
    Foxglove (needs mcap). The latter two come with the extra `export`; from a clone: pip install '.[export]'.
    """

    run_dir: Run
    out: Annotated[
        Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT", help="file, or directory for lerobot")
    ]
    to: Annotated[Literal["npz", "lerobot", "mcap"], tyro.conf.arg(help="format")]

    def run(self) -> int:
        """Write and say how much."""
        archive = Archive(self.run_dir)
        if self.out.exists():
            raise DaydreamerError(f"{self.out} exists already: choose another name, nothing is overwritten")
        writable_directory(self.out.parent)
        with whole_or_none(self.out) as out:
            if self.to == "npz":
                rows = npz.write(archive, out)
            elif self.to == "mcap":
                rows = mcap_log.write(archive, out)
            else:
                hz, preset, robot = _configured(self.run_dir)
                rows = lerobot.write(archive, out, hz, preset, robot)
        print(f"{rows:,} rows to {self.out}")
        return 0


@dataclass(frozen=True)
class Import:
    """Bring exported rows (npz or lerobot) into a run's replay, under the streams and numbers that they had.

    Rows that the run has already are left out. Rows of a stream that come before others which the run has already
    cannot be put there any more: exit code 1. Rows of another spec are refused. The run need not exist yet; no learner
    may be using it.
    """

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE", help="what `export` wrote")]
    run_dir: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="a run's directory")]
    capacity: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="N", help="rows that the run keeps, the oldest go first; none: as it is configured"
        ),
    ] = None

    def run(self) -> int:
        """Append and say how much; exit code 1 when rows are missing that cannot be put before others any more."""
        check_positive(capacity=self.capacity)
        layout, parts = lerobot.read(self.source) if self.source.is_dir() else npz.read(self.source)
        replay_dir = writable_directory(self.run_dir / "replay")
        there = _stored(self.run_dir)
        stored = sum(len(numbers) for ranges in there.values() for numbers in ranges)
        capacity = self.capacity if self.capacity is not None else max(_capacity(self.run_dir), stored)
        added = known = late = 0
        with Replay(replay_dir, layout.specs, capacity, seed=0) as replay:
            for part in parts:
                fresh = _append(replay, layout, part)
                old = range(part.first_seq, part.first_seq + len(part.rows) - fresh)
                same = sum(_overlap(old, numbers) for numbers in there.get(part.stream, []))
                added, known, late = added + fresh, known + same, late + len(old) - same
        print(f"{added:,} rows into {replay_dir}; {known:,} were there already")
        if late:
            print(
                f"{late:,} rows are missing there and were left out: a stream's rows follow one another, and later "
                "ones are stored already. Import the earlier rows first, into a run that has none of them."
            )
        return 1 if late else 0


ReplayCommand = Union[  # noqa: UP007 (Annotated members do not take the | form at run time on every Python)
    Annotated[Verify, tyro.conf.subcommand("verify")],
    Annotated[Info, tyro.conf.subcommand("info")],
    Annotated[Export, tyro.conf.subcommand("export")],
    Annotated[Import, tyro.conf.subcommand("import")],
]


@dataclass(frozen=True)
class ReplayCommands:
    """Look at the rows of a run, check and repair them, take them elsewhere and back."""

    command: tyro.conf.OmitSubcommandPrefixes[ReplayCommand]

    def run(self) -> int:
        """Do what was asked for."""
        return self.command.run()


def _stored(run_dir: Path) -> dict[str, list[range]]:
    """The numbers of the rows of each stream that a run has."""
    found: dict[str, list[range]] = {}
    if any((run_dir / "replay").glob("*.rows")):
        for part in Archive(run_dir).parts():
            found.setdefault(part.stream, []).append(range(part.first_seq, part.first_seq + len(part.rows)))
    return found


def _overlap(one: range, other: range) -> int:
    return len(range(max(one.start, other.start), min(one.stop, other.stop)))


def _capacity(run_dir: Path) -> int:
    """Rows that the run is configured to keep; the usual number where there is no configuration."""
    try:
        return int(RunDir(run_dir).read_config()["learner"]["capacity"])
    except (DaydreamerError, KeyError, TypeError):
        return LearnerConfig().capacity


def _append(replay: Replay, layout: Layout, part: Part) -> int:
    columns = {name: part.rows[name] for name in layout.specs}
    return replay.append(columns, part.stream, part.first_seq, after_gap=True)


def _configured(run_dir: Path) -> tuple[float, str, str]:
    """Rate, preset and robot of a run, from its configuration; the A1's where there is none."""
    try:
        config = RunDir(run_dir).read_config()
    except DaydreamerError:
        return 20.0, "unknown", "unknown"
    return (
        float(config.get("hz", 20.0)),
        str(config.get("name", "unknown")),
        str(config.get("robot", "unknown")),
    )


def _trouble(report: FileReport, repaired: bool) -> str:
    """What is wrong with a file, in a line."""
    said = [report.error] if report.error else []
    for first, end in report.damaged:
        said.append(f"rows {first} to {end - 1} of {report.stream} are damaged; those behind them are good")
    if report.missing:
        said.append(f"its last {report.missing} rows are gone")
    if report.torn_bytes:
        said.append(
            f"{report.torn_bytes} torn bytes at its end" + (" (cut off)" if repaired else " (--repair cuts)")
        )
    return f"{report.path.name}: {'; '.join(said)}"


def _told(about: dict[str, Any]) -> Iterator[str]:
    yield f"{about['path']}: {about['rows']:,} rows, {about['files']} files, {about['bytes'] / 1e6:,.1f} MB"
    yield f"a row has {about['row_bytes']} bytes:"
    for name, spec in about["keys"].items():
        note = "  (never shown to an agent)" if is_log(name) else ""
        yield f"  {name:28s} {spec['dtype']}{spec['shape']} {spec.get('unit', '')}{note}"
    yield f"{len(about['streams'])} streams:"
    for stream, has in about["streams"].items():
        holes = has["end"] - has["first"] - has["rows"]
        yield f"  {stream}  rows {has['first']} to {has['end'] - 1}" + (f", {holes} missing" if holes else "")

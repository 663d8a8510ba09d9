"""``daydreamer plot``: the learning curves of runs, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.monitor.curves_figure import SHOWN, draw, read_curves
from daydreamer.runtime.run_dir import RunDir, leaves

# Of a run's configuration: what is the same for every seed of one thing.
SETTINGS = ("robot", "robot_options", "restart", "hz", "task", "delay", "agent", "actor", "learner")


@dataclass(frozen=True)
class Plot:
    """Draw the learning curves of one or more runs over robot minutes.

    Runs of one preset and the same changes are seeds of one thing: their median and a band from the least to the
    greatest are drawn. Others get another colour; so do those of a preset that was another one then. Needs matplotlib.
    """

    run_directories: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="run directories")
    ]
    out: Annotated[Path, tyro.conf.arg(metavar="FILE", help="the figure: .png, .svg or .pdf")] = Path(
        "curves.png"
    )
    names: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME", help="metrics, see docs/metrics.md")] = (
        SHOWN
    )

    def run(self) -> int:
        """Read, draw, say where."""
        if not self.run_directories:
            raise DaydreamerError("name at least one run directory")
        for run in map(RunDir, self.run_directories):
            if not run.metrics.exists():
                raise DaydreamerError(f"{run.path} holds no run: there is no {run.metrics.name}")
        writable_directory(self.out.parent)
        try:
            labels = {_label(path, self.run_directories): path for path in self.run_directories}
            runs = {label: read_curves(RunDir(path).metrics, self.names) for label, path in labels.items()}
            draw(runs, self.out, self.names, _groups(labels))
        except ModuleNotFoundError as error:
            raise DaydreamerError("a figure needs matplotlib: pip install matplotlib") from error
        except (ValueError, OSError) as error:
            raise DaydreamerError(str(error)) from error
        print(self.out)
        return 0


def _label(path: Path, among: tuple[Path, ...]) -> str:
    """Its name, or its path where another one is called the same."""
    return path.name if [other.name for other in among].count(path.name) == 1 else str(path)


def _groups(runs: Mapping[str, Path]) -> dict[str, str]:
    """By label, the name of what its seeds share. Settings that differ under one name are numbered.

    What only one of two versions of this software can set does not make a difference.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    groups = {}
    for label, path in runs.items():
        name, settings = _kind(path)
        others = found.setdefault(name, [])
        alike = (
            number
            for number, other in enumerate(others)
            if all(other[key] == settings[key] for key in other.keys() & settings.keys())
        )
        number = next(alike, len(others))
        if number == len(others):
            others.append(settings)
        groups[label] = f"{name} ({number + 1})" if number else name
    return groups


def _kind(path: Path) -> tuple[str, dict[str, Any]]:
    """What a run is called with its changes, and its settings; empty for a directory that does not say."""
    try:
        config = RunDir(path).read_config()
    except DaydreamerError:
        return "", {}
    changes = [*config.get("changes_before", ()), *config.get("changes", ())]
    settings = leaves({part: config[part] for part in SETTINGS if part in config})
    return " ".join([str(config.get("name", "")), *map(str, changes)]), settings

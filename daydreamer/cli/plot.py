"""``daydreamer plot``: the learning curves of runs, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.core.errors import DaydreamerError
from daydreamer.monitor.curves_figure import SHOWN, draw, read_curves
from daydreamer.runtime.run_dir import RunDir


@dataclass(frozen=True)
class Plot:
    """Draw the learning curves of one or more runs over robot minutes.

    Runs of one preset and the same changes are seeds of one thing: their median and a band from the least to the
    greatest are drawn. Others get another colour. Needs matplotlib.
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
        try:
            labels = {_label(path, self.run_directories): path for path in self.run_directories}
            runs = {label: read_curves(RunDir(path).metrics, self.names) for label, path in labels.items()}
            draw(runs, self.out, self.names, {label: _kind(path) for label, path in labels.items()})
        except ModuleNotFoundError as error:
            raise DaydreamerError("a figure needs matplotlib: pip install matplotlib") from error
        except (ValueError, OSError) as error:
            raise DaydreamerError(str(error)) from error
        print(self.out)
        return 0


def _label(path: Path, among: tuple[Path, ...]) -> str:
    """Its name, or its path where another one is called the same."""
    return path.name if [other.name for other in among].count(path.name) == 1 else str(path)


def _kind(path: Path) -> str:
    """What seeds of the same thing share; empty for a directory that does not say."""
    try:
        config = RunDir(path).read_config()
    except DaydreamerError:
        return ""
    changes = [*config.get("changes_before", ()), *config.get("changes", ())]
    return " ".join([str(config.get("name", "")), *map(str, changes)])

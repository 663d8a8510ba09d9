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
    """Draw the learning curves of one or more runs over robot minutes, with their median when there are three.

    Needs matplotlib.
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
            runs = {path.name: read_curves(RunDir(path).metrics, self.names) for path in self.run_directories}
            draw(runs, self.out, self.names)
        except ModuleNotFoundError as error:
            raise DaydreamerError("a figure needs matplotlib: pip install matplotlib") from error
        except (ValueError, OSError) as error:
            raise DaydreamerError(str(error)) from error
        print(self.out)
        return 0

"""Learning curves of one or more runs in one figure, over robot minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daydreamer.monitor.names import find
from daydreamer.monitor.tail import Tail

X = "robot/minutes"
SHOWN = ("robot/up", "robot/standing", "robot/forward_speed", "robot/reward")

Curves = Mapping[str, NDArray[np.float64]]


def read_curves(metrics_file: Path, names: Sequence[str] = SHOWN) -> Curves:
    """``[N]`` each, of the records that have the x axis and all of ``names``.

    Raises:
        ValueError: There are none.
    """
    rows = [
        [record.metrics[name] for name in (X, *names)]
        for record in Tail(metrics_file).read()
        if all(name in record.metrics for name in (X, *names))
    ]
    if not rows:
        raise ValueError(f"{metrics_file} has no records with {', '.join((X, *names))}")
    return dict(zip((X, *names), np.array(rows, float).T, strict=True))


def draw(runs: Mapping[str, Curves], out: Path, names: Sequence[str] = SHOWN) -> None:
    """One panel per name, one thin line per run, and their median where all runs have been.

    Needs matplotlib. ``out`` ends in .png, .svg or .pdf.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(names), 3.4), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        for label, curves in runs.items():
            axes.plot(curves[X], curves[name], linewidth=1.2, alpha=0.8, label=label)
        if len(runs) > 2:
            x = np.linspace(0, min(curves[X][-1] for curves in runs.values()), 200)
            middle = np.median([np.interp(x, c[X], c[name]) for c in runs.values()], axis=0)
            axes.plot(x, middle, color="black", linewidth=2, label="median")
        metric = find(name)
        unit = f" [{metric.unit}]" if metric and metric.unit not in ("1", "") else ""
        axes.set(title=f"{name}{unit}", xlabel="robot minutes")
        axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(out, dpi=110)

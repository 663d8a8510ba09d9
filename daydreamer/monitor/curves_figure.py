"""Learning curves of one or more runs in one figure, over robot minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.monitor.names import find, unknown
from daydreamer.monitor.tail import Tail

X = "robot/minutes"
SHOWN = ("robot/up", "robot/standing", "robot/forward_speed", "robot/reward")
POINTS = 200  # of the band between runs
LABEL = 40  # characters in a line of the legend

Curves = Mapping[str, NDArray[np.float64]]


def read_curves(metrics_file: Path, names: Sequence[str] = SHOWN) -> Curves:
    """``[N]`` each, of the records that have the x axis and all of ``names``.

    Raises:
        ValueError: There are none.
    """
    rows, seen = [], set[str]()
    for record in Tail(metrics_file).read():
        seen |= record.metrics.keys()
        if all(name in record.metrics for name in (X, *names)):
            rows.append([record.metrics[name] for name in (X, *names)])
    if not rows:
        if strangers := unknown(set(names) - seen):
            raise ValueError(f"no metric is called {', '.join(strangers)}; docs/metrics.md names them all")
        raise ValueError(f"{metrics_file} has no records with {', '.join((X, *names))}")
    return dict(zip((X, *names), np.array(rows, float).T, strict=True))


def draw(
    runs: Mapping[str, Curves],
    out: Path,
    names: Sequence[str] = SHOWN,
    groups: Mapping[str, str] | None = None,
) -> None:
    """One panel per name: a thin line per run; per group of several its median, and a band from least to most.

    Needs matplotlib.

    Args:
        runs: By label.
        out: Ends in .png, .svg or .pdf.
        names: Metrics.
        groups: By label, which runs are the same but for their seed; all of them by default.
    """
    from matplotlib.figure import Figure

    groups = groups or dict.fromkeys(runs, "")
    members = {group: [label for label in runs if groups[label] == group] for group in groups.values()}
    figure = Figure(figsize=(4.2 * len(names), 3.4), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        for number, (group, labels) in enumerate(members.items()):
            colour = f"C{number}" if len(members) > 1 else None  # one group: each run has its own
            for label in labels:
                curves, alone = runs[label], len(labels) == 1 or colour is None
                look = {"linewidth": 1.2, "alpha": 0.8} if alone else {"linewidth": 0.7, "alpha": 0.45}
                axes.plot(curves[X], curves[name], color=colour, label=label if alone else None, **look)
            if len(labels) > 1:
                _spread(
                    axes, [runs[label] for label in labels], name, group if colour else "", colour or "black"
                )
        metric = find(name)
        unit = f" [{metric.unit}]" if metric and metric.unit not in ("1", "") else ""
        axes.set(title=f"{name}{unit}", xlabel="robot minutes")
        axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(out, dpi=110)


def spread(curves: Sequence[Curves], name: str) -> NDArray[np.float64]:
    """``[4, POINTS]``: robot minutes that all runs have reached, and least, median and greatest value there."""
    begin, end = max(c[X][0] for c in curves), min(c[X][-1] for c in curves)
    if begin >= end:  # no minute that all of them have seen
        return np.empty((4, 0))
    x = np.linspace(begin, end, POINTS)
    values = np.array([np.interp(x, c[X], c[name]) for c in curves])
    return np.array([x, values.min(0), np.median(values, 0), values.max(0)])


def _spread(axes: Any, curves: Sequence[Curves], name: str, group: str, colour: str) -> None:
    x, low, middle, high = spread(curves, name)
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    label = fill(", ".join(filter(None, (group, f"median of {len(curves)}"))), LABEL)
    axes.plot(x, middle, color=colour, linewidth=2, label=label)

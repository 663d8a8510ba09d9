"""Plots as inline SVG: a few lines with axes, thinned so that a page stays small."""

from __future__ import annotations

from html import escape

import numpy as np

from calibration.result import Line, Plot
from robots.robot import Array

WIDTH, HEIGHT = 500, 280
LEFT, RIGHT, TOP, BOTTOM = 62, 10, 46, 40
POINTS = 500  # of a line, at most
COLOURS = ("#2563eb", "#d9480f", "#0a7d43", "#8b3dbf", "#b58900", "#0f766e")


def draw(plot: Plot) -> str:
    """``plot`` as an ``<svg>`` element."""
    lines = [_clean(line, plot.log) for line in plot.lines]
    everything = [line for line in lines if line.x.size]
    if not everything:
        return ""
    x_low, x_high = _span(np.concatenate([line.x for line in everything]))
    y_low, y_high = _span(np.concatenate([line.y for line in everything]))

    def place(x: Array, y: Array) -> tuple[Array, Array]:
        across = LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)
        return across, down

    parts = [f"<text x='{LEFT}' y='14' font-weight='600'>{escape(plot.title[:90])}</text>"]
    for tick in _ticks(x_low, x_high):
        at = float(place(np.array(tick), np.array(y_low))[0])
        parts.append(
            f"<line x1='{at:.1f}' x2='{at:.1f}' y1='{TOP}' y2='{HEIGHT - BOTTOM}' stroke='#e8ebf0'/>"
        )
        parts.append(
            f"<text x='{at:.1f}' y='{HEIGHT - BOTTOM + 14}' text-anchor='middle'>{_label(tick, plot.log)}</text>"
        )
    for tick in _ticks(y_low, y_high):
        at = float(place(np.array(x_low), np.array(tick))[1])
        parts.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{at:.1f}' y2='{at:.1f}' stroke='#e8ebf0'/>")
        parts.append(
            f"<text x='{LEFT - 5}' y='{at + 4:.1f}' text-anchor='end'>{_label(tick, plot.log)}</text>"
        )
    for number, line in enumerate(lines):
        parts.append(_line(line, COLOURS[number % len(COLOURS)], *place(line.x, line.y)))
        parts.append(
            f"<text x='{LEFT + 140 * (number % 3)}' y='{28 + 12 * (number // 3)}' "
            f"fill='{COLOURS[number % len(COLOURS)]}'>{'● ' if line.dots else '— '}{escape(line.name)}</text>"
        )
    parts.append(
        f"<text x='{WIDTH - RIGHT}' y='{HEIGHT - 6}' text-anchor='end'>{escape(plot.x_label)}</text>"
    )
    parts.append(f"<text x='4' y='{HEIGHT - 6}'>↑ {escape(plot.y_label)}</text>")
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' font-size='11' "
        f"font-family='system-ui,sans-serif' role='img'>{''.join(parts)}</svg>"
    )


def _line(line: Line, colour: str, across: Array, down: Array) -> str:
    pairs = list(zip(across.tolist(), down.tolist(), strict=True))
    if line.dots:
        return "".join(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.2' fill='{colour}'/>" for x, y in pairs)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)
    return f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.4'/>"


def _clean(line: Line, log: bool) -> Line:
    """Finite numbers, not too many, and their logarithms where they are wanted."""
    x, y = np.asarray(line.x, float), np.asarray(line.y, float)
    good = np.isfinite(x) & np.isfinite(y)
    if log:
        good &= (x > 0) & (y > 0)
    x, y = x[good], y[good]
    step = max(1, -(-len(x) // POINTS))
    x, y = x[::step], y[::step]
    return Line(line.name, np.log10(x), np.log10(y), line.dots) if log else Line(line.name, x, y, line.dots)


def _span(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = max(0.05 * (high - low), 1e-3 * abs(high), 1e-9)
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between, about five."""
    rough = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda times: abs(times * power - rough))
    first = np.ceil(low / step)
    return [float(k * step) for k in np.arange(first, np.floor(high / step) + 1)]


def _label(value: float, log: bool) -> str:
    return f"{10**value:.1e}" if log else f"{value + 0.0:.4g}"

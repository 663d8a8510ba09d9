"""Curves in bounded memory, and sparklines."""

import math

from daydreamer.monitor.curve import Curve, sparkline


def test_a_bin_holds_the_mean_of_its_points():
    curve = Curve(capacity=4, width=1.0)
    for x, y in [(0.1, 1.0), (0.9, 3.0), (1.5, 10.0)]:
        curve.add(x, y)
    assert curve.columns(2) == [2.0, 10.0]


def test_when_the_bins_run_out_pairs_become_one():
    curve = Curve(capacity=4, width=1.0)
    for x in range(4):
        curve.add(x, float(x))
    curve.add(4.0, 10.0)  # beyond the fourth bin: bins of 2 from now on
    assert len(curve) == 3
    assert curve.columns(3) == [0.5, 2.5, 10.0]  # (0 + 1) / 2, (2 + 3) / 2, 10


def test_memory_is_bounded_for_a_day():
    curve = Curve(capacity=64)
    for minute in range(24 * 60 * 4):
        curve.add(minute / 4, 1.0)
    assert len(curve) <= 64
    assert curve.columns(40) == [1.0] * 40


def test_a_gap_repeats_what_came_before():
    curve = Curve(capacity=8, width=1.0)
    curve.add(0.0, 5.0)
    curve.add(3.0, 7.0)
    assert curve.columns(4) == [5.0, 5.0, 5.0, 7.0]


def test_fewer_columns_average_neighbours():
    curve = Curve(capacity=8, width=1.0)
    for x, y in enumerate([1.0, 3.0, 5.0, 7.0]):
        curve.add(x, y)
    assert curve.columns(2) == [2.0, 6.0]


def test_what_is_not_finite_is_left_out():
    curve = Curve()
    for x, y in [(math.nan, 1.0), (math.inf, 1.0), (-1.0, 1.0), (0.0, math.nan)]:
        curve.add(x, y)
    assert curve.columns(10) == []


def test_a_sparkline_runs_from_the_lowest_block_to_the_full_one():
    assert sparkline([0.0, 0.5, 1.0, math.nan], 0.0, 1.0) == "▁▅█ "
    assert sparkline([-5.0, 5.0], 0.0, 1.0) == "▁█", "beyond the range is its end"
    assert sparkline([2.0], 2.0, 2.0) == "▁", "an empty range divides nothing by zero"

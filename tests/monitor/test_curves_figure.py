"""Curves are read from metrics files and drawn; what is not there is said."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from daydreamer.monitor.curves_figure import SHOWN, X, draw, read_curves, spread


@pytest.fixture
def metrics(tmp_path):
    path = tmp_path / "metrics.jsonl"
    early = {"step": 0, "time": 0.0, X: 0.0}  # before the first rows there is nothing to average
    later = [{"step": i, "time": float(i), X: i / 10, **{name: i * 1.0 for name in SHOWN}} for i in (1, 2, 3)]
    path.write_text("".join(json.dumps(record) + "\n" for record in (early, *later)))
    return path


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws as ``draw`` does, and gives the panels in place of a picture."""
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))

    def panels(runs, **how):
        draw(runs, tmp_path / "figure.png", **how)
        (figure,) = figures
        return figure.axes

    return panels


def run(slope):
    """Of four points, whose metrics rise by ``slope`` times 1, 2, ... a minute."""
    x = np.arange(4.0)
    return {X: x, **{name: slope * number * x for number, name in enumerate(SHOWN, 1)}}


def lines(axes):
    return [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.get_lines()]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_records_without_the_metric_are_left_out(metrics):
    curves = read_curves(metrics, ["robot/up"])
    assert curves[X].tolist() == [0.1, 0.2, 0.3]
    assert curves["robot/up"].tolist() == [1.0, 2.0, 3.0]


def test_a_file_without_the_metric_is_an_error_that_names_it(metrics):
    with pytest.raises(ValueError, match="eval/upright"):
        read_curves(metrics, ["eval/upright"])


def test_three_runs_make_a_picture(metrics, tmp_path):
    draw(dict.fromkeys(("a", "b", "c"), read_curves(metrics)), tmp_path / "figure.png")
    width, height = Image.open(tmp_path / "figure.png").size
    assert width > 2 * height


def test_seeds_spread_from_the_least_to_the_greatest_where_all_have_been():
    seeds = [{X: np.array([0.0, 2.0]), "up": np.array([0.0, v])} for v in (1.0, 2.0, 6.0)]
    seeds[0] = {X: np.array([0.0, 1.0]), "up": np.array([0.0, 1.0])}  # it was stopped after a minute
    # after one minute: 1, 2 / 2 = 1 and 6 / 2 = 3
    x, low, middle, high = spread(seeds, "up")[:, -1]
    assert (x, low, middle, high) == (1.0, 1.0, 1.0, 3.0)


def test_two_kinds_of_runs_have_two_colours(metrics, tmp_path):
    curves = read_curves(metrics)
    groups = {"a": "one", "b": "one", "c": "other"}
    draw(dict.fromkeys(groups, curves), tmp_path / "figure.svg", groups=groups)
    text = (tmp_path / "figure.svg").read_text()
    assert "#1f77b4" in text and "#ff7f0e" in text and "#2ca02c" not in text


def test_each_panel_is_one_metric_over_robot_minutes_and_each_run_a_line_of_its_own(drawn):
    panels = drawn({"a": run(10.0), "b": run(-1.0)}, groups={"a": "one", "b": "other"})
    assert [axes.get_title().split()[0] for axes in panels] == list(SHOWN)
    for number, axes in enumerate(panels, 1):
        assert axes.get_xlabel() == "robot minutes"
        minutes = [0.0, 1.0, 2.0, 3.0]
        assert lines(axes) == [(minutes, [slope * number * x for x in minutes]) for slope in (10.0, -1.0)]


def test_of_seeds_the_median_is_drawn_over_them(drawn):
    for number, axes in enumerate(drawn({"a": run(1.0), "b": run(2.0), "c": run(9.0)}), 1):
        *seeds, (_, median) = lines(axes)
        assert [y[-1] for _, y in seeds] == [number * 3.0 * slope for slope in (1.0, 2.0, 9.0)]
        assert (median[0], median[-1]) == (0.0, pytest.approx(number * 3.0 * 2.0))


def test_the_legend_says_which_run_is_which_and_of_seeds_what_is_in_the_middle(drawn):
    groups = {"a": "other", "b": "one", "c": "one"}
    panels = drawn(dict.fromkeys(groups, run(1.0)), groups=groups)
    assert legend(panels[-1]) == ["a", "one, median of 2"], "seeds of one kind are not told apart"


def test_runs_that_are_all_of_a_kind_are_told_apart_besides(drawn):
    panels = drawn({"a": run(1.0), "b": run(2.0)})
    assert legend(panels[-1]) == ["a", "b", "median of 2"]

"""Curves are read from metrics files and drawn; what is not there is said."""

import json

import numpy as np
import pytest
from PIL import Image

from daydreamer.monitor.curves_figure import SHOWN, X, draw, read_curves, spread


@pytest.fixture
def metrics(tmp_path):
    path = tmp_path / "metrics.jsonl"
    early = {"step": 0, "time": 0.0, X: 0.0}  # before the first rows there is nothing to average
    later = [{"step": i, "time": float(i), X: i / 10, **{name: i * 1.0 for name in SHOWN}} for i in (1, 2, 3)]
    path.write_text("".join(json.dumps(record) + "\n" for record in (early, *later)))
    return path


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

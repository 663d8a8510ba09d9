"""Curves are read from metrics files and drawn; what is not there is said."""

import json

import pytest
from PIL import Image

from daydreamer.monitor.curves_figure import SHOWN, X, draw, read_curves


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
    with pytest.raises(ValueError, match="eval/walks"):
        read_curves(metrics, ["eval/walks"])


def test_three_runs_make_a_picture(metrics, tmp_path):
    draw(dict.fromkeys(("a", "b", "c"), read_curves(metrics)), tmp_path / "figure.png")
    width, height = Image.open(tmp_path / "figure.png").size
    assert width > 2 * height

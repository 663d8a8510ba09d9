"""Numbers as people read them."""

import math

import pytest

from daydreamer.monitor.formats import Words, duration, one_line, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (42.4, "42 s"), (99.4, "99 s"), (100, "2 min"), (3600, "60 min"), (3 * 3600 + 300, "3 h 05 min"),
     (50 * 3600, "2 d 2 h"), (math.nan, "?"), (math.inf, "?")],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1200, "1.2 kB"), (999_900, "1.0 MB"), (3.4e9, "3.4 GB"), (5e12, "5.0 TB")],
)
def test_sizes(count, text):
    assert size(count) == text


def test_metrics_as_words():
    words = Words(
        {
            "robot/standing": 0.834, "robot/forward_speed": -0.001, "learner/steps": 12345.0, "policy/age_s": 3.2,
            "learner/steps_per_second": 5.1, "link/spool_bytes": 1200, "train/kl": math.nan,
        }
    )  # fmt: skip
    assert words["robot/standing"] == "83 %"
    assert words["robot/forward_speed"] == "0.00 m/s", "no minus before a zero"
    assert words["learner/steps"] == "12,345"
    assert words["learner/steps_per_second"] == "5.10/s"
    assert words["policy/age_s"] == "3 s"
    assert words["link/spool_bytes"] == "1.2 kB"
    assert words["train/kl"] == words["robot/up"] == "?"
    with pytest.raises(KeyError):
        words["robot/unheard_of"]


def test_one_line_cannot_disturb_a_terminal():
    assert one_line("two\nlines\r\n\x1b[31mred\x07\ttab") == "two lines [31mred tab"

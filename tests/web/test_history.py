import pytest

from daydreamer.monitor.record import Record
from daydreamer.web.history import History


def record(k: int, **metrics: float) -> Record:
    return Record(
        k, float(k), {"robot/minutes": k / 10, **{name.replace("__", "/"): v for name, v in metrics.items()}}
    )


def test_few_records_are_kept_as_they_are():
    history = History(points=4)
    for k in range(3):
        history.add(record(k, robot__up=k / 2))
    assert history.since(0, ["robot/up"]) == {
        "time": [0.0, 1.0, 2.0], "robot/minutes": [0.0, 0.1, 0.2], "robot/up": [0.0, 0.5, 1.0],
    }  # fmt: skip


def test_when_the_bins_run_out_pairs_become_one():
    history = History(points=4)
    for k in range(5):
        history.add(record(k, robot__up=float(k)))
    # 0 1 | 2 3 | 4
    assert history.generation == 1
    assert history.since(0, ["robot/up"])["robot/up"] == [0.5, 2.5, 4.0]
    assert history.since(0, ["robot/up"], peaks=["robot/up"])["robot/up"] == [1.0, 3.0, 4.0]


def test_only_what_is_asked_for_is_given_from_where_it_is_asked():
    history = History(points=8)
    for k in range(4):
        history.add(record(k, robot__up=1.0, robot__reward=float(k)))
    assert history.since(2, ["robot/reward", "train/kl"])["robot/reward"] == [2.0, 3.0]
    assert "train/kl" not in history.since(0, ["train/kl"])


def test_a_gap_and_what_is_not_finite_are_none():
    history = History(points=8)
    history.add(record(0, robot__up=1.0))
    history.add(record(1))
    history.add(record(2, robot__up=float("nan")))
    assert history.since(0, ["robot/up"])["robot/up"] == [1.0, None, None]


def test_lines_before_the_robots_first_minute_are_left_out():
    history = History(points=8)
    history.add(Record(0, 0.0, {"learner/waiting": 1.0}))
    assert history.bins == 0


def test_a_line_without_minutes_stands_at_the_last_ones():
    history = History(points=8)
    history.add(record(5))
    history.add(Record(6, 6.0, {"train/kl": 1.0}))
    assert history.since(0, [])["robot/minutes"] == [0.5, 0.5]


@pytest.mark.parametrize("count", [70, 200])
def test_any_number_of_names_fits(count):
    history = History(points=4)
    history.add(record(0, **{f"name{k}": float(k) for k in range(count)}))
    assert history.since(0, [f"name{count - 1}"])[f"name{count - 1}"] == [count - 1]


def test_memory_does_not_grow():
    history = History(points=10)
    for k in range(1000):
        history.add(record(k, robot__up=1.0))
    assert history.bins <= 10
    assert history.since(0, ["robot/up"])["robot/minutes"][-1] == pytest.approx(
        99.9, abs=6.4
    )  # half of a last bin

"""When a run reached what, from made-up metrics."""

import json

import pytest

from daydreamer.runtime.kept_policies import at_marks, kept_policies
from daydreamer.runtime.learning_results import RunResult, median, table
from daydreamer.runtime.milestones import in_evaluation, read_points, thinned, while_learning
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.scoring import Evaluation


def record(minutes, wall, up=0.0, standing=0.0, speed=0.0, window=1000, **others):
    metrics = {
        "robot/minutes": minutes, "learner/wall_minutes": wall, "robot/up": up, "robot/standing": standing,
        "robot/truth_forward_speed": speed, "robot/window": window, "learner/steps": 100 * minutes, **others,
    }  # fmt: skip
    return {"step": int(1200 * minutes), "time": 0.0, **metrics}


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in records))
    return path


def test_each_milestone_is_the_first_point_that_meets_its_bounds(tmp_path):
    file = write(
        tmp_path / "metrics.jsonl",
        [
            record(1, 1, up=0.95, standing=0.9, speed=0.9, window=400),  # not yet 1,000 steps
            record(2, 2, up=0.81),
            record(3, 4, up=0.9, standing=0.51, speed=0.3),  # 0.3 is not above 0.3
            record(4, 5, up=0.9, standing=0.4, speed=0.5),  # fast, and not standing
            record(5, 7, up=0.9, standing=0.6, speed=0.31),
        ],
    )
    found = while_learning(read_points(file))
    assert {name: point.minutes for name, point in found.items()} == {"upright": 2, "stands": 3, "walks": 5}
    assert found["walks"].wall_minutes == 7


def test_wall_minutes_go_on_over_the_lives_of_the_learner(tmp_path):
    lives = [record(1, 3.0), record(2, 5.0), record(3, 1.0), record(4, 2.5)]
    assert [p.wall_minutes for p in read_points(write(tmp_path / "m.jsonl", lives))] == [3.0, 5.0, 6.0, 7.5]


def test_what_was_never_reached_is_none(tmp_path):
    assert while_learning(read_points(tmp_path / "none.jsonl")) == dict.fromkeys(
        ["upright", "stands", "walks"]
    )


def test_a_thinned_curve_keeps_its_end(tmp_path):
    points = read_points(write(tmp_path / "m.jsonl", [record(n / 10, n) for n in range(12)]))
    assert [round(p.minutes, 1) for p in thinned(points, 0.5)] == [0.0, 0.5, 1.0, 1.1]


def evaluation(gets_up=False, stands=False, walks=False):
    return Evaluation((), gets_up, stands, walks, 0.0, 0.0, 0.0, 0.0, 0.0, None, None)


def test_in_evaluation_it_is_the_first_mark():
    found = in_evaluation({10.0: evaluation(True, True), 5.0: evaluation(True), 15.0: evaluation()})
    assert found == {"upright": 5.0, "stands": 10.0, "walks": None}


def test_kept_policies_have_their_robot_minutes(tmp_path):
    run = RunDir(tmp_path)
    write(run.metrics, [record(m, m, **{"policy/published": 10 * m}) for m in (1, 2, 3)])
    run.save_policy(12, b"a")
    run.save_policy(30, b"b")
    run.save_policy(99, b"no record has reached it")
    run.keep_policy(2.5, b"c")
    assert {minutes: path.name for minutes, path in kept_policies(run).items()} == {
        2.0: "v000012.onnx", 2.5: "minute-0002.50.onnx", 3.0: "v000030.onnx",
    }  # fmt: skip


def test_marks_take_the_nearest_policy_that_is_near_enough():
    assert at_marks([0.4, 5.1, 6.0, 9.8, 30.0], every=5.0, end=15.0) == {5.0: 5.1, 10.0: 9.8}
    assert at_marks([], every=5.0, end=15.0) == {}


@pytest.mark.parametrize(
    ("values", "middle"), [([1, 2, 9], 2), ([1, None, 3], 3), ([1, None, None], None), ([2], 2)]
)
def test_what_was_not_reached_is_later_than_everything(values, middle):
    assert median(values) == middle


def result(name, walks):
    reached = {"upright": 5.0, "stands": 10.0, "walks": walks}
    return RunResult(name, 30.0, 60.0, 9000, reached, reached, reached, 30.0, 0.41, 0.2, 2.0, None, 21.0)


def test_the_table_has_a_row_for_each_run_and_their_median():
    lines = table([result("seed-0", 15.0), result("seed-1", None), result("seed-2", 25.0)]).splitlines()
    assert len(lines) == 6 and len({line.count("|") for line in lines}) == 1
    cells = [cell.strip() for cell in lines[-1].strip("|").split("|")]
    assert cells[:4] == ["median", "5", "10", "25"] and "0.41" in cells
    assert [cell.strip() for cell in lines[3].strip("|").split("|")][3] == "-"

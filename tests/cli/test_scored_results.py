"""What is published of policies: the best one and its card, and tables whose cells are under their own labels.

No robot is simulated: trials are replaced by scripted results.
"""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest

from daydreamer.cli import bench_adaptation, bench_robustness, evaluate
from daydreamer.cli.bench_adaptation import Adaptation
from daydreamer.cli.main import main
from daydreamer.presets.trial import Trial
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.scoring import score_rollout, summarise


def scored(speed: float, rollouts: int = 5):
    """An evaluation of rollouts that stand, and walk from 0.2 m/s on."""
    ones = np.ones(1200)
    return summarise([score_rollout(ones, ones, ones, speed * ones, ones, 20.0)] * rollouts)


@pytest.fixture
def tried(monkeypatch):
    """Every command scores by ``speed_of`` a trial from now on, and trials are noted: (trials, script)."""
    trials, script = [], {"speed_of": lambda trial: 0.0}

    def run_all(asked, jobs=1, memories=None):
        assert memories is None or len(memories) == len(asked)
        asked = [trial.hold() for trial in asked]
        trials.extend(asked)
        for trial in asked:
            yield trial, scored(script["speed_of"](trial), trial.rollouts)

    for module in (evaluate, bench_robustness, bench_adaptation):
        monkeypatch.setattr(module, "run_all", run_all)
    return trials, script


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert not stop.value.code


def test_the_best_policy_is_shipped_with_a_card_of_rollouts_that_did_not_choose_it(tmp_path, tried, capsys):
    trials, script = tried
    made = RunDir(tmp_path / "run")
    made.claim({"name": "fake-tiny", "changes": ["hz=10"], "seed": 4})
    for minutes, data in ((5, b"lies"), (10, b"best"), (15, b"slow")):
        made.keep_policy(minutes, data)
    speeds = {b"lies": 0.0, b"best": 0.9, b"slow": 0.3}
    # the best of many has been lucky: on other seeds it is slower
    script["speed_of"] = lambda trial: 0.7 if trial.seed != 2 else speeds[trial.read()]

    run("eval", made.path, "--all", "--best", "--rollouts", 3, "--seconds", 60, "--seed", 2, "--json")

    assert [trial.read() for trial in trials] == [b"lies", b"best", b"slow", b"best"]
    assert [trial.seed for trial in trials] == [2, 2, 2, 5], "2, 3 and 4 chose it: fresh ones begin at 5"
    assert all(trial.changes == ("hz=10",) and trial.rollouts == 3 for trial in trials)
    assert made.best.read_bytes() == b"best"
    card = json.loads(made.best.with_suffix(".json").read_bytes())
    assert card["sha256"] == hashlib.sha256(b"best").hexdigest()
    assert (card["robot_minutes"], card["seed"], card["preset"], card["changes"]) == (
        10.0,
        4,
        "fake-tiny",
        ["hz=10"],
    )
    assert card["evaluation"]["walking_speed"] == pytest.approx(0.7), (
        "of the fresh seeds, not the 0.9 that chose it"
    )
    assert card["commands"][-1].endswith("--rollouts 3 --seconds 60 --seed 5")
    told = json.loads(capsys.readouterr().out)
    assert told["best"] == "minute-0010.00.onnx"
    assert [row["walking_speed"] for row in told["policies"]] == pytest.approx([0.0, 0.9, 0.3])


def test_a_policy_by_itself_is_tried_on_the_robot_of_its_run(tmp_path, monkeypatch, capsys):
    tried = []
    monkeypatch.setattr(Trial, "open", lambda trial: SimpleNamespace(version=7))
    monkeypatch.setattr(Trial, "run", lambda trial, *_: tried.append(trial) or scored(0.4))
    made = RunDir(tmp_path / "run")
    made.claim({"name": "fake-tiny", "changes": ["hz=10"], "seed": 4})
    made.keep_policy(5, b"policy")
    (file,) = made.policies.iterdir()
    run("eval", file, "--set", "hz=40")
    assert (tried[0].read(), tried[0].preset, tried[0].changes) == (
        b"policy",
        "fake-tiny",
        ("hz=10", "hz=40"),
    )
    assert "walks: yes" in capsys.readouterr().out


def test_each_cell_of_robustness_is_under_its_own_label(tmp_path, tried):
    _, script = tried
    (tmp_path / "a.onnx").write_bytes(b"a")
    (tmp_path / "b.onnx").write_bytes(b"b")
    # speed = what the robot was changed to, and 10 more for policy b: every cell has a number of its own
    amounts = {(): 0.0, ("robot_options.friction=0.3",): 0.3, ("robot_options.friction=0.5",): 0.5}
    amounts |= {("robot_options.friction=0.8",): 0.8, ("robot_options.friction=1.2",): 1.2}
    amounts |= {("robot_options.dt=0.001",): 0.001}
    script["speed_of"] = lambda trial: amounts[trial.changes] + (10.0 if trial.read() == b"b" else 0.0)

    policies = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    run("bench", "robustness", *policies, "--only", "friction", "dt", "--out", tmp_path / "out", "--json")

    data = json.loads((tmp_path / "out" / "robustness.json").read_bytes())
    assert data["policies"] == [str(path) for path in policies]
    found = {label: [cell["walking_speed"] for cell in cells] for label, cells in data["cells"].items()}
    assert found == {
        "as trained": pytest.approx([0.0, 10.0]),
        "friction 0.3": pytest.approx([0.3, 10.3]),
        "friction 0.5": pytest.approx([0.5, 10.5]),
        "friction 0.8": pytest.approx([0.8, 10.8]),
        "friction 1.2": pytest.approx([1.2, 11.2]),
        "dt 0.001 s": pytest.approx([0.001, 10.001]),
    }
    assert data["cells"]["as trained"][0]["walks"] == 0.0 and data["cells"]["friction 0.3"][0]["walks"] == 1.0
    table = (tmp_path / "out" / "robustness.md").read_text().splitlines()
    assert table[0] == f"| robot | {policies[0]} | {policies[1]} |"
    row = "| friction 0.5 | walks 100%, +0.50 m/s, 0.0 falls | walks 100%, +10.50 m/s, 0.0 falls |"
    assert row in table


def test_each_cell_of_adaptation_is_in_its_own_row_and_column(tmp_path, tried):
    _, script = tried
    for name in ("old", "new", "other"):
        (tmp_path / name).write_bytes(name.encode())
    command = Adaptation(tmp_path / "run", tmp_path, json=True)
    speeds = {(b"old", ()): 0.1, (b"old", ("hz=10",)): 0.2, (b"new", ("hz=10",)): 0.3}
    speeds |= {(b"old", ("hz=5",)): 0.4, (b"other", ("hz=5",)): 0.5}
    script["speed_of"] = lambda trial: speeds[trial.read(), trial.changes]

    def cells(new, changes):
        old = tmp_path / "old"
        return {"own": (old, ()), "before": (old, changes), "after": (tmp_path / new, changes)}

    command._score(
        "fake-tiny", [("slow-0", cells("new", ("hz=10",))), ("slower-0", cells("other", ("hz=5",)))]
    )

    found = json.loads((tmp_path / "adaptation.json").read_bytes())["robots"]
    assert {
        name: {key: cell["walking_speed"] for key, cell in row.items()} for name, row in found.items()
    } == {
        "slow-0": pytest.approx({"own": 0.1, "before": 0.2, "after": 0.3}),
        "slower-0": pytest.approx({"own": 0.1, "before": 0.4, "after": 0.5}),
    }
    table = (tmp_path / "adaptation.md").read_text().splitlines()
    assert table[0] == "| robot | own | before | after |"
    assert table[2].startswith("| slow-0 | walks 0%, +0.10 m/s") and "walks 100%, +0.50 m/s" in table[3]

"""Benchmarks never drive a real robot: nobody stands beside them, and they act at random."""

import pytest

from daydreamer.cli import bench_learning, measures
from daydreamer.cli.main import main
from daydreamer.core.errors import DaydreamerError
from daydreamer.presets.registry import load
from daydreamer.runtime.run_dir import RunDir
from robots.a1.driver import A1
from robots.a1.sdk import SdkA1


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    for driver in (A1, SdkA1):
        monkeypatch.setattr(driver, "connect", lambda self: pytest.fail("the robot is connected"))


@pytest.mark.parametrize("robot", ["a1", "a1-sdk"])
@pytest.mark.parametrize(
    "words",
    [
        ["bench", "robot", "--preset", "a1", "--seconds", "0.1"],
        ["bench", "console", "--preset", "a1", "--seconds", "0.1"],
        ["bench", "all", "--preset", "a1", "--seconds", "0.1"],
        ["bench", "learning", "--preset", "a1", "--seeds", "0", "--robot-minutes", "1", "--out", "OUT"],
        ["bench", "delay", "--preset", "a1", "--seeds", "0", "--robot-minutes", "1", "--out", "OUT"],
        ["bench", "adaptation", "RUN", "--robot-minutes", "1", "--out", "OUT"],
    ],
    ids=lambda words: words[1],
)
def test_a_benchmark_refuses_a_real_robot(words, robot, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench_learning, "work_off", lambda *_: pytest.fail("a robot learns"))
    monkeypatch.setitem(measures.PARTS, "step", lambda *_: pytest.fail("it is not told at once"))
    RunDir(tmp_path / "run").claim({"name": "a1", "changes": []})
    places = {"RUN": str(tmp_path / "run"), "OUT": str(tmp_path / "out")}
    with pytest.raises(SystemExit) as ended:
        main([*(places.get(word, word) for word in words), "--set", f"robot={robot}"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"{robot} is a real robot" in said and "--set robot=a1-sim" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("part", sorted(measures.MOVING))
def test_no_part_that_moves_a_robot_is_measured_with_a_real_one(part):
    with pytest.raises(DaydreamerError, match="a1 is a real robot"):
        measures.PARTS[part](load("a1"), 0.1)

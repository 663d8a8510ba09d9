"""What can never work is refused at once, in one line and with exit code 2, so that no supervisor tries it again."""

import sys

import numpy as np
import pytest

from daydreamer.cli.main import main
from daydreamer.cli.policy_source import shipped_policy
from daydreamer.core.transition import FLAGS, row_spec
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.replay import Replay
from daydreamer.replay.archive import Archive
from daydreamer.replay.formats import npz
from daydreamer.runtime.run_dir import RunDir
from robots.sim.stand_in import StandIn


@pytest.fixture
def refused(capsys, tmp_path):
    """What is said of a command that is refused; in it OUT is a directory to come."""

    def command(*words):
        with pytest.raises(SystemExit) as stop:
            main([str(word).replace("OUT", str(tmp_path / "out")) for word in words])
        said = capsys.readouterr().err
        assert stop.value.code == 2 and said.count("error: ") == 1 and "Traceback" not in said
        return said[said.index("error: ") :]

    return command


@pytest.fixture
def rows(tmp_path):
    """One row, exported."""
    with Replay(tmp_path / "run" / "replay", FLAGS, 100, seed=0) as replay:
        replay.append({name: np.zeros((1, *spec.shape), spec.dtype) for name, spec in FLAGS.items()}, "a", 0)
    npz.write(Archive(tmp_path / "run"), tmp_path / "rows.npz")
    return tmp_path / "rows.npz"


@pytest.mark.parametrize("command", ["train", "learner", "actor"])
@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--seed", "-1", "--seed is 0 or a positive number below 2^63, got -1"),
        ("--seed", str(1 << 63), "--seed is 0 or a positive number below 2^63, got 9223372036854775808"),
        ("--set", "learner.capacity=0", "'learner.capacity=0': batch, length, capacity"),
    ],
)
def test_a_run_does_not_begin_with_a_number_that_no_part_of_it_takes(refused, command, option, value, says):
    assert says in refused(command, "--preset", "fake-tiny", "--logdir", "OUT", option, value)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--logdir", "OUT", "--robot-minutes", "-1"],
        ["train", "--logdir", "OUT", "--monitor-port", "99999"],
        ["learner", "--logdir", "OUT", "--robot-minutes", "-1"],
        ["actor", "--logdir", "OUT", "--spool-mb", "0"],
        ["eval", "OUT", "--seed", "-1"],
        ["eval", "OUT", "--seconds", "inf"],
        ["eval", "OUT", "--rollouts", "0"],
        ["play", "--seed", "-1"],
        ["play", "--seconds", "nan"],
        ["film", "OUT", "--seed", "-1"],
        ["film", "OUT", "--seconds", "-1"],
        ["record", "OUT", "--keep-gb", "inf"],
        ["replay", "import", "rows.npz", "OUT", "--capacity", "-1"],
        ["monitor", "OUT", "--port", "99999"],
        ["monitor", "OUT", "--port", "-5"],
        ["emulate", "a1", "--port", "65536"],
        ["bench", "policy", "--seconds", "inf"],
        ["bench", "faults", "--seed", "-1"],
        ["bench", "learning", "--out", "OUT", "--seconds", "inf"],
    ],
)
def test_a_number_out_of_range_is_named(refused, tmp_path, words):
    assert f"{words[-2]} is " in refused(*words) and not (tmp_path / "out").exists()


def test_a_run_that_goes_on_under_another_preset_is_named_by_its_own(refused, tmp_path):
    preset = load("a1-sim")
    env = build.make_env(preset)
    RunDir(tmp_path / "out").claim(build.describe(preset, env.obs_spec, env.act_spec))
    with Replay(tmp_path / "out" / "replay", row_spec(env.obs_spec, env.act_spec), 100, seed=0):
        pass
    said = refused("learner", "--preset", "fake-tiny", "--logdir", "OUT", "--bind", "127.0.0.1:0")
    assert "it was begun with --preset a1-sim, this is fake-tiny\n" in said and " more\n" in said


@pytest.mark.parametrize("place", ["FILE", "FILE/below", "/proc/nothing"])
@pytest.mark.parametrize(
    "words",
    [
        ["train", "--preset", "fake-tiny", "--logdir", "PLACE"],
        ["train", "--preset", "fake-tiny", "--no-monitor", "--logdir", "PLACE"],
        ["learner", "--preset", "fake-tiny", "--logdir", "PLACE"],
        ["actor", "--preset", "fake-tiny", "--logdir", "PLACE"],
        ["keys", "new", "PLACE"],
        ["bench", "learning", "--preset", "fake-tiny", "--out", "PLACE"],
        ["bench", "robustness", "SHIPPED", "--out", "PLACE"],
        ["replay", "import", "ROWS", "PLACE"],
        ["play", "--out", "PLACE/film.gif"],
        ["plot", "METRICS", "--out", "PLACE/curves.png"],
        ["calibrate", "a1-sim", "--out", "PLACE"],
        ["calibrate", "a1-sim", "--record", "PLACE/blue.motion"],
    ],
)
def test_a_place_that_takes_no_files_is_told_before_anything_is_done(
    refused, tmp_path, rows, monkeypatch, words, place
):
    monkeypatch.setattr(StandIn, "connect", lambda self: pytest.fail("the robot is connected"))
    (tmp_path / "file").touch()
    place = place.replace("FILE", str(tmp_path / "file"))
    RunDir(tmp_path / "run").metrics.touch()
    stands_for = {
        "PLACE": place,
        "METRICS": str(rows.parent / "run"),
        "ROWS": str(rows),
        "SHIPPED": str(shipped_policy()),
    }
    for short, path in stands_for.items():
        words = [word.replace(short, path) for word in words]
    assert f"cannot write to {place}" in refused(*words)


def test_a_motion_is_not_recorded_in_place_of_a_directory(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(StandIn, "connect", lambda self: pytest.fail("the robot is connected"))
    said = refused("calibrate", "a1-sim", "--record", tmp_path)
    assert f"cannot write to {tmp_path}: it is a directory. Name a file in it" in said


@pytest.mark.parametrize(
    ("missing", "importer"),
    [
        ("torch", "daydreamer.agents.interface"),
        (
            "tensorboard.compat.proto.event_pb2",
            "daydreamer.monitor.writers",
        ),  # which others may have imported
    ],
)
def test_a_learner_without_its_libraries_says_what_to_install(refused, monkeypatch, missing, importer):
    pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, missing, None)  # importing it fails, as if it were not there
    monkeypatch.delitem(sys.modules, importer, raising=False)
    said = refused("learner", "--preset", "fake-tiny", "--logdir", "OUT", "--bind", "127.0.0.1:0")
    assert f"the learner needs {missing}" in said and "pip install '.[learner]'" in said

"""The commands around results: what they refuse at once, and what they do with a run that is too young."""

import json
from dataclasses import asdict

import pytest

from daydreamer.cli import plot, policy_source
from daydreamer.cli.film import FilmCommand
from daydreamer.cli.main import main
from daydreamer.cli.play import has_screen
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS
from daydreamer.presets.registry import load
from daydreamer.replay import Replay, at_rest
from daydreamer.runtime.checkpoint import Checkpoint, Checkpoints
from daydreamer.runtime.run_dir import RunDir


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return (stop.value.code or 0, *capsys.readouterr())


@pytest.fixture
def young(tmp_path):
    """A run without a policy."""
    made = RunDir(tmp_path / "young")
    made.claim({"name": "fake-tiny", "changes": [], "seed": 0})
    return made.path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["eval", "RUN", "--best"], "--all"),
        (["eval", "RUN", "--all"], "kept no policies"),
        (["eval", "RUN/config.yaml"], "config.yaml: expected an ONNX model"),
        (["eval", "RUN/config.yaml", "--all"], "holds no run"),
        (["eval", "RUN", "--all", "--best", "--set", "hz=10"], "leave --set out"),
        (["eval", "RUN"], "no checkpoint yet"),
        (["eval", "RUN", "--policy", "RUN/config.yaml"], "config.yaml: expected an ONNX model"),
        (["play", "RUN/config.yaml"], "config.yaml: expected an ONNX model"),
        (["film", "RUN", "--out", "film.mp4"], ".gif"),
        (["film", "RUN", "--minutes", "soon"], "numbers with commas"),
        (["film", "RUN", "--minutes", "5"], "it has none: choose with --minutes"),
        (["film", "RUN"], "kept no policies"),
        (["plot", "RUN/nothing"], "nothing holds no run: there is no metrics.jsonl"),
        (
            ["plot", "LEARNT", "--names", "robot/upp"],
            "no metric is called 'robot/upp' (did you mean 'robot/up'?)",
        ),
        (["plot", "LEARNT", "--names", "eval/upright"], "has no records with robot/minutes, eval/upright"),
        (["play", "RUN"], "no checkpoint yet"),
        (["play", "RUN/nothing.onnx"], "no policy and no run"),
        (["bench", "robustness"], "at least one policy"),
        (["bench", "robustness", "RUN", "--only", "wind"], "the grid has friction"),
        (["bench", "adaptation", "RUN", "--out", "OUT"], "no checkpoint to go on from"),
        (["bench", "adaptation", "RUN", "--out", "OUT", "--cases", "rain"], "the cases are pushes"),
        (["bench", "adaptation", "RUN", "--out", "OUT", "--cases"], "the cases are pushes"),
        (["bench", "adaptation", "RUN", "--out", "OUT", "--seeds", "0,x"], "numbers with commas"),
        (["bench", "learning", "--out", "OUT", "--seeds", "all"], "numbers with commas"),
        (["bench", "learning", "--out", "OUT", "--seeds", "0,-1"], "numbers with commas"),
        (["bench", "learning", "--out", "OUT", "--robot-minutes", "nan"], "a positive number, got nan"),
        (["film", "RUN", "--minutes", "nan"], "no policy within"),
        (["film", "RUN", "--columns", "0"], "--columns is a finite number above 0, got 0"),
        (["film", "RUN", "--fps", "0"], "--fps"),
        (["play", "--seconds", "0"], "--seconds is a finite number above 0, got 0"),
        (["bench", "learning", "--out", "OUT", "--preset", "a1-smi"], "Did you mean 'a1-sim'"),
    ],
)
def test_what_cannot_work_is_one_line_that_says_why(capsys, tmp_path, young, arguments, says):
    learnt = RunDir(tmp_path / "learnt")
    learnt.claim({"name": "fake-tiny", "changes": []})
    learnt.metrics.write_text('{"step": 1, "time": 1.0, "robot/minutes": 0.1, "robot/up": 1.0}\n')
    arguments = [word.replace("LEARNT", str(learnt.path)) for word in arguments]
    words = [w.replace("RUN", str(young)).replace("OUT", str(tmp_path / "out")) for w in arguments]
    code, out, err = run(capsys, *words)
    assert code == 2 and err.startswith("error: ") and says in err, (out, err)


def test_a_run_that_still_learns_is_not_copied(capsys, young):
    Checkpoints(RunDir(young).checkpoints).save(1, Checkpoint(b"", b"", {"rows": 100}))
    adaptation = ["bench", "adaptation", young, "--out", young.parent / "out", "--set", "robot=a1-sim"]
    with (
        Replay(RunDir(young).replay, {"reward": ArraySpec(), **FLAGS}, 1000, seed=0),
        at_rest(young / "elsewhere"),
    ):
        code, _, err = run(capsys, *adaptation)
        assert code == 2 and "in use by process" in err
    with at_rest(RunDir(young).replay), at_rest(RunDir(young).replay):  # two who only read
        pass
    assert not (young.parent / "out").exists()


def test_without_a_shipped_policy_play_says_so(capsys, monkeypatch):
    monkeypatch.setattr("daydreamer.cli.play.shipped_policy", lambda: None)
    code, _, err = run(capsys, "play")
    assert code == 2 and "no policy is shipped" in err and "daydreamer play RUN" in err


def test_a_shipped_policy_is_small_and_walks():
    from daydreamer.presets.score_card import read_card

    shipped = policy_source.shipped_policy()
    assert shipped is not None and shipped.stat().st_size < 3e6
    card = read_card(shipped)
    assert card is not None and card.walks


def test_a_screen_is_known_by_its_display(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert not has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_screen()


@pytest.mark.parametrize("place", ["policies/v000001.onnx", "checkpoints/000000000100/policy.onnx"])
def test_a_policy_of_a_run_knows_its_robot(young, place, caplog):
    policy = young / place
    policy.parent.mkdir(parents=True)
    policy.write_bytes(b"x")
    source = policy_source.find_policy(policy)
    assert (source.preset, source.changes) == ("fake-tiny", ()) and not caplog.messages
    with pytest.raises(DaydreamerError, match="holds no run"):
        policy_source.find_policy(policy.parent)


def test_a_run_of_an_earlier_preset_has_the_task_that_it_began_with(caplog):
    then = json.loads(json.dumps(asdict(load("a1-sim", ("task.fall=1.0",)))))
    then["task"] |= {"action_low": [0.01, 0.01, 0.01], "fall": None}
    then["task"]["reward"]["level"] = None
    name, changes = policy_source.preset_of({**then, "changes": ["task.fall=1.0"]})
    preset = load(name, changes)
    assert json.loads(json.dumps(asdict(preset.task))) == then["task"]
    assert changes[0] == "task.fall=1.0" and "task.action_low=[0.01,0.01,0.01]" in caplog.text
    today = {**json.loads(json.dumps(asdict(load("a1-sim")))), "changes": []}
    assert policy_source.preset_of(today) == ("a1-sim", ())


def test_a_run_whose_task_cannot_be_made_any_more_says_so(caplog):
    then = json.loads(json.dumps(asdict(load("a1-sim"))))
    then["task"]["leap"] = 3
    assert policy_source.preset_of({**then, "changes": []}) == ("a1-sim", ())
    assert "no longer what this run began with, task.leap=3: " in caplog.text and "no 'leap'" in caplog.text


def test_of_a_policy_without_a_run_or_a_card_it_is_told_whose_it_is_taken_for(tmp_path, caplog):
    alone = tmp_path / "some" / "where" / "policy.onnx"
    alone.parent.mkdir(parents=True)
    alone.write_bytes(b"x")
    assert policy_source.find_policy(alone).preset == "a1-sim"
    assert "taken for one of the preset a1-sim" in caplog.text


def test_a_film_of_play_is_as_long_as_what_it_shows_at_any_rate_of_control(capsys, tmp_path):
    pytest.importorskip("pybullet")
    image = pytest.importorskip("PIL.Image")
    code, *_ = run(capsys, "play", "--seconds", "2", "--set", "hz=15", "--out", tmp_path / "film.gif")
    # At 15 Hz a picture is due at every second step: 7.5 in a second, for 133 ms each, and a GIF counts in 10 ms.
    with image.open(tmp_path / "film.gif") as film:
        assert code == 0 and film.n_frames == 15 and film.info["duration"] == 130


def test_runs_of_a_preset_that_was_another_one_then_are_no_seeds_of_todays(tmp_path):
    runs = {name: tmp_path / name for name in ("old", "seed-0", "seed-1", "newer", "unknown")}
    for name, ratio in (("old", 256), ("seed-0", 512), ("seed-1", 512), ("newer", 512)):
        more = {"hold": 8} if name == "newer" else {}  # a setting that there was not
        config = {
            "name": "a1-sim",
            "changes": ["hz=20"],
            "seed": 3,
            "learner": {"train_ratio": ratio, **more},
        }
        RunDir(runs[name]).claim(config)
    today, before = "a1-sim hz=20 (2)", "a1-sim hz=20"
    assert plot._groups(runs) == {
        "old": before, "seed-0": today, "seed-1": today, "newer": today, "unknown": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "shown"),
    [((5.02, 10.0, 12.0, 20.9), (0, 5, 10, 20)), ((2.0, 3.0), (0, 3.0)), ((40.0,), (0, 40.0))],
)
def test_a_film_shows_of_the_usual_minutes_those_that_the_run_has(tmp_path, kept, shown):
    run = RunDir(tmp_path)
    for minutes in kept:
        run.keep_policy(minutes, b"")
    assert tuple(FilmCommand(tmp_path)._wanted(run, run.kept_minutes())) == shown


@pytest.mark.parametrize("command", ["play", "film"])
def test_a_real_robot_is_neither_played_nor_filmed(capsys, tmp_path, monkeypatch, command):
    monkeypatch.setattr("robots.a1.driver.A1.connect", lambda self: pytest.fail("it was connected to"))
    real = RunDir(tmp_path / "real")
    real.claim({"name": "a1", "changes": [], "seed": 0})
    policy = policy_source.shipped_policy().read_bytes()
    Checkpoints(real.checkpoints).save(1, Checkpoint(b"", policy, {"rows": 100}))
    real.keep_policy(5.0, policy)
    minutes = ["--minutes", "0,5"] if command == "film" else []
    code, _, err = run(capsys, command, real.path, "--out", tmp_path / "film.gif", *minutes)
    assert code == 2 and "a1 is a real robot" in err


@pytest.mark.parametrize(
    ("command", "mistake"),
    [
        (["bench", "learning", "--seeds", "0", "--out"], "robot_options.frictoin=0.3"),
        (["learner", "--logdir"], "agent.recon.gravty=100"),
        (["learner", "--logdir"], "task.action_low=[0.2,0.08,0.06]"),  # the hips' way in is not their way out
    ],
)
def test_a_mistake_leaves_the_directory_free_for_what_was_meant(capsys, tmp_path, command, mistake):
    pytest.importorskip("torch")
    code, _, err = run(capsys, *command, tmp_path / "new", "--set", mistake)
    assert code == 2 and err.strip().splitlines()[-1].startswith("error: ")
    assert not list(tmp_path.glob("new/settings.json")) and not RunDir(tmp_path / "new").config.exists()


def test_a_bench_does_not_mix_settings_in_one_directory(capsys, tmp_path):
    (tmp_path / "settings.json").write_text(
        json.dumps({"preset": "a1-sim", "agent": "dreamer", "changes": []})
    )
    code, _, err = run(
        capsys, "bench", "learning", "--preset", "fake-tiny", "--out", tmp_path, "--seeds", "0"
    )
    assert code == 2 and 'settings.preset: was "a1-sim", is "fake-tiny"' in err

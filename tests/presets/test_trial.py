"""Policies that are tried, remembered, and given a score card; on the robot without physics."""

import json
import os
import signal
import subprocess
import sys

import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.presets.score_card import card_of, read_card, write_with_card
from daydreamer.presets.trial import Trial, run_all
from daydreamer.runtime.run_dir import RunDir
from tests.awaiting import PATIENCE, is_alive, until

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    preset = load("fake-tiny")
    env = build.make_env(preset)
    made = []
    for seed in range(2):
        made.append(tmp_path_factory.mktemp("policies") / "policy.onnx")
        made[-1].write_bytes(build.make_agent(preset, env.obs_spec, env.act_spec, seed).policy(seed))
    return made


def trial(policy, **options):
    return Trial(policy, "fake-tiny", rollouts=1, seconds=1.0, **options)


def test_a_trial_is_the_same_for_the_same_policy_on_the_same_robot(policies, tmp_path):
    copy = tmp_path / "other-name.onnx"
    copy.write_bytes(policies[0].read_bytes())
    key = trial(policies[0]).key()
    assert trial(copy).key() == key
    others = [trial(policies[1]), trial(policies[0], seed=1), trial(policies[0], changes=("hz=10",))]
    assert len({key, *(other.key() for other in others)}) == 4


def test_a_score_that_means_something_else_is_made_anew(policies, monkeypatch):
    before = trial(policies[0]).key()
    monkeypatch.setattr("daydreamer.presets.trial.MEANING", -1)
    assert trial(policies[0]).key() != before


def test_results_are_remembered_and_come_in_order(policies, tmp_path, monkeypatch):
    trials = [trial(policy) for policy in policies]
    first = list(run_all(trials, memories=[tmp_path] * 2))
    assert [tried for tried, _ in first] == trials
    monkeypatch.setattr(Trial, "run", lambda self: pytest.fail("it was tried before"))
    assert list(run_all(trials, memories=[tmp_path] * 2)) == first


def test_results_that_cannot_be_remembered_are_told_all_the_same(policies, tmp_path, caplog):
    (tmp_path / "file").touch()
    found = list(run_all([trial(policy) for policy in policies], memories=[tmp_path / "file"] * 2))
    assert len(found) == 2 and caplog.text.count("results are not remembered") == 1


def test_what_is_asked_twice_is_tried_once(policies, tmp_path, monkeypatch):
    run, tried = Trial.run, []
    monkeypatch.setattr(Trial, "run", lambda self: tried.append(self) or run(self))
    trials = [trial(policies[which]) for which in (0, 1, 0)]
    found = list(run_all(trials, memories=[tmp_path, None, tmp_path / "other"]))
    assert [one for one, _ in found] == trials and tried == trials[:2]
    assert found[0] == found[2] and trials[2].found(tmp_path / "other") == found[2][1]


def test_a_policy_that_its_run_removes_meanwhile_is_tried_all_the_same(policies, tmp_path):
    files = [tmp_path / "v000001.onnx", tmp_path / "v000002.onnx"]
    for file, policy in zip(files, policies, strict=True):
        file.write_bytes(policy.read_bytes())
    coming = run_all([trial(file) for file in files], memories=[tmp_path / "evaluations"] * 2)
    next(coming)
    files[1].unlink()  # as a learner does with the oldest of its newest
    tried, result = next(coming)
    assert tried.read() == policies[1].read_bytes()
    assert trial(policies[1]).found(tmp_path / "evaluations") == result


def test_a_damaged_memory_is_tried_again(policies, tmp_path):
    tried = trial(policies[0])
    tried.remember(tmp_path, tried.run())
    (tmp_path / f"{tried.key()}.json").write_text("{")
    assert tried.found(tmp_path) is None
    assert next(run_all([tried], memories=[tmp_path]))[1] == tried.found(tmp_path)


def test_two_processes_find_what_one_finds(policies):
    trials = [trial(policy) for policy in policies]
    assert list(run_all(trials, jobs=2)) == list(run_all(trials, jobs=1))


_TRIES = """
import os
from daydreamer.presets.trial import workers
if __name__ == "__main__":
    with workers(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        input()
"""


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_one_who_started_them(tmp_path, number):
    program = tmp_path / "tries.py"
    program.write_text(_TRIES)
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    ) as tries:  # fmt: skip
        worker = int(tries.stdout.readline())
        tries.send_signal(number)
        tries.wait(PATIENCE)
    until(lambda: not is_alive(worker), "the worker has ended")


@pytest.mark.system
def test_a_worker_that_is_killed_is_an_error_that_a_person_can_act_on(policies, monkeypatch):
    monkeypatch.setattr(Trial, "__reduce__", lambda self: (_die, ()))  # what a worker makes of it
    with pytest.raises(DaydreamerError, match="fewer --jobs"):
        list(run_all([trial(policy) for policy in policies], jobs=2))


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_cannot_be_tried_says_why(policies, tmp_path):
    with pytest.raises(DaydreamerError, match=r"gone\.onnx"):
        trial(tmp_path / "gone.onnx").run()


def test_a_card_says_where_a_policy_is_from_and_belongs_to_it_alone(policies, tmp_path):
    run = RunDir(tmp_path / "run")
    run.claim({"name": "fake-tiny", "changes": ["hz=20"], "seed": 3, "robot_minutes": 2.0})
    tried = trial(policies[0])
    write_with_card(policies[0].read_bytes(), run.best, card_of(run, tried, 1.5, tried.run()))
    card = read_card(run.best)
    assert card.robot_minutes == 1.5 and card.seed == 3 and not card.walks
    assert "--preset fake-tiny --set hz=20 --seed 3 --robot-minutes 2" in card.commands[0]
    assert json.loads(run.best.with_suffix(".json").read_text())["evaluation"]["rollouts"]
    run.claim(
        {"name": "fake-tiny", "changes": [], "seed": 0, "robot_minutes": 4.0}
    )  # it went on with another command
    first, then, _ = card_of(run, tried, 1.5, tried.run()).commands
    assert first == "daydreamer train --preset fake-tiny --set hz=20 --seed 3 --logdir RUN"
    assert then == "daydreamer train --preset fake-tiny --seed 3 --robot-minutes 4 --logdir RUN"
    run.best.write_bytes(policies[1].read_bytes())
    with pytest.raises(DaydreamerError, match="another policy"):
        read_card(run.best)
    run.best.with_suffix(".json").write_text("[]")
    with pytest.raises(DaydreamerError, match="damaged"):
        read_card(run.best)
    assert read_card(policies[0]) is None

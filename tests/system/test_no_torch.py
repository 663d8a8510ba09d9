"""The robot's computer has no torch: an actor that cannot import it, against a real learner."""

import sys
import textwrap

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

WITHOUT_TORCH = """
    import sys

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in {"torch", "onnx", "onnxscript", "tensorboard", "rich", "pybullet"}:
                raise ModuleNotFoundError(f"{name} is not installed here", name=name)

    sys.meta_path.insert(0, Absent())
    from daydreamer.cli.main import main
    main()
"""


def test_an_actor_without_torch_runs_what_the_learner_learns(job, own_port):
    address = f"127.0.0.1:{own_port}"
    same = ("--preset", "fake-tiny", "--logdir", str(job.logdir))
    learner = job.start("learner", "--bind", address, "--robot-minutes", "0.6", *same)
    program = [sys.executable, "-c", textwrap.dedent(WITHOUT_TORCH)]
    actor = job.start("actor", "--connect", address, *same, program=program)
    assert job.wait(learner) == 0, job.output(learner)
    assert job.wait(actor) == 0, job.output(actor)
    assert job.check_rows() == 720
    assert job.policy_versions().max() >= 0, "it ran policies that the learner published"


def test_a_robot_of_another_kind_is_refused_with_both_sides_shown(job, own_port):
    address = f"127.0.0.1:{own_port}"
    same = ("--preset", "fake-tiny", "--logdir", str(job.logdir))
    learner = job.start("learner", "--bind", address, *same)
    program = [sys.executable, "-c", OTHER_ROWS]
    actor = job.start("actor", "--connect", address, *same, program=program)
    assert job.wait(actor) == 2, job.output(actor)
    assert "joint_pos: ours float32[12], theirs float32[3]" in job.output(actor)
    assert learner.poll() is None


OTHER_ROWS = """
from dataclasses import replace
from daydreamer.core import transition
from daydreamer.cli import actor, main

def other(obs, act):
    rows = transition.row_spec(obs, act)
    return rows | {"joint_pos": replace(rows["joint_pos"], shape=(3,))}

actor.row_spec = other
main.main()
"""

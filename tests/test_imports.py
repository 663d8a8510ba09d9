"""The robot's computer has the base install: what runs there must not ask for anything more."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What only extras bring. An actor, or a driver that nobody asked for, must do without.
EXTRAS = [
    *("torch", "onnx", "onnxscript", "tensorboard", "rich"),
    *("pybullet", "serial", "starlette", "uvicorn"),
    *("gymnasium", "matplotlib", "PIL", "hypothesis", "pytest"),
]

BLOCK = """
import sys

class Absent:
    names = {names!r}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ModuleNotFoundError(f"{{name}} is not installed here", name=name)

sys.meta_path.insert(0, Absent())
"""


def run_without(names: list[str], body: str) -> str:
    """Run ``body`` in a Python of its own in which ``names`` cannot be imported; its output."""
    program = BLOCK.format(names=set(names)) + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"without {names}:\n{done.stderr}"
    return done.stdout


def modules_under(*rooms: str) -> list[str]:
    """Every module of ``rooms`` by its dotted name."""
    found = []
    for room in rooms:
        place = ROOT / room.replace(".", "/")
        for path in sorted([*place.rglob("*.py")] or [place.with_suffix(".py")]):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def test_the_block_really_blocks():
    with pytest.raises(AssertionError, match="is not installed here"):
        run_without(["msgpack"], "import msgpack")


# The Gymnasium adapter is for other people's programs: it alone may need what its name says.
ACTOR_ROOMS = (
    "robots",
    "calibration",
    "daydreamer.core",
    "daydreamer.envs",
    "daydreamer.transport",
    "daydreamer.presets",
)
ADAPTERS = {"daydreamer.envs.gymnasium_adapter"}


def test_everything_the_actor_is_made_of_imports_on_the_base_install():
    modules = [m for m in modules_under(*ACTOR_ROOMS) if m not in ADAPTERS]
    modules += ["daydreamer.runtime.actor", "daydreamer.runtime.policy", "daydreamer.monitor.names"]
    run_without(EXTRAS, "\n".join(f"import {module}" for module in modules))


def test_the_runtime_monitor_and_replay_import_without_torch():
    modules = modules_under("daydreamer.runtime", "daydreamer.monitor", "daydreamer.replay")
    run_without(
        ["torch", "onnx", "pybullet", "tensorboard"], "\n".join(f"import {module}" for module in modules)
    )


def test_the_command_line_starts_on_the_base_install():
    body = """
        from daydreamer.cli.main import main
        sys.argv = ["daydreamer", "actor", "--help"]
        try:
            main()
        except SystemExit as stop:
            assert not stop.code, stop.code
    """
    assert "actor" in run_without(EXTRAS, body)


def test_a_fake_robot_walks_on_the_base_install():
    body = """
        import numpy as np
        from daydreamer.envs.robot_env import RobotEnv
        from daydreamer.envs.tasks.walk import WalkTask
        from robots.registry import make

        robot = make("fake")
        env = RobotEnv(robot, WalkTask(robot.info), hz=20.0)
        env.reset()
        for _ in range(20):
            obs = env.step({"action": np.zeros(12, np.float32)})
        env.close()
        print("steps done, reward", np.isfinite(obs["reward"]))
    """
    assert "reward True" in run_without(EXTRAS, body)


def test_a_learner_knows_the_rows_of_a_stand_in_whose_simulator_it_has_not():
    body = """
        from daydreamer.presets import build
        from daydreamer.presets.registry import load
        env = build.make_env(load("a1-sim"))
        print(env.robot.info.joints, "joint_pos" in env.obs_spec)
    """
    assert run_without(EXTRAS, body).strip() == "12 True"

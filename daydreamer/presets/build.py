"""From a preset to the things it describes. Nothing here connects to a robot or imports torch by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Literal

from daydreamer.core.agent import Agent
from daydreamer.core.specs import Specs
from daydreamer.core.symmetry import Symmetry
from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.symmetry import MIRROR
from daydreamer.envs.tasks.walk import WalkTask
from daydreamer.presets.preset import Preset
from robots.registry import make
from robots.robot import Robot

Speed = Literal["max", "realtime"]

# What a robot's constructor calls the pace and the seed. One that is not here has its own pace: it is real.
_SIMULATED: dict[str, Callable[[Speed, int], dict[str, Any]]] = {
    "fake": lambda speed, seed: {"realtime": speed == "realtime"},
    "a1-sim": lambda speed, seed: {"speed": speed, "seed": seed},
}


def make_robot(preset: Preset, speed: Speed = "max", seed: int = 0) -> Robot:
    """The robot, not connected. Raises RobotError when its driver is not installed."""
    options = _SIMULATED[preset.robot](speed, seed) if preset.robot in _SIMULATED else {}
    return make(preset.robot, **{**options, **preset.robot_options})


def make_env(preset: Preset, speed: Speed = "max", seed: int = 0) -> RobotEnv:
    """The robot with its task; connected by its first ``reset``."""
    robot = make_robot(preset, speed, seed)
    return RobotEnv(robot, WalkTask(robot.info, preset.task), preset.hz)


def make_agent(preset: Preset, obs_spec: Specs, act_spec: Specs, seed: int = 0) -> Agent:
    """The learning agent. This is where torch is imported."""
    from daydreamer.agents.dreamer.agent import Dreamer

    return Dreamer(obs_spec, act_spec, preset.agent, seed)


def symmetry(preset: Preset) -> Symmetry:
    """The mirror of the task: all robots here are quadrupeds of the A1's build."""
    return MIRROR


def time_can_stand_still(preset: Preset, speed: Speed) -> bool:
    """True when the robot's time stops while nobody steps it, so that the actor may wait for the learner."""
    return preset.robot in _SIMULATED and speed == "max"


def describe(preset: Preset, obs_spec: Specs, act_spec: Specs) -> dict[str, Any]:
    """Plain data for the run directory: the resolved preset, and the specs that follow from it."""
    specs = {name: spec.to_dict() for name, spec in {**obs_spec, **act_spec}.items()}
    return {**asdict(preset), "specs": specs}

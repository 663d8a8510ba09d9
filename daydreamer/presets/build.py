"""From a preset to the things it describes. Nothing here connects to a robot or imports torch by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Literal

import numpy as np

from daydreamer.agents.dreamer.config import DreamerConfig
from daydreamer.agents.model_free.config import ModelFreeConfig
from daydreamer.core.agent import Agent
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.specs import Specs
from daydreamer.core.symmetry import Symmetry
from daydreamer.envs.delay import compensated, mirrored, under_way
from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.symmetry import MIRROR
from daydreamer.envs.task import Task
from daydreamer.envs.tasks.walk import WalkTask
from daydreamer.envs.tasks.walk_reward import extremes
from daydreamer.presets.preset import Preset
from robots.calibration import load
from robots.registry import HARDWARE, make, refuse_uncalibrated
from robots.robot import Robot
from robots.safety.config import SafetyConfig
from robots.safety.guard import SafetyGuard
from robots.sim.poses import pose
from robots.sim.stand_in import StandIn

Speed = Literal["max", "realtime"]

# What a robot's constructor calls the pace and the seed. One that is not here has neither: it is real.
_SIMULATED: dict[str, Callable[[Speed, int], dict[str, Any]]] = {
    "fake": lambda speed, seed: {"realtime": speed == "realtime"},
    "a1-sim": lambda speed, seed: {"speed": speed, "seed": seed},
    "a1-emulated": lambda speed, seed: {"seed": seed},
}
_OWN_PACE = {"a1-emulated"}  # always in real time
_HEARS_ESTOP = {"a1", "a1-emulated", "a1-sdk"}  # in a process of its own


def make_robot(preset: Preset, speed: Speed = "max", seed: int = 0, estop: str = "") -> Robot:
    """The robot, not connected. Raises RobotError when its driver is not installed.

    ``estop`` is the serial port of a stop box. An A1's servo process hears it; around any other robot comes a guard.
    """
    options = _SIMULATED[preset.robot](speed, seed) if preset.robot in _SIMULATED else {}
    options = {**options, **preset.robot_options}
    options.pop("uncalibrated", None)
    if estop and preset.robot in _HEARS_ESTOP:
        return make(preset.robot, control_hz=preset.hz, **options, estop=estop)
    robot = make(preset.robot, control_hz=preset.hz, **options)
    return SafetyGuard(robot, SafetyConfig.of(robot.info), estop) if estop else robot


def check_simulated(preset: Preset) -> None:
    """Before what nobody would stand beside. Raises DaydreamerError when the robot is a real one."""
    if preset.robot in HARDWARE:
        raise DaydreamerError(
            f"{preset.robot} is a real robot, and nobody is meant to be connected to it here. On the "
            "stand-in: the same command with --set robot=a1-sim"
        )


def check_calibrated(preset: Preset) -> None:
    """Before a robot collects. Raises CalibrationError when a real one has no calibration and nobody was told."""
    options = preset.robot_options
    refuse_uncalibrated(preset.robot, options.get("calibration"), bool(options.get("uncalibrated", False)))


def make_env(preset: Preset, speed: Speed = "max", seed: int = 0, estop: str = "") -> RobotEnv:
    """The robot with its task; connected by its first ``reset``.

    Raises:
        DaydreamerError, RobotError: What the preset asks for cannot be.
    """
    if not preset.task.cutoff_hz < preset.hz / 2:
        raise DaydreamerError(
            f"task.cutoff_hz is {preset.task.cutoff_hz:g} Hz; at {preset.hz:g} steps per second (hz) a low-pass has to "
            f"be below {preset.hz / 2:g} Hz: lower task.cutoff_hz, or raise hz"
        )
    robot = make_robot(preset, speed, seed, estop)
    try:
        task: Task = WalkTask(robot.info, preset.task)
    except ValueError as error:
        raise DaydreamerError(f"the task does not fit the robot: {error}") from error
    if preset.delay.mode != "none":
        task = compensated(task, preset.delay, delay_of(preset), preset.hz)
    return RobotEnv(robot, task, preset.hz, restart=_restart(preset, robot))


def delay_of(preset: Preset) -> float:
    """Seconds of delay that are made up for: as the preset says, or else as the robot's calibration measured.

    Raises:
        DaydreamerError: neither says.
        CalibrationError: the calibration cannot be read, or its latency did not pass.
    """
    if preset.delay.seconds is not None:
        return preset.delay.seconds
    file = preset.robot_options.get("calibration")
    found = load(file) if file else None
    if found is None or "latency" not in found.parts:
        raise DaydreamerError(
            f"delay.mode={preset.delay.mode} needs to know the delay: give --calibration FILE, measured with "
            f"`daydreamer calibrate {preset.robot} --only latency`, or --set delay.seconds=0.03"
        )
    latency = found.passed("latency")
    seconds: float = latency.command_to_reading_s + latency.reading_age_s
    return seconds


def _restart(preset: Preset, robot: Robot) -> Callable[[], None] | None:
    if not preset.restart:
        return None
    stand_in = getattr(robot, "raw", robot)  # behind its calibration
    if not isinstance(stand_in, StandIn):
        raise DaydreamerError(
            f"restart is '{preset.restart}', but nobody can put the {robot.info.name} back there: only the stand-in "
            "of a1-sim by itself, without a stop box. Leave it out with --set restart="
        )
    pose(preset.restart)  # a wrong name is told now, not at the first fall
    return partial(stand_in.set_pose, preset.restart)


def make_agent(preset: Preset, obs_spec: Specs, act_spec: Specs, seed: int = 0) -> Agent:
    """The learning agent, on the device that the learner's settings name. This is where torch is imported.

    Raises:
        DaydreamerError: This computer's torch has no such device, or the agent does not fit what the robot senses or
            what the task rewards.
    """
    check_learnable(preset)
    from daydreamer.agents.interface import device_called

    device = device_called(preset.learner.device)
    try:
        if isinstance(preset.agent, ModelFreeConfig):
            from daydreamer.agents.model_free.agent import ModelFree

            return ModelFree(obs_spec, act_spec, preset.agent, seed, device)
        from daydreamer.agents.dreamer.agent import Dreamer

        return Dreamer(obs_spec, act_spec, preset.agent, seed, device)
    except ValueError as error:
        raise DaydreamerError(f"the agent cannot be made: {error}") from error


def check_learnable(preset: Preset) -> None:
    """Raises DaydreamerError when the agent's settings contradict the task's rewards and ends, or each other."""
    agent = preset.agent
    if not isinstance(agent, DreamerConfig):
        return
    if preset.task.fall is not None and not agent.continuation:
        raise DaydreamerError(
            f"the task ends at a tilt of {preset.task.fall:g} rad (task.fall), and the agent does not learn that "
            "nothing follows: --set agent.continuation=true, or --set task.fall=none"
        )
    if agent.actor.entropy_target is None and agent.actor.final_entropy_target is not None:
        raise DaydreamerError(
            "without a target of entropy (agent.actor.entropy_target) there is none for it to go to: "
            "--set agent.actor.final_entropy_target=none, too"
        )
    least, most = extremes(preset.task.reward)
    low, high = (agent.reward_offset + agent.reward_scale * end for end in agent.reward.extremes)
    if least < low - 1e-6 or most > high + 1e-6:
        raise DaydreamerError(
            f"the task's rewards go from {least:g} to {most:g}, and the agent can predict {low:g} to {high:g}: "
            f"--set agent.reward_offset={least:g} --set agent.reward_scale={most - least:g}, or other bins "
            "(agent.reward.low, agent.reward.high, of (reward - offset) / scale)"
        )


def symmetry(preset: Preset) -> Symmetry:
    """The mirror of the task: all robots here are quadrupeds of the A1's build.

    Raises:
        DaydreamerError: Rows are to be mirrored, but the actions of left and right do not mean the same.
    """
    if preset.learner.mirror:
        _check_mirrored(WalkTask(make_robot(preset).info, preset.task))
    if preset.delay.mode == "pending":
        return mirrored(MIRROR, under_way(delay_of(preset), preset.hz))
    return MIRROR


def _check_mirrored(task: WalkTask) -> None:
    """Raises DaydreamerError unless a mirrored action asks for the mirrored pose."""
    for action in np.eye(len(task.act_spec["action"].zeros())):
        (asked,) = MIRROR.mirror({"action": action}).values()
        (meant,) = MIRROR.mirror({"action": task.to_rad(action)}).values()
        if not np.allclose(task.to_rad(asked), meant, atol=1e-6):
            raise DaydreamerError(
                "the hips' range goes another way in than out: in a mirror an action would mean something else. Make "
                "the first of task.action_low and of task.action_high sum to 1, or leave the mirror out: "
                "--set learner.mirror=0"
            )


def time_can_stand_still(preset: Preset, speed: Speed) -> bool:
    """True when the robot's time stops while nobody steps it, so that the actor may wait for the learner."""
    return preset.robot in _SIMULATED.keys() - _OWN_PACE and speed == "max"


def terms(preset: Preset) -> dict[str, str]:
    """What rows mean beyond their specs, as text by name: an actor and its learner have to agree on it."""
    task = {f"task.{name}": value for name, value in asdict(preset.task).items()}
    said = {"hz": preset.hz, "delay.mode": preset.delay.mode, **task}
    return {name: json.dumps(value) for name, value in said.items()}


def describe(preset: Preset, obs_spec: Specs, act_spec: Specs) -> dict[str, Any]:
    """Plain data for the run directory: the resolved preset, and the specs that follow from it.

    Raises:
        DaydreamerError: as ``delay_of``: a run knows which delay is made up for.
    """
    specs = {name: spec.to_dict() for name, spec in {**obs_spec, **act_spec}.items()}
    delay = asdict(preset.delay)
    if preset.delay.mode != "none":
        delay["seconds"] = delay_of(preset)
    return {**asdict(preset), "delay": delay, "specs": specs}

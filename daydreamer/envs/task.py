"""Task: what is asked of a robot, apart from the robot itself and from the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.agent import Arrays
from daydreamer.core.specs import Specs
from robots.robot import JointCommand, RobotState


class Estimate(Protocol):
    """What is inferred of the base from onboard sensors."""

    @property
    def velocity_heading(self) -> NDArray[np.float64]:
        """``[3]`` m/s; x points where the robot faces, z up."""
        ...

    @property
    def gravity_body(self) -> NDArray[np.float64]:
        """``[3]`` unit vector that points down, in the body frame; upright is (0, 0, -1)."""
        ...

    @property
    def up_z(self) -> float:
        """How far the body's z axis points up: 1 upright, -1 on the back."""
        ...

    @property
    def height(self) -> float:
        """m of the trunk's centre above the ground under the lowest foot."""
        ...

    @property
    def lifted(self) -> bool:
        """Whether somebody holds the robot in the air."""
        ...


class Estimator(Protocol):
    """Follows the base through one state after another."""

    def reset(self, state: RobotState) -> Any:
        """Forget the past; ``state`` is where things begin."""
        ...

    def update(self, state: RobotState) -> Estimate:
        """Take in the newest state."""
        ...


@dataclass(frozen=True)
class Judgement:
    """How well it goes: the reward, whether the task itself is over, and numbers for people."""

    reward: float
    terminal: bool = False
    log: Mapping[str, float] = field(default_factory=dict)  # by ``log/...`` key


class Task(Protocol):
    """Observations, actions and reward. A task never waits, and never speaks to the robot."""

    @property
    def obs_spec(self) -> Specs:
        """What ``observe`` returns."""
        ...

    @property
    def act_spec(self) -> Specs:
        """What ``command`` takes, each in [-1, 1]."""
        ...

    @property
    def log_spec(self) -> Specs:
        """The ``log/...`` scalars of ``judge``, float32."""
        ...

    def begin(self, state: RobotState, rate_hz: float) -> None:
        """Forget the past; steps follow from ``state`` at ``rate_hz``."""
        ...

    def command(self, action: Arrays) -> JointCommand:
        """The command for the coming step. ``action`` has been checked against ``act_spec``."""
        ...

    def sent(self, command: JointCommand) -> dict[str, NDArray[Any]]:
        """Take note of what the robot really sent; return it in the units of ``act_spec``."""
        ...

    def observe(self, state: RobotState, estimate: Estimate) -> dict[str, NDArray[Any]]:
        """What an agent may see."""
        ...

    def judge(self, state: RobotState, estimate: Estimate) -> Judgement:
        """The reward that comes with ``state``."""
        ...

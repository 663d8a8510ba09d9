"""Delay made up for: an agent acts on the state that its action will meet, or sees the actions that are on their way.

Between a reading and the moment at which an action chosen on it moves a joint, ``seconds`` pass: the age of the
reading, and the way of the command. Two ways to live with that, both around any task, both off unless asked for:

- ``ahead``: what is observed is predicted forward by ``seconds``. A joint goes on as fast as it is read and slows down
  with the time constant ``MEMORY``; gravity turns with the gyro. Rewards are of what was read, not of what was
  predicted.
- ``pending``: the observation has the last actions, as many as can be under way, beside it. An agent with a memory
  could know them anyway; this makes it easy.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.agent import Arrays
from daydreamer.core.specs import ArraySpec, Specs
from daydreamer.core.symmetry import Symmetry
from daydreamer.envs.task import Estimate, Task
from robots.robot import JointCommand, RobotState

# s in which a joint loses its speed. On a stand-in that trots, slips and thrashes, 0.1 predicts angles 50 ms on with
# half of the error that no prediction makes, and 100 ms on with three quarters; 0.06 and 0.2 are hardly worse.
MEMORY = 0.1
LONGEST = 0.5  # s; a robot with more delay is not driven by feedback


@dataclass(frozen=True)
class DelayConfig:
    """How the actor makes up for delay."""

    mode: Literal["none", "ahead", "pending"] = "none"
    # From a reading's moment to that of the action chosen on it. None: as measured, from the robot's calibration.
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not 0 <= self.seconds <= LONGEST:
            raise ValueError(f"a delay is 0 to {LONGEST} s, got {self.seconds}")


@dataclass(frozen=True)
class Foreseen:
    """An estimate, later; see ``Estimate``."""

    velocity_heading: NDArray[np.float64]
    gravity_body: NDArray[np.float64]
    up_z: float
    height: float
    lifted: bool


class Ahead:
    """``task``, but an agent sees where the robot will be in ``seconds``."""

    def __init__(self, task: Task, seconds: float):
        self._task, self._seconds = task, seconds
        self.obs_spec, self.act_spec, self.log_spec = task.obs_spec, task.act_spec, task.log_spec
        self.begin, self.command, self.sent, self.judge = task.begin, task.command, task.sent, task.judge

    def observe(self, state: RobotState, estimate: Estimate) -> dict[str, NDArray[Any]]:
        """The task's, of the state to come."""
        return self._task.observe(*foreseen(state, estimate, self._seconds))


class Pending:
    """``task``, and the actions that are still on their way: ``pending [count * A]``, the newest first."""

    def __init__(self, task: Task, count: int):
        self._task = task
        self._size = sum(math.prod(spec.shape) for spec in task.act_spec.values())
        self._actions: deque[NDArray[np.float32]] = deque(maxlen=count)
        self._forget()
        self.act_spec, self.log_spec, self.sent, self.judge = (
            task.act_spec,
            task.log_spec,
            task.sent,
            task.judge,
        )
        doc = f"the last {count} actions asked, the newest first; 0 before the first"
        self.obs_spec: Specs = {
            **task.obs_spec,
            "pending": ArraySpec((count * self._size,), low=-1.0, high=1.0, unit="1", doc=doc),
        }

    def begin(self, state: RobotState, rate_hz: float) -> None:
        """The task's; nothing is on its way."""
        self._forget()
        self._task.begin(state, rate_hz)

    def command(self, action: Arrays) -> JointCommand:
        """The task's; ``action`` is on its way from now on."""
        parts = [np.clip(action[key], -1.0, 1.0).ravel() for key in self.act_spec]
        self._actions.appendleft(np.concatenate(parts).astype(np.float32))
        return self._task.command(action)

    def observe(self, state: RobotState, estimate: Estimate) -> dict[str, NDArray[Any]]:
        """The task's, and ``pending``."""
        return {**self._task.observe(state, estimate), "pending": np.concatenate(self._actions)}

    def _forget(self) -> None:
        for _ in range(self._actions.maxlen or 0):
            self._actions.append(np.zeros(self._size, np.float32))


def compensated(task: Task, config: DelayConfig, seconds: float, hz: float) -> Task:
    """``task`` as ``config`` says, for a delay of ``seconds`` at ``hz`` control steps a second."""
    if config.mode == "ahead":
        return Ahead(task, seconds)
    if config.mode == "pending":
        return Pending(task, under_way(seconds, hz))
    return task


def under_way(seconds: float, hz: float) -> int:
    """How many actions can be on their way at once; at least one."""
    return max(1, math.ceil(seconds * hz - 1e-9))


def mirrored(symmetry: Symmetry, count: int) -> Symmetry:
    """``symmetry`` that knows ``count`` pending actions, too."""
    perm, sign = symmetry.keys["action"]
    size = len(perm)
    long = tuple(size * past + index for past in range(count) for index in perm)
    return Symmetry({**symmetry.keys, "pending": (long, sign * count)})


def foreseen(state: RobotState, estimate: Estimate, seconds: float) -> tuple[RobotState, Foreseen]:
    """State and estimate in ``seconds``, if nothing new is asked of the joints."""
    left = math.exp(-seconds / MEMORY)
    later = replace(
        state,
        joint_pos=state.joint_pos + MEMORY * (1 - left) * state.joint_vel,
        joint_vel=left * state.joint_vel,
    )
    down = _turned(estimate.gravity_body, -seconds * state.gyro)
    return later, Foreseen(estimate.velocity_heading, down, -float(down[2]), estimate.height, estimate.lifted)


def _turned(v: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """``v`` turned about ``by`` [3] by its length in rad (Rodrigues' formula)."""
    angle = float(np.linalg.norm(by))
    if angle < 1e-9:
        return v
    axis = by / angle
    cos, sin = math.cos(angle), math.sin(angle)
    turned: NDArray[np.float64] = cos * v + sin * np.cross(axis, v) + (1 - cos) * (axis @ v) * axis
    return turned

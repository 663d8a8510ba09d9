"""DayDreamer's A1 task: from lying on its back, roll over, stand up and walk. No resets, no terminations by default."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.agent import Arrays
from daydreamer.core.specs import ArraySpec, Specs
from daydreamer.envs.task import Estimate, Judgement
from daydreamer.envs.tasks.filter import LowPass
from daydreamer.envs.tasks.walk_reward import TERMS, WalkRewardConfig, total, walk_reward, worst_deviation
from robots.robot import JointCommand, RobotInfo, RobotState

LEGS = 4
JOINT_VEL_SCALE = 0.1  # s/rad: 10 rad/s, a fast swing, becomes 1
GYRO_SCALE = 0.25  # s/rad: 4 rad/s, a fast roll, becomes 1
# Standing is up.z and m of the trunk above these, with the calf gate open.
UPRIGHT, RAISED = 0.9, 0.16


@dataclass(frozen=True)
class WalkConfig:
    """How actions become joint targets, and what is rewarded."""

    # The part of each joint's range that actions [-1, 1] span: hip, thigh, calf. Standing lies inside.
    action_low: tuple[float, float, float] = (0.01, 0.01, 0.01)
    action_high: tuple[float, float, float] = (0.99, 0.90, 0.60)
    zero_stands: bool = False  # action 0 is the standing pose; else the middle of the range
    see_velocity: bool = False  # observe the estimated velocity of the base, too
    cutoff_hz: float = 1.5  # of the low-pass on joint targets
    fall: float | None = None  # rad of tilt beyond which the task is over; None: it never is
    reward: WalkRewardConfig = field(default_factory=WalkRewardConfig)

    def __post_init__(self) -> None:
        for low, high in zip(self.action_low, self.action_high, strict=True):
            if not 0.0 <= low < high <= 1.0:
                raise ValueError(
                    f"expected 0 <= action_low < action_high <= 1 per joint, got {low} and {high}"
                )
        if not self.cutoff_hz > 0:
            raise ValueError(f"cutoff_hz is a positive frequency, got {self.cutoff_hz}")
        if self.fall is not None and not 0.0 < self.fall < math.pi:
            raise ValueError(f"fall is a tilt between 0 and pi rad, or none; got {self.fall}")


class WalkTask:
    """Walk forward, from whatever pose it is found in.

    Args:
        info: A robot with four legs of three joints each (hip, thigh, calf), legs in pairs right, left.
        config: Ranges, filter and reward.
    """

    def __init__(self, info: RobotInfo, config: WalkConfig | None = None):
        if info.joints != 3 * LEGS:
            raise ValueError(f"the walking task needs {3 * LEGS} joints, {info.name} has {info.joints}")
        self._info = info
        self._config = config or WalkConfig()
        lower, span = info.joint_lower, info.joint_upper - info.joint_lower
        low = lower + span * np.tile(self._config.action_low, LEGS)
        high = lower + span * np.tile(self._config.action_high, LEGS)
        self._zero = info.stand_pos if self._config.zero_stands else (low + high) / 2
        self._down, self._up = self._zero - low, high - self._zero
        if not (np.minimum(self._down, self._up) > 0).all():
            raise ValueError(
                f"{info.name} stands at {info.stand_pos} rad, outside of the actions' {low} to {high}"
            )
        self._joint_centre, self._joint_half = lower + span / 2, span / 2
        self._original = replace(self._config.reward, level=None, height=None)
        self._worst = worst_deviation(info.stand_pos, info.joint_lower, info.joint_upper)
        self._filter: LowPass | None = None
        self._target = np.zeros(info.joints)

    @property
    def obs_spec(self) -> Specs:
        """Five or six float32 arrays, all of order 1."""
        joints = (self._info.joints,)
        seen = {
            "joint_pos": ArraySpec(joints, unit="1", doc="angle; -1 and 1 are the joint's limits"),
            "joint_vel": ArraySpec(joints, unit="10 rad/s", doc="joint velocity"),
            "gravity": ArraySpec((3,), low=-1.0, high=1.0, unit="1", doc="which way is down, body frame"),
            "gyro": ArraySpec((3,), unit="4 rad/s", doc="angular velocity, body frame"),
            "target": ArraySpec(joints, unit="1", doc="filtered joint target last sent, as an action"),
        }
        if self._config.see_velocity:
            seen["velocity"] = ArraySpec((3,), unit="m/s", doc="of the base, as estimated: forward, left, up")
        return seen

    @property
    def act_spec(self) -> Specs:
        """One array: a joint target each, before the low-pass."""
        doc = "joint target; -1 and 1 are the ends of the range it may be sent to"
        return {"action": ArraySpec((self._info.joints,), low=-1.0, high=1.0, unit="1", doc=doc)}

    @property
    def log_spec(self) -> Specs:
        """Posture, speed and the terms of the reward."""
        return {
            "log/up": ArraySpec(low=-1.0, high=1.0, unit="1", doc="up.z: 1 upright, -1 on the back"),
            "log/standing": ArraySpec(
                low=0.0, high=1.0, unit="1", doc="1 when upright, raised, and every gate of DayDreamer's open"
            ),
            "log/height": ArraySpec(unit="m", doc="of the trunk above the lowest foot, by the legs' angles"),
            "log/forward_speed": ArraySpec(unit="m/s", doc="estimated, in the heading frame"),
            "log/original_reward": ArraySpec(unit="1", doc="as DayDreamer has it, level or not"),
            "log/original_calf": ArraySpec(low=0.0, high=1.0, unit="1", doc="calf term of that reward"),
            **{f"log/reward/{term}": ArraySpec(low=0.0, high=1.0, unit="1", doc="term") for term in TERMS},
        }

    def begin(self, state: RobotState, rate_hz: float) -> None:
        """Start the low-pass at the measured pose, so that the first target is where the legs are."""
        self._filter = LowPass(self._config.cutoff_hz, rate_hz)
        self._filter.reset(state.joint_pos)
        self._target = self.to_action(state.joint_pos)

    def command(self, action: Arrays) -> JointCommand:
        """Clip, map to rad, low-pass; the robot's own gains."""
        if self._filter is None:
            raise RuntimeError("WalkTask.command before begin")
        pos = self._filter(self.to_rad(np.clip(action["action"], -1.0, 1.0)))
        return JointCommand.hold(pos, self._info)

    def sent(self, command: JointCommand) -> dict[str, NDArray[Any]]:
        """The target that reached the robot; a little outside [-1, 1] when the low-pass overshoots."""
        self._target = self.to_action(command.pos)
        return {"action": self._target.astype(np.float32)}

    def observe(self, state: RobotState, estimate: Estimate) -> dict[str, NDArray[Any]]:
        """Joints, gravity, gyro, the last target, and the velocity when it is wanted, float32."""
        joint_pos = (state.joint_pos - self._joint_centre) / self._joint_half
        seen = {
            "joint_pos": joint_pos.astype(np.float32),
            "joint_vel": (JOINT_VEL_SCALE * state.joint_vel).astype(np.float32),
            "gravity": np.clip(estimate.gravity_body, -1.0, 1.0).astype(np.float32),
            "gyro": (GYRO_SCALE * state.gyro).astype(np.float32),
            "target": self._target.astype(np.float32),
        }
        if self._config.see_velocity:
            seen["velocity"] = estimate.velocity_heading.astype(np.float32)
        return seen

    def judge(self, state: RobotState, estimate: Estimate) -> Judgement:
        """The reward, 5 on the back to 14 walking. Terminal when tilted beyond ``fall``."""
        reward = self._config.reward
        up = min(max(float(estimate.up_z), -1.0), 1.0)
        # A joint pushed past its limit is no worse than one at it.
        deviation = np.minimum(np.abs(state.joint_pos - self._info.stand_pos) / self._worst, 1.0)
        velocity = estimate.velocity_heading
        if estimate.lifted:  # being carried is no walking
            velocity = np.zeros_like(velocity)
        terms = walk_reward(up, deviation, velocity, reward, estimate.height)
        original = walk_reward(up, deviation, velocity, self._original)
        log = {
            "log/up": up,
            "log/standing": float(
                up > UPRIGHT and estimate.height > RAISED and original["calf"] > reward.gate
            ),
            "log/height": float(estimate.height),
            "log/forward_speed": float(estimate.velocity_heading[0]),
            "log/original_reward": total(original, self._original),
            "log/original_calf": original["calf"],
            **{f"log/reward/{term}": value for term, value in terms.items()},
        }
        fall = self._config.fall
        return Judgement(total(terms, reward), fall is not None and up < math.cos(fall), log)

    def to_rad(self, action: NDArray[Any]) -> NDArray[np.float64]:
        """Joint angles [12] rad that ``action`` [12] asks for; -1 and 1 are the ends of the range."""
        rad: NDArray[np.float64] = self._zero + action * np.where(action < 0, self._down, self._up)
        return rad

    def to_action(self, pos: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of ``to_rad``; outside [-1, 1] where no action reaches."""
        away = pos - self._zero
        action: NDArray[np.float64] = away / np.where(away < 0, self._down, self._up)
        return action

"""Telemetry of an actor: what the environment has just seen, and how the loop fares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.telemetry import Telemetry
from daydreamer.envs.brake import Brake
from daydreamer.envs.robot_env import Glance, RobotEnv
from daydreamer.transport.link import LinkStatus
from robots.robot import RobotError

_TERM = "log/reward/"
_LOOKS = 3  # at most, at what the robot's safety says


class Moment(NamedTuple):
    """What the control loop lays down each step: references to what nobody changes any more."""

    activity: str
    glance: Glance
    reading_age: float  # s since what the glance was made of was read
    timing: Mapping[str, float]  # s
    steps: int
    policy_version: int
    policy_age: float  # s
    policy_seconds: float
    action: Mapping[str, NDArray[Any]]
    link: LinkStatus
    link_down: float  # s


class Portrait:
    """Makes telemetry of moments, outside of the control loop.

    Args:
        actor: Its name.
        env: Whose robot it is.
    """

    def __init__(self, actor: str, env: RobotEnv):
        info = env.robot.info
        self._brake: Brake = env.brake
        self._statistics: Callable[[], Mapping[str, float]] = getattr(env.robot, "statistics", dict)
        self._hz, self._contact_force = env.hz, info.contact_force
        self._unknown = np.full(3, np.nan)
        self._no_target = np.full(info.joints, np.nan)
        self._fixed: dict[str, Any] = {
            "actor": actor,
            "robot": info.name,
            "simulated": info.simulated,
            "joint_names": info.joint_names,
            "foot_names": info.foot_names,
            "joint_lower": info.joint_lower,
            "joint_upper": info.joint_upper,
            "max_torque": info.max_torque,
        }

    def of(self, moment: Moment, last_hand: str, counts: Mapping[str, float] | None = None) -> Telemetry:
        """``moment``, with what the robot's safety says now, and ``counts`` of what people did."""
        state, estimate, judged, sent, truth = (
            moment.glance.state,
            moment.glance.estimate,
            moment.glance.judged,
            moment.glance.sent,
            moment.glance.truth,
        )
        (stopped, mode), link = self._safety(), moment.link
        return Telemetry(
            **self._fixed,
            time=state.time,
            wall=moment.glance.wall,
            reading_age=moment.reading_age,
            activity="stopped" if stopped else moment.activity,
            mode=mode,
            stopped=stopped,
            faults=self._brake.faults,
            estop=self._brake.estop,
            last_hand=last_hand,
            steps=moment.steps,
            robot_minutes=moment.steps / self._hz / 60.0,
            policy_version=moment.policy_version,
            policy_age=moment.policy_age,
            joint_pos=state.joint_pos,
            joint_vel=state.joint_vel,
            joint_torque=state.joint_torque,
            # Damping has no targets; its command carries the measured pose.
            joint_target=self._no_target if sent is None or not sent.kp.any() else sent.pos,
            temperature=state.temperature,
            quat_xyzw=state.quat_xyzw,
            gyro=state.gyro,
            accel=state.accel,
            foot_force=state.foot_force,
            foot_contact=state.foot_force > self._contact_force,
            velocity_body=getattr(estimate, "velocity_body", self._unknown),
            velocity_heading=estimate.velocity_heading,
            up=float(estimate.up_z),
            reward=float(judged.reward),
            reward_terms={
                name.removeprefix(_TERM): float(value)
                for name, value in judged.log.items()
                if name.startswith(_TERM)
            },
            times={**moment.timing, "period": 1.0 / self._hz, "policy": moment.policy_seconds},
            link={
                "connected": float(link.connected),
                "down": moment.link_down,
                "unacked": float(link.unacked),
                "spool_bytes": float(link.spool_bytes),
                "sent": float(link.sent),
                "acked": float(link.acked),
                "ack": link.ack_seconds,
            },
            truth_position=truth.get("position"),
            action=np.concatenate([np.ravel(value) for value in moment.action.values()]).astype(np.float32),
            counts=dict(counts or {}),
            servo=self._servo(),
        )

    def _safety(self) -> tuple[str, str]:
        """Why the robot does not obey, and its mode, of one moment: another thread or process may stop it meanwhile."""
        stopped = self._brake.stopped
        for _ in range(_LOOKS):
            mode, before, stopped = self._brake.mode.name, stopped, self._brake.stopped
            if stopped == before:
                break
        return stopped, mode

    def _servo(self) -> dict[str, float]:
        """How well the robot's own servo process keeps its rate, where it has one that tells."""
        try:
            return {name: float(value) for name, value in self._statistics().items()}
        except RobotError:  # not connected
            return {}

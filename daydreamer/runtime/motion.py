"""How well a robot moves: what it asks of its motors, its joints and the ground. Scored by the simulator's truth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.env import Env
from robots.robot import RobotInfo
from robots.sim.motion import Motion

GRAVITY = 9.81  # m/s^2
AT_LIMIT = 0.02  # of a joint's range: nearer than this to an end is at the limit
SLAM = 2.0  # rad/s, a tenth of what the A1's motors can do: coming to a limit faster is a blow
MOVING = 0.05  # m/s; below it an energy per metre means nothing

# The mirror image of each joint: right and left swap, and a hip, which turns about x, changes its sign.
_OTHER_SIDE = str.maketrans("RL", "LR")


class TellsMotion(Protocol):
    """A simulated robot that knows how it has moved."""

    @property
    def info(self) -> RobotInfo:
        """Joints and limits."""
        ...

    def motion(self) -> Motion:
        """All physics steps since the last call."""
        ...


@dataclass(frozen=True)
class MotionScore:
    """One rollout. The torques and limits are of the whole of it, the gait's numbers of its last seconds."""

    action_rate: float  # 1, root mean square change of the policy's action from one step to the next
    torque_p99: float  # N m, 99th percentile of |torque| over all motors and physics steps
    torque_peak: float  # N m
    at_limit: float  # share of joints and time within 2 % of the range from a joint's limit
    limit_speed: float  # rad/s, fastest a joint has run towards a limit that near
    slams: float  # how often a joint came that near to a limit at more than 2 rad/s
    foot_slip: float  # m/s over the ground, mean over feet that bear weight
    asymmetry: float  # rad, left against right: difference of mean angle and of spread, mean over joint pairs
    power: float  # W, mechanical, what motors put in; nothing is had back
    energy_per_metre: float | None  # J/m; None below 0.05 m/s
    cost_of_transport: float | None  # 1, the same over the weight


def mean_motion(scores: list[MotionScore]) -> dict[str, float | None]:
    """Means by name over rollouts, of those that have the number; the largest, for peaks."""
    found: dict[str, float | None] = {}
    for field in fields(MotionScore):
        values = [value for score in scores if (value := getattr(score, field.name)) is not None]
        worst = field.name in ("torque_peak", "limit_speed")
        found[field.name] = float(max(values) if worst else np.mean(values)) if values else None
    return found


class MotionRecorder:
    """Watches one rollout: ``see`` after every step, ``score`` at the end."""

    def __init__(self, robot: TellsMotion):
        self._robot = robot
        self._motions: list[Motion] = []
        self._actions: list[NDArray[Any]] = []

    @classmethod
    def of(cls, env: Env) -> MotionRecorder | None:
        """One for the robot of ``env``, if it knows how it has moved."""
        robot: Any = getattr(env, "robot", None)
        # Asked by name: from Python 3.12 on isinstance does not see what a calibrated robot passes on.
        return cls(robot) if callable(getattr(robot, "motion", None)) else None

    def see(self, action: dict[str, NDArray[Any]]) -> None:
        """Note one step and the action that was asked for."""
        self._motions.append(self._robot.motion())
        self._actions.append(np.concatenate([np.ravel(value) for value in action.values()]))

    def score(self, speed: NDArray[Any], last: int) -> MotionScore:
        """The numbers.

        Args:
            speed: ``[steps]`` m/s, true forward speed.
            last: Steps at the end over which the gait is judged.
        """
        info, motions = self._robot.info, self._motions
        pos = np.concatenate([motion.joint_pos for motion in motions])
        vel = np.concatenate([motion.joint_vel for motion in motions])
        torque = np.abs(np.concatenate([motion.torque for motion in motions]))
        near, towards = _at_limits(pos, vel, info)
        came = near & ~np.concatenate([np.zeros_like(near[:1]), near[:-1]])
        gait = motions[-last:]
        contact = np.array([motion.foot_contact for motion in gait])
        slip = np.array([motion.foot_speed for motion in gait])[contact]
        power = float(np.concatenate([np.maximum(m.torque * m.joint_vel, 0.0).sum(1) for m in gait]).mean())
        forward = float(np.mean(speed[-last:]))
        per_metre = power / forward if forward >= MOVING else None
        weight = GRAVITY * gait[-1].mass
        change = np.diff(np.array(self._actions), axis=0)
        return MotionScore(
            action_rate=float(np.sqrt(np.mean(change**2))) if len(change) else 0.0,
            torque_p99=float(np.percentile(torque, 99)),
            torque_peak=float(torque.max()),
            at_limit=float(near.mean()),
            limit_speed=float(towards[near].max(initial=0.0)),
            slams=float((came & (towards > SLAM)).sum()),
            foot_slip=float(slip.mean()) if slip.size else 0.0,
            asymmetry=asymmetry(np.concatenate([motion.joint_pos for motion in gait]), info.joint_names),
            power=power,
            energy_per_metre=per_metre,
            cost_of_transport=None if per_metre is None else per_metre / weight,
        )


def asymmetry(pos: NDArray[Any], joint_names: tuple[str, ...]) -> float:
    """How differently left and right legs move, rad; 0 for a gait that is its own mirror image over time.

    For each pair of joints: how far apart their mean angles are, and how far their standard deviations. Legs that
    do the same half a stride later are symmetric.

    Args:
        pos: ``[N, J]`` rad.
        joint_names: "FR_hip" and so on; the second letter is the side.
    """
    index = {name: number for number, name in enumerate(joint_names)}
    pairs = [
        (number, index[other], -1.0 if name.endswith("hip") else 1.0)
        for name, number in index.items()
        if name[1:2] == "R" and (other := name[0] + name[1].translate(_OTHER_SIDE) + name[2:]) in index
    ]
    mean, spread = pos.mean(0), pos.std(0)
    found = [
        abs(mean[right] - sign * mean[left]) + abs(spread[right] - spread[left])
        for right, left, sign in pairs
    ]
    return float(np.mean(found)) if found else 0.0


def _at_limits(pos: NDArray[Any], vel: NDArray[Any], info: RobotInfo) -> tuple[NDArray[Any], NDArray[Any]]:
    """``[N, J]``: whether a joint is at a limit, and how fast it moves towards the nearer one, rad/s."""
    centre, half = (info.joint_lower + info.joint_upper) / 2, (info.joint_upper - info.joint_lower) / 2
    place = (pos - centre) / half  # -1 and 1 are the limits
    return np.abs(place) > 1.0 - 2.0 * AT_LIMIT, vel * np.sign(place)

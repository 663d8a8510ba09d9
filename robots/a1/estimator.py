"""How fast the A1's body moves, from what it carries itself: IMU, joint encoders, and feeling feet.

A Kalman filter on the velocity of the body in the world frame. The accelerometer predicts; every foot that
stands on the ground corrects, because a foot that does not move tells how the body does:

    v_body = -(J(q) dq + gyro x p + turn x r)

with the foot's centre p, the turn of its calf in the world, and r from the centre down to the ground: a foot
is a ball and rolls, which at walking speed makes 0.05 m/s.

Its noise is taken as equal in all directions, so the covariance stays ``variance * I`` and a step is a
weighted mean. The accelerometer's reading is taken as the mean since the reading before, as a driver that samples
faster should give it. Three things keep it honest on a real floor, with readings 50 ms apart:

- A lightly loaded foot slips more easily: its weight falls with its share of the heaviest foot's load.
- A foot that disagrees with the prediction is slipping or has just landed: its pull is bounded (Huber), never
  dropped, so that a wrong prediction still heals.
- With no foot on the ground the robot flies (the accelerometer reads about 0) or lies (about g). Lying robots
  hardly move, so zero velocity is then taken as a measurement, and as a very weak one in flight: nothing
  drifts for ever.

Source: M. Bloesch et al., "State Estimation for Legged Robots - Consistent Fusion of Leg Kinematics and IMU",
RSS 2012, reduced to velocity because position is of no use to a reward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from robots.a1 import kinematics, model
from robots.robot import Array, RobotInfo, RobotState

GRAVITY = 9.81  # m/s^2
_UP_GRAVITY = np.array([0.0, 0.0, GRAVITY])
_IDENTITY = np.eye(3)


@dataclass(frozen=True)
class EstimatorConfig:
    """Noise of the sensors as the filter sees it. The defaults suit 20 to 500 readings per second.

    They were chosen on the simulated A1 (trot, pushes, thrashing on the floor) with its plausible sensor noise,
    and again with an accelerometer 0.4 m/s^2 and an orientation 2 degrees off.
    """

    accel_noise: float = 0.2  # m/s after one second, tilt error and all, growing with the root of time
    foot_noise: float = 0.09  # m/s, a standing foot, fully loaded
    slip_gate: float = 1.0  # standard deviations beyond which a foot's pull grows no more
    lying_noise: float = 0.07  # m/s, zero velocity over one second of lying
    flight_noise: float = 1.0  # m/s, zero velocity over one second of flight
    start_noise: float = 0.5  # m/s, before the first reading
    longest_gap: float = 0.5  # s, after a longer silence the filter starts anew

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"EstimatorConfig.{name} is positive, got {value}")


@dataclass(frozen=True)
class BaseEstimate:
    """The body's motion. World: z up, yaw as the IMU has it. Heading: z up, x where the body points."""

    velocity_world: Array  # [3] m/s
    velocity_body: Array  # [3] m/s
    velocity_heading: Array  # [3] m/s: forward, left, up
    gravity_body: Array  # [3] unit vector that points down: (0, 0, -1) upright
    up_z: float  # cosine of the tilt: 1 upright, -1 on the back
    contact: np.ndarray  # [F] bool, the feet on the ground
    covariance: Array  # [3, 3] (m/s)^2, of velocity_world


class BaseEstimator:
    """The filter. Feed it every reading once: ``reset`` at the start of a run, then ``update``."""

    def __init__(self, info: RobotInfo, config: EstimatorConfig | None = None):
        self.skipped = 0  # readings that held a number that is not finite
        self._contact_force = info.contact_force
        self._config = config or EstimatorConfig()
        self._estimate: BaseEstimate | None = None
        self._time = 0.0
        self._velocity = np.zeros(3)
        self._variance = self._config.start_noise**2

    def reset(self, state: RobotState) -> BaseEstimate:
        """Forget everything and start from this reading."""
        self._estimate = None
        return self.update(state)

    def update(self, state: RobotState) -> BaseEstimate:
        """Take in one reading and return the new estimate; about 0.1 ms.

        A repeated reading changes nothing. A reading with a number that is not finite is skipped and counted.
        After a gap, or when time ran back, the filter starts anew.
        """
        last = self._estimate
        if not _finite(state):
            self.skipped += 1
            return last or self._describe(_IDENTITY, np.zeros(state.foot_force.shape, bool))
        dt = state.time - self._time
        if last is not None and dt == 0:
            return last
        rotation = _rotation(state.quat_xyzw)
        if last is None or not 0 < dt <= self._config.longest_gap:
            self._velocity, self._variance = np.zeros(3), self._config.start_noise**2
            dt = 0.0
        else:
            self._velocity = self._velocity + dt * (rotation @ state.accel - _UP_GRAVITY)
            self._variance += self._config.accel_noise**2 * dt
        self._time = state.time
        contact = state.foot_force > self._contact_force
        if contact.any():
            self._correct_with_feet(state, rotation, contact)
        else:
            self._correct_with_rest(state.accel, dt)
        self._estimate = self._describe(rotation, contact)
        return self._estimate

    def _correct_with_feet(self, state: RobotState, rotation: Array, contact: np.ndarray) -> None:
        feet, moving, turning = kinematics.foot_motions(state.joint_pos, state.joint_vel)
        moving -= feet @ _cross(state.gyro)  # gyro x p
        moving += (turning + state.gyro) @ _cross(-model.FOOT_RADIUS * rotation[2])  # turn x r
        measured = -moving @ rotation.T  # [F, 3] velocity of the body in the world, if the foot stands
        load = state.foot_force * contact
        weight = load / (load.max() * self._config.foot_noise**2)
        off = measured - self._velocity
        spread = math.sqrt(self._variance + self._config.foot_noise**2)
        surprise = np.sqrt(np.einsum("fi,fi->f", off, off)) / (self._config.slip_gate * spread)
        weight = weight / np.maximum(surprise, 1.0)
        self._correct(weight @ measured, float(weight.sum()))

    def _correct_with_rest(self, accel: Array, dt: float) -> None:
        """Zero velocity, counted by the time it lasts so that it weighs the same at any rate."""
        lying = accel @ accel > (0.5 * GRAVITY) ** 2
        noise = self._config.lying_noise if lying else self._config.flight_noise
        self._correct(np.zeros(3), dt / noise**2)

    def _correct(self, weighted: Array, weight: float) -> None:
        """Precision-weighted mean of the prediction and measurements, ``weighted`` being sum(w m)."""
        prior = 1.0 / self._variance
        self._variance = 1.0 / (prior + weight)
        self._velocity = (self._velocity * prior + weighted) * self._variance

    def _describe(self, rotation: Array, contact: np.ndarray) -> BaseEstimate:
        velocity = self._velocity
        length = math.hypot(rotation[0, 0], rotation[1, 0])
        # Nose straight up or down there is no heading; the world's x does as well as any.
        x, y = (rotation[0, 0] / length, rotation[1, 0] / length) if length > 1e-9 else (1.0, 0.0)
        heading = np.array(
            [x * velocity[0] + y * velocity[1], x * velocity[1] - y * velocity[0], velocity[2]]
        )
        return BaseEstimate(
            velocity_world=velocity.copy(),
            velocity_body=velocity @ rotation,
            velocity_heading=heading,
            gravity_body=-rotation[2],
            up_z=float(rotation[2, 2]),
            contact=contact,
            covariance=self._variance * _IDENTITY,
        )


def _finite(state: RobotState) -> bool:
    """Whether every number that the filter uses is finite, and the quaternion has a direction."""
    used = (state.joint_pos, state.joint_vel, state.quat_xyzw, state.gyro, state.accel, state.foot_force)
    return math.isfinite(state.time + sum(float(part @ part) for part in used)) and bool(
        state.quat_xyzw.any()
    )


def _rotation(quat_xyzw: Array) -> Array:
    """``[3, 3]`` body to world; the quaternion needs no unit length."""
    x, y, z, w = (float(part) for part in quat_xyzw)
    s = 2.0 / (x * x + y * y + z * z + w * w)
    return np.array(
        [
            [1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)],
            [s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)],
            [s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)],
        ]
    )


def _cross(a: Array) -> Array:
    """``[3, 3]`` matrix so that ``b @ _cross(a) == b x a``; numpy's own cross takes ten times as long."""
    return np.array([[0.0, -a[2], a[1]], [a[2], 0.0, -a[0]], [-a[1], a[0], 0.0]])

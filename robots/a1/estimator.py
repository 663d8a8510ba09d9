"""How fast the A1's body moves, from what it carries itself: IMU, joint encoders, and feeling feet.

A Kalman filter on the velocity of the body in the world frame. The accelerometer predicts; every foot that
stands on the ground corrects, because a foot that does not move tells how the body does:

    v_body = -(J(q) dq + gyro x p + turn x r)

with the foot's centre p, the turn of its calf in the world, and r from the centre down to the ground: a foot
is a ball and rolls, which at walking speed makes 0.05 m/s.

Its noise is taken as equal in all directions, so the covariance stays ``variance * I`` and a step is a
weighted mean. The accelerometer's reading is taken as the mean since the reading before, in the frame of a body that
turned meanwhile, as a driver that samples faster should give it. Six things keep it honest on a real floor, with
readings 50 ms apart:

- A lightly loaded foot slips more easily: its weight falls with its share of the heaviest foot's load.
- A foot that disagrees with the prediction is slipping or has just landed: its pull is bounded (Huber), never
  dropped, so that a wrong prediction still heals.
- While another foot agrees with the prediction, one that slips is pulled along by its leg, and its pull falls with its
  speed: swinging feet that touch the ground all go the same way, and would make the body seem slower than it is.
- With no foot on the ground the robot flies (the accelerometer reads about 0) or lies (about g). Lying robots
  hardly move, so zero velocity is then taken as a measurement, and as a very weak one in flight: nothing
  drifts for ever.
- A robot whose feet hang where a lying one has ground, and touch nothing, is in somebody's hands (``lifted``), and may
  be carried: zero velocity is then a weak measurement, too.
- How far off it claims to be (``covariance``) is its own variance times how surprised the feet have made it in the last
  second. The gains are not touched by that: a filter that stands still for long must still follow the first step.

Sources: M. Bloesch et al., "State Estimation for Legged Robots - Consistent Fusion of Leg Kinematics and IMU",
RSS 2012, reduced to velocity because position is of no use to a reward; R. K. Mehra, "On the identification of
variances and adaptive Kalman filtering", IEEE Transactions on Automatic Control 15 (1970).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from robots.a1 import kinematics, model
from robots.robot import Array, RobotInfo, RobotState

GRAVITY = 9.81  # m/s^2
LEAST_HONESTY, MOST_HONESTY = 0.02, 10.0  # of the variance that is claimed over the filter's own
RADIUS = model.FOOT_RADIUS
_IDENTITY = np.eye(3)

Three = kinematics.Three
Rotation = tuple[Three, Three, Three]  # by rows
_UPRIGHT: Rotation = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


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
    held_noise: float = 0.5  # m/s, zero velocity over one second in somebody's hands
    lift_reach: float = 0.2  # m below the trunk's centre, where a lying robot has ground
    lift_time: float = 0.3  # s of feet there that touch nothing, after which it is held in the air
    honest_time: float = 1.0  # s over which what the filter claims is compared with how surprised it is
    slip_speed: float = 0.2  # m/s that a foot on the ground moves over it, from which on it slips
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
    height: float  # m of the trunk's centre above the ground under the lowest foot
    contact: np.ndarray  # [F] bool, the feet on the ground
    slipping: np.ndarray  # [F] bool, those of them that move over it
    lifted: bool  # somebody holds it in the air
    surprise: (
        float  # of this reading: its normalised innovation squared, 3 on average where the filter is honest
    )
    covariance: Array  # [3, 3] (m/s)^2, of velocity_world


class BaseEstimator:
    """The filter. Feed it every reading once: ``reset`` at the start of a run, then ``update``."""

    def __init__(self, info: RobotInfo, config: EstimatorConfig | None = None):
        self.skipped = 0  # readings that held a number that is not finite
        self._contact_force = info.contact_force
        self._config = config or EstimatorConfig()
        self._estimate: BaseEstimate | None = None
        self._time = 0.0
        self._rotation = _UPRIGHT  # at the last reading
        self._velocity: Three = (0.0, 0.0, 0.0)
        self._variance = self._config.start_noise**2
        self._aloft = 0.0  # s without a foot on the ground, and without ground where the feet are
        self._surprise, self._honesty = 3.0, 1.0  # of the last reading; error that there is over that claimed

    def reset(self, state: RobotState) -> BaseEstimate:
        """Forget everything and start from this reading."""
        self._estimate = None
        return self.update(state)

    def update(self, state: RobotState) -> BaseEstimate:
        """Take in one reading and return the new estimate; well below 0.1 ms.

        A repeated reading changes nothing. A reading with a number that is not finite is skipped and counted.
        After a gap, or when time ran back, the filter starts anew.
        """
        last = self._estimate
        # Twelve numbers are too few for numpy: as lists all of this takes a third of the time.
        q, dq, force = state.joint_pos.tolist(), state.joint_vel.tolist(), state.foot_force.tolist()
        quat, gyro, accel = state.quat_xyzw.tolist(), state.gyro.tolist(), state.accel.tolist()
        if not (math.isfinite(state.time + sum(q + dq + force + quat + gyro + accel)) and any(quat)):
            self.skipped += 1
            return last or self._describe(_UPRIGHT, 0.0, [False] * len(force), [False] * len(force))
        dt = state.time - self._time
        if last is not None and dt == 0:
            return last
        rotation = _rotation(*quat)
        if last is None or not 0 < dt <= self._config.longest_gap:
            self._start(state.time)
            dt = 0.0
        else:
            x, y, z = self._velocity
            along_x, along_y, along_z = _turned(_midway(self._rotation, rotation), accel)
            self._velocity = (x + dt * along_x, y + dt * along_y, z + dt * (along_z - GRAVITY))
            self._variance += self._config.accel_noise**2 * dt
        self._time, self._rotation = state.time, rotation
        feet = [
            kinematics.foot_motion(leg, q[3 * leg : 3 * leg + 3], dq[3 * leg : 3 * leg + 3])
            for leg in range(len(force))
        ]
        down_x, down_y, down_z = rotation[2]
        lowest = min(down_x * x + down_y * y + down_z * z for (x, y, z), _, _ in feet)
        height = RADIUS - lowest
        contact = [one > self._contact_force for one in force]
        slipping = [False] * len(force)
        if any(contact):
            self._aloft = 0.0
            self._correct_with_feet(feet, gyro, force, rotation, contact, slipping, dt)
        else:
            self._correct_with_rest(accel, height, dt)
        self._estimate = self._describe(rotation, height, contact, slipping)
        return self._estimate

    def _start(self, time: float) -> None:
        """Know nothing but the time."""
        self._time, self._velocity, self._variance = time, (0.0, 0.0, 0.0), self._config.start_noise**2
        self._aloft, self._surprise, self._honesty = 0.0, 3.0, 1.0

    def _correct_with_feet(
        self,
        feet: list[tuple[Three, Three, Three]],
        gyro: list[float],
        force: list[float],
        rotation: Rotation,
        contact: list[bool],
        slipping: list[bool],
        dt: float,
    ) -> None:
        down = rotation[2]
        ground = (-RADIUS * down[0], -RADIUS * down[1], -RADIUS * down[2])  # from a foot's centre
        config, (vx, vy, vz) = self._config, self._velocity
        noise, heaviest = config.foot_noise**2, max(force)
        gate = config.slip_gate * math.sqrt(self._variance + noise)
        seen: list[tuple[int, Three, float]] = []  # leg, the body's velocity by it, and how far off that is
        for leg, standing in enumerate(contact):
            if not standing:
                continue
            foot, moving, turning = feet[leg]
            (a, b, c), (d, e, f) = (
                _cross(gyro, foot),
                _cross([t + g for t, g in zip(turning, gyro, strict=True)], ground),
            )
            x, y, z = _turned(rotation, (-moving[0] - a - d, -moving[1] - b - e, -moving[2] - c - f))
            off = math.sqrt((x - vx) ** 2 + (y - vy) ** 2 + (z - vz) ** 2)
            slipping[leg] = off > config.slip_speed
            seen.append((leg, (x, y, z), off))
        one_stands = min(off for _, _, off in seen) < gate
        total = sum_x = sum_y = sum_z = 0.0
        for leg, (x, y, z), off in seen:
            doubt = max(off / gate, 1.0)
            if one_stands and slipping[leg]:
                doubt *= off / config.slip_speed
            weight = force[leg] / (heaviest * noise * doubt)
            total += weight
            sum_x, sum_y, sum_z = sum_x + weight * x, sum_y + weight * y, sum_z + weight * z
        self._correct(sum_x, sum_y, sum_z, total, dt, measured=True)

    def _correct_with_rest(self, accel: list[float], height: float, dt: float) -> None:
        """Zero velocity, counted by the time it lasts so that it weighs the same at any rate."""
        config = self._config
        if accel[0] ** 2 + accel[1] ** 2 + accel[2] ** 2 < (0.5 * GRAVITY) ** 2:
            noise, self._aloft = config.flight_noise, 0.0
        else:
            # A foot that touches nothing, where the ground would be if the robot lay on it.
            no_ground = height - RADIUS > config.lift_reach
            self._aloft = self._aloft + dt if no_ground else 0.0
            noise = config.held_noise if self._is_lifted() else config.lying_noise
        self._correct(0.0, 0.0, 0.0, dt / noise**2, dt, measured=False)

    def _is_lifted(self) -> bool:
        return self._aloft >= self._config.lift_time

    def _correct(self, x: float, y: float, z: float, weight: float, dt: float, measured: bool) -> None:
        """Precision-weighted mean of the prediction and measurements, (x, y, z) being sum(w m)."""
        if weight <= 0:
            return
        vx, vy, vz = self._velocity
        innovation = (x / weight - vx) ** 2 + (y / weight - vy) ** 2 + (z / weight - vz) ** 2
        prior = 1.0 / self._variance
        claimed = innovation / (self._variance + 1.0 / weight)
        if measured:
            self._surprise = claimed / self._honesty
            share = dt / (dt + self._config.honest_time)
            honesty = self._honesty + share * (claimed / 3.0 - self._honesty)
            self._honesty = min(max(honesty, LEAST_HONESTY), MOST_HONESTY)
        else:
            self._surprise, self._honesty = (
                3.0,
                max(self._honesty, 1.0),
            )  # a guess says nothing about the claim
        self._variance = 1.0 / (prior + weight)
        self._velocity = tuple((v * prior + m) * self._variance for v, m in ((vx, x), (vy, y), (vz, z)))  # type: ignore[assignment]

    def _describe(
        self, rotation: Rotation, height: float, contact: list[bool], slipping: list[bool]
    ) -> BaseEstimate:
        (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
        vx, vy, vz = self._velocity
        length = math.hypot(xx, yx)
        # Nose straight up or down there is no heading; the world's x does as well as any.
        x, y = (xx / length, yx / length) if length > 1e-9 else (1.0, 0.0)
        body = (xx * vx + yx * vy + zx * vz, xy * vx + yy * vy + zy * vz, xz * vx + yz * vy + zz * vz)
        return BaseEstimate(
            velocity_world=np.array(self._velocity),
            velocity_body=np.array(body),
            velocity_heading=np.array((x * vx + y * vy, x * vy - y * vx, vz)),
            gravity_body=np.array((-zx, -zy, -zz)),
            up_z=zz,
            height=height,
            contact=np.array(contact),
            slipping=np.array(slipping),
            lifted=self._is_lifted(),
            surprise=self._surprise,
            covariance=self._honesty * self._variance * _IDENTITY,
        )


def _rotation(x: float, y: float, z: float, w: float) -> Rotation:
    """Body to world, by rows; the quaternion needs no unit length."""
    s = 2.0 / (x * x + y * y + z * z + w * w)
    return (
        (1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)),
        (s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)),
        (s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)),
    )


def _midway(before: Rotation, now: Rotation) -> Rotation:
    """Half of the way; not quite a rotation, but the mean of an even turn, but for its square."""
    a, b, c = (
        (0.5 * (p + u), 0.5 * (q + v), 0.5 * (r + w))
        for (p, q, r), (u, v, w) in zip(before, now, strict=True)
    )
    return a, b, c


def _turned(rotation: Rotation, v: Sequence[float]) -> Three:
    """``rotation`` times ``v``."""
    a, b, c = v
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    return xx * a + xy * b + xz * c, yx * a + yy * b + yz * c, zx * a + zy * b + zz * c


def _cross(a: Sequence[float], b: Sequence[float]) -> Three:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]

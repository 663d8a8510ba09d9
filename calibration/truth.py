"""Does each procedure find what was done to the robot? Random distortions of a simulated one, and the errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibration.session import Session
from robots.a1 import kinematics, model
from robots.calibrated import mounting
from robots.calibration_parts import Feet, Imu, Joints, Latency, Motors, Sim, Values
from robots.clock import Rate
from robots.foot_contact import FootContact
from robots.robot import Array
from robots.sim.distortion import Delay
from robots.sim.stand_in import DT, StandIn

SIM_LATENCY = 0.004  # s, the stand-in's own
DEGREE = math.pi / 180
TROTTING = 4.0  # s of the scripted trot
CADENCE, LIFT = 1.6, 0.05  # steps of each foot per s, and how high they are, in m


@dataclass(frozen=True)
class Error:
    """How far a procedure was from the truth."""

    name: str
    value: float
    bound: float
    unit: str

    @property
    def within(self) -> bool:
        """Whether it keeps its bound."""
        return self.value <= self.bound


def draw(seed: int, delays: bool = True) -> dict[str, Any]:
    """A random ``Distortion`` as plain data; delays are whole ticks of the stand-in, or none."""
    rng = np.random.default_rng(seed)

    def some(size: int, low: float, high: float) -> list[float]:
        return [float(value) for value in rng.uniform(low, high, size)]

    ticks = rng.integers(0, 15, size=2) if delays else (0, 0)
    return {
        "gyro_bias": some(3, -0.06, 0.06),
        "accel_bias": some(3, -0.4, 0.4),
        "accel_scale": some(3, 0.96, 1.04),
        "mounting_roll": some(1, -0.06, 0.06)[0],
        "mounting_pitch": some(1, -0.06, 0.06)[0],
        "joint_offset": some(12, -0.08, 0.08),
        "foot_zero": some(4, -15.0, 25.0),
        "foot_drift": some(4, -0.05, 0.05),
        "coulomb": some(12, 0.3, 1.2),
        "viscous": some(12, 0.05, 0.3),
        "torque_scale": some(12, 0.85, 1.15),
        "command_delay": float(ticks[0] * DT),
        "sensor_delay": float(ticks[1] * DT),
    }


def line_latency(seed: int) -> float:
    """Seconds, each way, of an emulated A1's network: halfway between two of its ticks, at which it delivers."""
    return float((np.random.default_rng([seed, 1]).integers(0, 5) + 0.5) * DT)


def emulated_trip(seed: int) -> float:
    """Seconds there and back: on average half a tick each waiting for servo, robot and servo again, and the line.

    The line delivers at the next tick of the robot: half a tick later than it is told to.
    """
    return 1.5 * DT + 2 * (line_latency(seed) + 0.5 * DT)


def errors(values: Values, wrong: dict[str, Any], round_trip: float | None = None) -> list[Error]:
    """How far ``values`` are from ``wrong``; ``round_trip`` [s] is the delay of command and reading together.

    The stand-in's own is its latency and the tick in which a torque acts before it can be read.
    """
    if isinstance(values, Imu):
        up = mounting(wrong["mounting_roll"], wrong["mounting_pitch"]).T[
            :, 2
        ]  # what the IMU says of a level robot
        corrected = mounting(values.mounting_roll_rad, values.mounting_pitch_rad) @ up
        return [
            Error("gyro bias", _off(values.gyro_bias_rad_per_s, wrong["gyro_bias"]), 0.002, "rad/s"),
            Error("gravity direction", math.acos(min(1.0, float(corrected[2]))) / DEGREE, 0.2, "deg"),
            Error("accelerometer bias", _off(values.accel_bias_m_per_s2, wrong["accel_bias"]), 0.05, "m/s^2"),
            Error(
                "accelerometer scale", _off(values.accel_scale, 1 / np.array(wrong["accel_scale"])), 0.01, "1"
            ),
        ]
    if isinstance(values, Joints):
        return [Error("joint offset", _off(values.offset_rad, wrong["joint_offset"]) / DEGREE, 0.5, "deg")]
    if isinstance(values, Feet):
        # It had drifted by some 3 N when it was measured: no more than that may be wrong.
        return [Error("foot zero", _off(values.zero, wrong["foot_zero"]), 4.0, "N")]
    if isinstance(values, Motors):
        scale = np.array(wrong["torque_scale"])
        return [
            Error("Coulomb friction", _share(values.coulomb_n_m, wrong["coulomb"]), 0.15, "of it"),
            Error(
                "friction at 1 to 3 rad/s",
                max(_share(*_rubbing(values, wrong, speed)) for speed in (1, 3)),
                0.15,
                "of it",
            ),
            Error("torque constant", _share(values.torque_factor, 1 / scale), 0.15, "of it"),
        ]
    trip = (
        SIM_LATENCY + DT + wrong["command_delay"] + wrong["sensor_delay"]
        if round_trip is None
        else round_trip
    )
    if isinstance(values, Sim):
        found = Motors(
            values.coulomb_n_m, values.viscous_n_m_s_per_rad, (1.0,) * 12, (1.0,) * 12, (1.0,) * 12
        )
        return [
            Error("fitted Coulomb friction", _share(found.coulomb_n_m, wrong["coulomb"]), 0.15, "of it"),
            Error("fitted friction at 3 rad/s", _share(*_rubbing(found, wrong, 3)), 0.15, "of it"),
            Error("fitted torque scale", _share(values.torque_scale, wrong["torque_scale"]), 0.15, "of it"),
            # A command that acts in the tick in which it comes is read a tick later.
            Error("fitted latency", 1000 * abs(values.latency_s + DT - trip), 1.0, "ms"),
        ]
    assert isinstance(values, Latency)
    return [Error("latency", 1000 * abs(values.command_to_reading_s - trip), 1.0, "ms")]


def contact_share(session: Session, stand_in: StandIn, feet: Feet, sensor_delay: float) -> Error:
    """How often the calibrated feet are wrong about standing, in a scripted trot; the bound is 5 %.

    Readings are ``sensor_delay`` s old, and so is the truth that they are compared with.
    """
    session.place("belly")
    session.stand()
    contact, past, wrong, seen = FootContact(feet), Delay(sensor_delay, DT), 0, 0
    rate, begun = Rate(stand_in.clock, 1 / DT), stand_in.clock.now()
    for tick in range(round(TROTTING / DT)):
        if tick % 10 == 0:
            session.hold(trot(stand_in.clock.now() - begun))
        rate.wait()
        true = past(stand_in.feet_down())
        if tick % 10 == 9:
            state = session.read()
            shares = contact.update(state.foot_force, state.time)
            wrong += int(((shares >= 1) != true).sum())
            seen += len(shares)
    session.damp(0.3)
    session.pose = ""
    return Error("contact wrong", 100 * wrong / seen, 5.0, "%")


def trot(time: float, speed: float = 0.4) -> Array:
    """Joint angles ``[12]`` rad of a plain trot: diagonal feet in turn, half of the cycle on the ground."""
    feet = kinematics.foot_positions(np.tile(model.LEG_STAND, 4))
    phase = (time * CADENCE + np.array([0.0, 0.5, 0.5, 0.0])) % 1.0
    stride = speed * 0.5 / CADENCE
    on_ground = phase < 0.5
    feet[:, 0] += np.where(on_ground, stride * (0.5 - 2 * phase), stride * (2 * phase - 1.5))
    feet[:, 2] += np.where(on_ground, 0.0, LIFT * np.sin(2 * np.pi * (phase - 0.5)))
    return kinematics.inverse(feet)


def _rubbing(values: Motors, wrong: dict[str, Any], speed: float) -> tuple[Array, Array]:
    """Friction at ``speed`` rad/s, found and true."""
    found = np.array(values.coulomb_n_m) + speed * np.array(values.viscous_n_m_s_per_rad)
    return found, np.array(wrong["coulomb"]) + speed * np.array(wrong["viscous"])


def _off(found: Any, true: Any) -> float:
    return float(np.abs(np.asarray(found) - np.asarray(true)).max())


def _share(found: Any, true: Any) -> float:
    return float(np.abs(np.asarray(found) / np.asarray(true) - 1).max())

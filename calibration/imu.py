"""The IMU: what it reads of nothing, how it weighs gravity, and how it is mounted.

1. Lying still: gyro bias and noise. Whether it lies still is looked at, not believed.
2. Standing, and six poses at rest: the length of what the accelerometer feels must be g in each, whichever way it is
   turned; this gives bias and scale of its axes without knowing any pose exactly.
3. Standing on level ground, level and leaning: the four feet span the ground, so the joints know which way is up in the
   body. The turn from the IMU's up to that one is its mounting. Joint offsets must be known before.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from calibration.result import Check, Line, Plot, Result, numbers
from calibration.session import CalibrationStopped, Log, Session, up
from robots.a1 import kinematics, model
from robots.a1.estimator import GRAVITY
from robots.calibrated import mounting
from robots.calibration_parts import Imu
from robots.robot import Array, RobotState

RESTING = ("back", "left", "right", "nose-up", "nose-down")  # and the belly, and standing
LEANS = ((0.0, 0.0), (0.14, 0.0), (-0.14, 0.0), (0.0, 0.12), (0.0, -0.12))  # rad of roll and pitch
HZ = 500.0
LEAN_HZ = 250.0
REST = 0.6  # s in each resting pose
LEAN = 0.5  # s in each lean
TRIES = 5
STILL_GYRO = 0.15  # rad/s, standard deviation that is still noise and not motion
STILL_ACCEL = 1.0  # m/s^2

# legs that may be plugged in one for the other -> whose angles each leg's are then. Four feet on a plane do not tell
# which one of two pairs it is.
SWAPS = {
    "the right and the left legs": (1, 0, 3, 2), "the front and the rear legs": (2, 3, 0, 1),
    "FR and FL, or RR and RL,": (1, 0, 2, 3), "FR and RR, or FL and RL,": (2, 1, 0, 3),
}  # fmt: skip
SWAP_RATIO = 3.0  # so much better must it explain what is felt

BIAS_BOUND, NOISE_BOUND, LENGTH_BOUND, UP_BOUND, APART_BOUND = 0.2, 0.15, 0.05, 0.0052, 0.035
UNSURE_BOUND = 2 * LENGTH_BOUND  # poses up to 45 degrees off keep it, and with one of them left out few do


def measure(session: Session, still_seconds: float = 8.0) -> Result:
    """All three. Raises CalibrationStopped: told to, or the robot does not lie still, or joints are not known."""
    if not session.offset.size:
        raise CalibrationStopped("the IMU's mounting needs the joint offsets: measure `joints` first")
    session.place("belly")
    still = at_rest(session, still_seconds, "lying still")
    bias, noise = still.gyro.mean(0), still.gyro.std(0)
    angles, felt, standing = leans(session)
    kinematic = ups(angles)
    weighed = [
        standing,
        still.accel.mean(0),
    ]  # one more than there are numbers: else every length came out right
    for pose in RESTING:
        session.place(pose)
        weighed.append(at_rest(session, REST, f"resting: {pose}").accel.mean(0))
    accel_bias, accel_scale, unsure = weigh(np.array(weighed))
    lengths = np.linalg.norm(accel_scale * (np.array(weighed) - accel_bias), axis=1)
    roll, pitch = mount(felt, kinematic)
    turned = felt @ mounting(roll, pitch).T
    off = np.arccos(np.clip((turned * kinematic).sum(1), -1, 1))
    level = accel_scale * (standing - accel_bias)
    apart = float(np.arccos(np.clip(level @ felt[0] / np.linalg.norm(level), -1, 1)))
    where = still.time - still.time[0]
    checks = (
        Check("gyro bias", float(np.abs(bias).max()), BIAS_BOUND, "rad/s", "Was the robot still? Let the IMU warm up."),
        Check("gyro noise", float(noise.max()), NOISE_BOUND, "rad/s", "Something near it shakes."),
        Check("gravity's length is off by", float(np.abs(lengths - GRAVITY).max()), LENGTH_BOUND, "m/s^2",
              "A pose was not still: measure again."),
        Check("accelerometer's bias may be off by", unsure, UNSURE_BOUND, "m/s^2",
              "A pose was left out, or taken twice: measure again."),
        Check("leans disagree by", float(off.max()), UP_BOUND, "rad", _why(angles, felt)),
        Check("accelerometer and orientation disagree by", apart, APART_BOUND, "rad", "Let it settle for a minute."),
    )  # fmt: skip
    tau, deviation = allan(still.gyro, float(np.median(np.diff(still.time))))
    axes = ("x", "y", "z")
    plots = (
        Plot("Gyro at rest", "s", "rad/s", [Line(a, where, smooth(still.gyro[:, i])) for i, a in enumerate(axes)]),
        Plot("Allan deviation of the gyro", "s", "rad/s",
             [Line(a, tau, deviation[:, i]) for i, a in enumerate(axes)], log=True),
        Plot("Up by the feet (lines) and by the IMU (dots), standing and leaning", "lean", "x and y of up", [
            Line("x, feet", np.arange(len(LEANS), dtype=float), kinematic[:, 0]),
            Line("x, IMU", np.arange(len(LEANS), dtype=float), turned[:, 0], dots=True),
            Line("y, feet", np.arange(len(LEANS), dtype=float), kinematic[:, 1]),
            Line("y, IMU", np.arange(len(LEANS), dtype=float), turned[:, 1], dots=True),
        ]),
    )  # fmt: skip
    values = Imu(
        gyro_bias_rad_per_s=numbers(bias),
        gyro_noise_rad_per_s=numbers(noise),
        accel_bias_m_per_s2=numbers(accel_bias),
        accel_scale=numbers(accel_scale),
        mounting_roll_rad=roll,
        mounting_pitch_rad=pitch,
        motor_temperature_deg_c=float(still.temperature.mean()),
    )
    residuals = {
        "gyro_bias_std_error_rad_per_s": float(noise.max() / np.sqrt(len(still.time))),
        "gravity_length_m_per_s2": float(np.abs(lengths - GRAVITY).max()),
        "accel_bias_unsure_m_per_s2": unsure,
        "lean_rad": float(off.max()),
    }
    return Result(values, "still on the belly, six resting poses, four leans", checks, plots, residuals)


def at_rest(session: Session, seconds: float, doing: str) -> Log:
    """A recording in which nothing moved. Raises CalibrationStopped when there is none in TRIES."""
    shaking = ""
    for _ in range(TRIES):
        log = session.passive(seconds, HZ, doing, _shown)
        gyro, accel = float(log.gyro.std(0).max()), float(log.accel.std(0).max())
        drift = float(
            np.abs(log.accel[: len(log.accel) // 2].mean(0) - log.accel[len(log.accel) // 2 :].mean(0)).max()
        )
        if gyro < STILL_GYRO and accel < STILL_ACCEL and drift < 0.5 * STILL_ACCEL:
            return log
        shaking = f"gyro {gyro:.3f} rad/s, accelerometer {accel:.2f} m/s^2"
    raise CalibrationStopped(f"the robot does not lie still while {doing}: {shaking}. Put it on firm ground.")


def leans(session: Session) -> tuple[Array, Array, Array]:
    """Stand and lean: true angles ``[L, J]``, up by the IMU ``[L, 3]``, and the accelerometer when level ``[3]``."""
    feet = kinematics.foot_positions(session.info.stand_pos)
    poses = [
        kinematics.inverse(feet @ mounting(*lean)) for lean in LEANS
    ]  # the ground turned the other way round
    logs = []
    session.stand()
    for pose in poses:
        session.move(pose, 0.6, "leaning")
        session.record(0.3, 50.0, partial(_hold, session, pose), "leaning")
        logs.append(session.record(LEAN, LEAN_HZ, partial(_hold, session, pose), "leaning", _shown))
    session.move(session.info.stand_pos, 0.6, "level again")
    session.lie()  # before anything is computed: a standing robot must not wait for commands
    angles = np.array([log.joint_pos.mean(0) for log in logs]) - session.zero()
    return angles, np.array([up(log.quat_xyzw) for log in logs]), logs[0].accel.mean(0)


def ups(angles: Array) -> Array:
    """Up by the feet, in the body's frame ``[L, 3]``, of legs at ``angles [L, J]`` rad."""
    return np.array([_normal(kinematics.foot_positions(one)) for one in angles])


def swapped(angles: Array, felt: Array) -> str:
    """Which legs' cables are swapped, if that explains why feet and IMU disagree; empty where it does not.

    A robot whose left legs are plugged in on the right leans to the other side than its joints say.
    """
    legs = angles.reshape(len(angles), len(model.LEGS), -1)

    def apart(order: tuple[int, ...]) -> float:
        kinematic = ups(legs[:, order].reshape(angles.shape))
        turned = felt @ mounting(*mount(felt, kinematic)).T
        return float(np.arccos(np.clip((turned * kinematic).sum(1), -1, 1)).max())

    errors = {name: apart(order) for name, order in SWAPS.items()}
    likely = min(errors, key=lambda name: errors[name])
    found = apart(tuple(range(len(model.LEGS)))) > max(UP_BOUND, SWAP_RATIO * errors[likely])
    return likely if found else ""


def _why(angles: Array, felt: Array) -> str:
    if legs := swapped(angles, felt):
        return f"It looks as if {legs} were swapped: look at the legs' cables before anything else."
    return "Is the floor level? Are the joints right?"


def _hold(session: Session, pose: Array, time: float) -> None:
    session.hold(pose)


def weigh(readings: Array) -> tuple[Array, Array, float]:
    """Bias ``[3]`` m/s^2 and scale ``[3]`` for which every one of ``readings [N, 3]`` has the length g.

    Gauss-Newton on |scale (reading - bias)| = g; six numbers, from seven poses. The third is the standard error of the
    bias's worst axis, m/s^2, where lengths are off by LENGTH_BOUND: an axis that was not turned both ways up can have
    any bias, and a scale that makes up for it.
    """
    bias, scale = np.zeros(3), np.ones(3)
    for _ in range(20):
        true = scale * (readings - bias)
        length = np.linalg.norm(true, axis=1)
        unit = true / length[:, None]
        slope = np.hstack([-unit * scale, unit * (readings - bias)])
        step = np.linalg.lstsq(slope, GRAVITY - length, rcond=None)[0]
        bias, scale = bias + step[:3], scale + step[3:]
    variance = np.diag(np.linalg.inv(slope.T @ slope + 1e-9 * np.eye(6)))  # finite, however little is known
    return bias, scale, LENGTH_BOUND * float(np.sqrt(variance[:3].max()))


def mount(sensor: Array, body: Array) -> tuple[float, float]:
    """Roll and pitch, rad, of the mounting that turns directions ``sensor [N, 3]`` into ``body [N, 3]``."""
    angles = np.zeros(2)
    for _ in range(10):
        left = (body - sensor @ mounting(*angles).T).ravel()
        eps = 1e-6
        slope = np.stack(
            [
                (sensor @ (mounting(*(angles + d)) - mounting(*angles)).T).ravel() / eps
                for d in eps * np.eye(2)
            ],
            axis=1,
        )
        angles = angles + np.linalg.lstsq(slope, left, rcond=None)[0]
    return float(angles[0]), float(angles[1])


def allan(rate: Array, dt: float) -> tuple[Array, Array]:
    """Averaging times ``[K]`` s and the Allan deviation ``[K, A]`` of ``rate [N, A]``, overlapping."""
    total = np.cumsum(np.vstack([np.zeros(rate.shape[1]), rate]), axis=0) * dt
    spans = np.unique(np.logspace(0, np.log10(max(2, len(rate) // 5)), 24).astype(int))
    deviation = []
    for span in spans:
        second = total[2 * span :] - 2 * total[span:-span] + total[: -2 * span]
        deviation.append(np.sqrt((second**2).mean(0) / 2) / (span * dt))
    return spans * dt, np.array(deviation)


def smooth(values: Array, over: int = 25) -> Array:
    """Means of ``over`` readings, as long as before: a line that can be looked at."""
    kernel = np.ones(over) / over
    return np.convolve(np.pad(values, (over // 2, over - 1 - over // 2), mode="edge"), kernel, mode="valid")


def _normal(feet: Array) -> Array:
    """The unit normal, upwards, of the plane through ``feet [4, 3]``."""
    centred = feet - feet.mean(0)
    normal = np.linalg.svd(centred)[2][2]
    up_wards: Array = normal * np.sign(normal[2])
    return up_wards


def _shown(state: RobotState) -> tuple[str, float]:
    return "gyro", float(np.linalg.norm(state.gyro))

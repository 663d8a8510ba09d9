"""Where the joints' zeros are: each leg is pushed gently into its mechanical stops, whose angles are known.

Before that, every joint must answer to its own name (``order``). Then the robot hangs. One kind of joint at a time, all
four legs in parallel so that they cannot meet: little torque, much damping, until the joint does not move any more. The
other joints hold their pose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration import order
from calibration.result import Check, Line, Plot, Result, numbers
from calibration.session import Log, Session
from robots.a1 import model
from robots.calibration_parts import Joints
from robots.robot import Array, RobotState

# rad; the stops of the vendor's own description of the A1. Not confirmed on a robot: the hip's may be the software's.
STOPS = {"hip": (-0.80285, 0.80285), "thigh": (-1.04720, 4.18879), "calf": (-2.69653, -0.91630)}
# Which stops hanging legs can be pushed into without touching anything, 0 lower and 1 upper, for FR, FL, RR, RL: hips
# outwards, one side of the body after the other; thighs forwards, because behind is the trunk; calves to both.
USED: dict[str, tuple[tuple[int | None, ...], ...]] = {
    "hip": ((0, None, 0, None), (None, 1, None, 1)),
    "thigh": ((0, 0, 0, 0),),
    "calf": ((0, 0, 0, 0), (1, 1, 1, 1)),
}
TORQUE = {"hip": 7.0, "thigh": 6.0, "calf": 3.0}  # N m, at the end of the push; 15 N at a foot from the calf
KD = 2.0  # N m s/rad while pushing, so that a leg swings slowly
PUSH = 1.0  # s until the torque is all there
LONGEST = 6.0  # s of one push
STILL = 0.15  # rad/s; smoothed over SMOOTH readings it is a joint at rest
SMOOTH = 10
HZ = 100.0
READ = 0.3  # s at the stop

# rad; a driver judges raw angles, by limits that are 0.087 rad outside the true ones: more would trip it at a stop.
OFFSET_BOUND = 0.085
SPREAD_BOUND = 0.0087  # rad, 0.5 degrees, between the offsets that the two stops of one joint give
REST_BOUND = 0.12  # rad/s at a stop, which gives a little


def measure(session: Session) -> Result:
    """Ask all joints for their names, then ``offsets``. Raises CalibrationStopped."""
    order.check(session)
    return offsets(session)


def offsets(session: Session) -> Result:
    """Push all joints into their stops and compare. Raises CalibrationStopped."""
    session.place("hang")
    session.offset = np.zeros(0)
    home = session.info.stand_pos
    session.move(home, 2.0, "legs into the middle")
    found: dict[int, list[float]] = {joint: [] for joint in range(session.info.joints)}
    speed, lines = 0.0, []
    for kind, name in enumerate(model.LEG_JOINTS):
        for sides in USED[name]:
            pushed = [(leg, side) for leg, side in enumerate(sides) if side is not None]
            joints = np.array([len(model.LEG_JOINTS) * leg + kind for leg, _ in pushed])
            stops = np.array([STOPS[name][side] for _, side in pushed])
            torque = TORQUE[name] * np.array([1.0 if side else -1.0 for _, side in pushed])
            log = push(session, home, joints, torque, f"{name}s into their stops")
            rest = log.time > log.time[-1] - READ
            for joint, stop in zip(joints, stops, strict=True):
                found[int(joint)].append(float(log.joint_pos[rest, joint].mean() - stop))
            speed = max(speed, float(np.abs(log.joint_vel[rest][:, joints].mean(0)).max()))
            label = f"{name}, {('lower', 'upper')[pushed[0][1]]} stop"
            lines.append(Line(label, log.time - log.time[0], log.joint_pos[:, joints[0]] - stops[0]))
            if name == "hip":
                session.move(home, 1.0, "back to the middle")
        session.move(home, 1.2, "back to the middle")
    session.damp(0.3)
    offset = np.array([np.mean(one) for one in found.values()])
    spread = np.array([max(one) - min(one) for one in found.values()])
    worst = int(np.argmax(np.abs(offset)))
    checks = (
        Check("largest offset", float(offset[worst]), OFFSET_BOUND, "rad", _put_together(worst)),
        Check(
            "two stops of a joint disagree by",
            float(spread.max()),
            SPREAD_BOUND,
            "rad",
            "Is a leg in the way?",
        ),
        Check(
            "still moving at a stop", speed, REST_BOUND, "rad/s", "It did not reach its stop: is it blocked?"
        ),
    )
    plot = Plot("One joint of each kind on its way into its stop", "s", "rad from the stop", lines)
    bars = Plot(
        "Offsets", "joint", "rad", (Line("offset", np.arange(offset.size, dtype=float), offset, dots=True),)
    )
    return Result(
        Joints(offset_rad=numbers(offset)),
        "mechanical stops, hanging",
        checks,
        (plot, bars),
        {"stop_spread_rad": float(spread.max())},
    )


def push(session: Session, home: Array, joints: NDArray[np.intp], torque: Array, doing: str) -> Log:
    """Push ``joints [K]`` with a torque that grows to ``torque [K]`` N m, and stay there for a moment."""
    info = session.info
    kp, kd = info.default_kp.copy(), info.default_kd.copy()
    kp[joints], kd[joints] = 0.0, KD

    def act(time: float) -> None:
        feed = np.zeros(info.joints)
        feed[joints] = torque * min(time / PUSH, 1.0)
        session.hold(home, kp, kd, feed)

    speeds, rested = np.zeros(len(joints)), [0.0]

    def is_there(time: float, state: RobotState) -> bool:
        nonlocal speeds
        speeds = speeds + (state.joint_vel[joints] - speeds) / SMOOTH
        if time < PUSH or np.abs(speeds).max() > STILL:
            rested[0] = time
        return time - rested[0] > 2 * READ

    first = int(joints[0])

    def shown(state: RobotState) -> tuple[str, float]:
        return info.joint_names[first], float(state.joint_pos[first])

    return session.record(LONGEST, HZ, act, doing, shown, is_there)


def _put_together(joint: int) -> str:
    return f"{model.JOINT_NAMES[joint]} met something before its stop, or is put together or wired wrongly."

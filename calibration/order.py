"""Does every joint answer to its own name, and turn the right way? Asked before any offset is believed.

Motors and encoders sit together: a leg whose plug is swapped with another's obeys perfectly, in the other's name. Only
weight and the body's own motion can tell. Three questions, each of which needs the answers before it:

1. Hanging, one joint after the other is pushed by a small torque. It must move, by its own reading, to where it was
   pushed: from then on angles may be commanded to it, and before that it only damps. Then the hips sway about 0: what
   one weighs tells the side of the body that its leg is on, or that it turns the other way.
2. On the belly with folded legs hips are near 0, thighs near 1.4 and calves near -2.7 rad: joints of one leg that were
   mixed up, and thighs and calves that turn the other way, read something else.
3. Standing, a pose that is the same for all legs, the calves of two legs straighten: front, rear, right or left goes
   up, as the IMU feels, and a pair across the body rocks it. One order of the legs explains three pairs best.

A leg's three motors hang on one plug, so the calf's leg is taken for the thigh's and the hip's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np

from calibration.leg_weight import holding_torque
from calibration.session import CalibrationStopped, Log, Session, up
from robots.a1 import model
from robots.robot import Array, RobotState

LEGS, KINDS = len(model.LEGS), len(model.LEG_JOINTS)
HZ = 100.0
TORQUE, RISE = 6.0, 10.0  # N m at most, and N m/s: a push begins with nothing
KD = 2.0  # N m s/rad
MOVED = 0.1  # rad that a push is to move a joint
SURE = 0.03  # rad; more is no noise
LONGEST = 0.8  # s of a push
MOVE = 0.6  # s
SWAY, PERIOD = 0.15, 1.2  # rad and s
FOLDED = (0.7, 2.05)  # rad, angles without sign that part hips from thighs, and thighs from calves
PAIRS = ((0, 1), (0, 2), (0, 3))  # legs that straighten together
STRAIGHTEN = 0.2  # rad, of their calves; 3 cm
# How far up moves in the body (sines of angles, forwards and left) when both front legs, and both left ones, straighten
RISE_BY = np.array([0.07, 0.11])
UNLIKE, CLEARLY = 0.07, 1.3  # of all three pairs; and how much worse the next best order must be
CORNERS = np.sign(model.HIP_POSITION[:, :2])  # [4, 2] forwards, left
TO_DO = (
    "Nothing was measured or written. Look at the legs' plugs (were they off for a repair?) and at the driver's order "
    "and signs of joints, and start again"
)

Answer = tuple[int, bool]  # the joint that a command moves, and whether it turns the other way


def check(session: Session) -> None:
    """Ask all joints. Raises CalibrationStopped, which names what is wrong; also when the robot must be stopped."""
    session.offset = np.zeros(0)
    hanging = _place(session, "hang")
    if (hanging[KINDS - 1 :: KINDS] > 0).any():  # where no calf can be: folded legs say which joint it is
        _tell(folded(_place(session, "belly")))
        session.place("hang")
    session.check()
    known: list[int] = []
    for kind in range(KINDS):  # hips first: a hanging leg falls inwards, onto its neighbour
        for joint in range(kind, LEGS * KINDS, KINDS):
            nudge(session, joint, known)
        known += range(kind, LEGS * KINDS, KINDS)
        _to_middle(session, known)
    mirrored = are_mirrored(sway(session))
    session.damp(0.1)
    _tell(folded(_place(session, "belly")))
    session.check()
    legs = order(tilts(session))
    _tell([named(joint, legs, mirrored) for joint in range(LEGS * KINDS)])


def named(joint: int, legs: Sequence[int], mirrored: Sequence[bool]) -> Answer:
    """What answers to ``joint``, where ``legs`` answer to the legs, and hips weigh as on the other side of the body."""
    leg, kind = divmod(joint, KINDS)
    other_side = model.SIDE[leg] != model.SIDE[legs[leg]]
    return legs[leg] * KINDS + kind, kind == 0 and mirrored[leg] != other_side


def nudge(session: Session, joint: int, known: Sequence[int]) -> None:
    """Push ``joint``, while those that have answered are held. Raises CalibrationStopped when it goes elsewhere."""
    name, info, start = model.JOINT_NAMES[joint], session.info, session.read().joint_pos
    middle = (info.joint_lower[joint] + info.joint_upper[joint]) / 2
    way = 1.0 if start[joint] < middle else -1.0  # away from its stop
    kp, kd = _stiff(session, known), info.default_kd.copy()
    kd[joint] = KD

    def act(time: float) -> None:
        torque = np.zeros(info.joints)
        torque[joint] = way * min(RISE * time, TORQUE)
        session.hold(info.stand_pos, kp, kd, torque)

    def shown(state: RobotState) -> tuple[str, float]:
        return name, float(state.joint_pos[joint])

    def is_there(time: float, state: RobotState) -> bool:
        return bool(way * (state.joint_pos[joint] - start[joint]) > MOVED)

    log = session.record(LONGEST, HZ, act, f"does {name} answer?", shown, is_there)
    moved = log.joint_pos[-1] - log.joint_pos[0]
    if way * moved[joint] < SURE:
        most = int(np.argmax(np.abs(moved)))
        raise CalibrationStopped(
            f"{name} was pushed by up to {way * TORQUE:+.0f} N m and went by {moved[joint]:+.2f} rad, and "
            f"{model.JOINT_NAMES[most]} by {moved[most]:+.2f} rad: it is blocked, or commands and readings are not in "
            f"the same order and of the same sign. {TO_DO}"
        )


def sway(session: Session) -> Log:
    """All hips to and fro about 0, the legs side by side."""
    pose = session.info.stand_pos.copy()

    def act(time: float) -> None:
        pose[::KINDS] = SWAY * np.sin(2 * np.pi * time / PERIOD)
        session.hold(pose)

    return session.record(PERIOD, HZ, act, "what do the hips weigh?")


def are_mirrored(log: Log) -> list[bool]:
    """Whether each hip that sways weighs as one of the body's other side, or one that is turned, would.

    There and back friction cancels: the mean is the weight.
    """
    pos, torque = log.joint_pos.mean(0), log.joint_torque.mean(0)[::KINDS]
    ours = holding_torque(pos)[::KINDS]
    pos[::KINDS] *= -1.0
    theirs = -holding_torque(pos)[::KINDS]
    return [bool(other) for other in np.abs(torque - theirs) < np.abs(torque - ours)]


def _to_middle(session: Session, known: Sequence[int]) -> None:
    """Move the joints that have answered to where they are when it stands; the others damp."""
    kp, begun, end = _stiff(session, known), session.read().joint_pos, session.info.stand_pos

    def act(time: float) -> None:
        session.hold(begun + min(time / MOVE, 1.0) * (end - begun), kp)

    session.record(MOVE + 0.1, HZ, act, "legs into the middle")


def _stiff(session: Session, known: Sequence[int]) -> Array:
    kp = np.zeros(session.info.joints)
    kp[list(known)] = session.info.default_kp[list(known)]
    return kp


def folded(pos: Array) -> list[Answer]:
    """Which joint each one of a robot with folded legs is, by its angle ``[12]`` rad. Raises CalibrationStopped."""
    kinds = np.digitize(np.abs(pos), FOLDED).reshape(LEGS, KINDS)
    for leg, found in enumerate(kinds):
        if set(found) != set(range(KINDS)):
            angles = ", ".join(f"{angle:.2f}" for angle in pos.reshape(LEGS, KINDS)[leg])
            raise CalibrationStopped(
                f"leg {model.LEGS[leg]} reads {angles} rad, where a folded one has about 0, 1.4, -2.7: fold the legs "
                "under the body. If they are, a zero is off by more than can be measured. Nothing was written"
            )
    joints = (np.arange(LEGS)[:, None] * KINDS + kinds).ravel()
    turned = np.sign(pos) == np.array([0.0, -1.0, 1.0])[kinds.ravel()]  # a hip's sign says nothing
    return [(int(joint), bool(other)) for joint, other in zip(joints, turned, strict=True)]


def tilts(session: Session) -> Array:
    """How up moves in the body, forwards and left ``[3, 2]``, when each of PAIRS straightens; then it lies down."""
    session.stand()
    found, stand = [], session.info.stand_pos
    level = _up(session, stand)
    for pair in PAIRS:
        pose = stand.copy()
        pose[[KINDS * leg + 2 for leg in pair]] += STRAIGHTEN
        session.move(pose, 0.4, "who answers to " + " and ".join(model.LEGS[leg] for leg in pair))
        found.append(_up(session, pose) - level)
        session.move(stand, 0.4, "back")
    session.lie()
    return np.array(found)


def order(found: Array) -> tuple[int, ...]:
    """The legs that answer to FR, FL, RR and RL, by the ``tilts``. Raises CalibrationStopped when none explain them."""
    orders = list(permutations(range(LEGS)))
    off = [
        np.linalg.norm([_unlike(tilt, legs[a], legs[b]) for tilt, (a, b) in zip(found, PAIRS, strict=True)])
        for legs in orders
    ]
    best, second = np.sort(off)[:2]
    if best > UNLIKE or second < CLEARLY * best:
        raise CalibrationStopped(
            f"pairs of legs straightened, and the body went up at {found.round(3).tolist()} (forwards, left): no order "
            "of the legs explains that. Is the floor hard and level, and no leg in the way? Nothing was written"
        )
    return orders[int(np.argmin(off))]


def _unlike(tilt: Array, a: int, b: int) -> float:
    """How far ``tilt [2]`` is from what it is when the legs ``a`` and ``b`` straighten."""
    if (CORNERS[a] + CORNERS[b]).any():
        return float(np.hypot(*(tilt - RISE_BY * (CORNERS[a] + CORNERS[b]) / 2)))
    other = next(leg for leg in range(LEGS) if leg not in (a, b))
    across = RISE_BY * CORNERS[other]  # it rocks, one way or the other
    share = float(np.clip(tilt @ across / (across @ across), -1.2, 1.2))
    return float(np.hypot(*(tilt - share * across)))


def _up(session: Session, pose: Array) -> Array:
    log = session.record(0.3, HZ, lambda time: session.hold(pose), "who stands where?")
    return up(log.quat_xyzw[-20:])[:2]


def _place(session: Session, pose: str) -> Array:
    """Angles ``[12]`` rad in ``pose``, also where the robot's safety does not like them: they say why."""
    try:
        session.place(pose)
    except CalibrationStopped:
        if session.pose != pose:
            raise
    return session.robot.read().joint_pos


def wrong(answers: Sequence[Answer]) -> list[str]:
    """What is wrong with the joints that answer to each command, by name."""
    found, told, names = [], set[int](), model.JOINT_NAMES
    to = [joint for joint, _ in answers]
    for a, b in combinations(range(LEGS), 2):
        ours, theirs = (set(range(leg * KINDS, (leg + 1) * KINDS)) for leg in (a, b))
        if {to[joint] for joint in ours} == theirs and {to[joint] for joint in theirs} == ours:
            found.append(f"{model.LEGS[a]} and {model.LEGS[b]} are swapped")
            told |= ours | theirs
    for asked, (joint, turned) in enumerate(answers):
        if joint != asked and asked not in told:
            mutual = to[joint] == asked
            one = f"{names[asked]} and {names[joint]} are swapped"
            found.append(one if mutual else f"{names[joint]} answers to {names[asked]}'s command")
            told |= {asked, joint} if mutual else {asked}
        if turned:
            found.append(f"{names[joint]} turns the other way")
    return found


def _tell(answers: Sequence[Answer]) -> None:
    """Raises CalibrationStopped when something is wrong."""
    if found := wrong(answers):
        raise CalibrationStopped(f"{'; '.join(found)}. {TO_DO}")

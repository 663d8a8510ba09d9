"""Does every joint answer to its own name, and turn the right way? Asked before any offset is believed.

Motors and encoders sit together: a leg whose plug is swapped with another's obeys perfectly, in the other's name. Only
weight and the body's own motion can tell. Three questions, each of which needs the answers before it:

1. Hanging, one joint after the other is pushed by a small torque, the others damp. It must move, by its own reading,
   to where it was pushed: from then on angles may be commanded. What a hip weighs at its angle tells the side of the
   body that its leg is on, or that it turns the other way.
2. On the belly with folded legs hips are near 0, thighs near 1.4 and calves near -2.7 rad: joints of one leg that were
   mixed up, and thighs and calves that turn the other way, read something else.
3. Standing, a pose that is the same for all legs, the calves of two legs straighten: front, rear, right or left goes
   up, as the IMU feels, and of three pairs there is one order of the legs that explains all.

A leg's three motors hang on one plug, so the calf's leg is taken for the thigh's and the hip's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np

from calibration.imu import up
from calibration.leg_weight import holding_torque
from calibration.session import CalibrationStopped, Log, Session
from robots.a1 import model
from robots.robot import Array, RobotState

LEGS, KINDS = len(model.LEGS), len(model.LEG_JOINTS)
HZ = 100.0
TORQUE, RISE = 6.0, 10.0  # N m at most, and N m/s: a push begins with nothing
KD = 2.0  # N m s/rad
MOVED = 0.1  # rad that a push is to move a joint
LAST = 5  # readings of a push, in which the joint moves
SURE = 0.03  # rad; more is no noise
LONGEST = 0.8  # s of a push
FOLDED = (0.7, 2.05)  # rad, angles without sign that part hips from thighs, and thighs from calves
PAIRS = ((0, 1), (0, 2), (0, 3))  # legs that straighten together
STRAIGHTEN = 0.2  # rad, of their calves; 3 cm
TILT = 0.025  # that up must move in the body (sine of an angle) for one side to have gone up
ALONG = 0.5  # a side goes up along one axis: the other has no more than this share of it
# (forwards, left): that up moves in the body -> the legs that went up
SIDES = {(1, 0): {0, 1}, (-1, 0): {2, 3}, (0, -1): {0, 2}, (0, 1): {1, 3}}
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
    nudged = [nudge(session, joint) for joint in range(LEGS * KINDS)]
    session.damp(0.1)
    _tell(folded(_place(session, "belly")))
    session.check()
    mirrored = [is_mirrored(nudged[hip], hip) for hip in range(0, LEGS * KINDS, KINDS)]
    legs = order(tilts(session))
    _tell([named(joint, legs, mirrored) for joint in range(LEGS * KINDS)])


def named(joint: int, legs: Sequence[int], mirrored: Sequence[bool]) -> Answer:
    """What answers to ``joint``, where ``legs`` answer to the legs, and hips weigh as on the other side of the body."""
    leg, kind = divmod(joint, KINDS)
    other_side = model.SIDE[leg] != model.SIDE[legs[leg]]
    return legs[leg] * KINDS + kind, kind == 0 and mirrored[leg] != other_side


def nudge(session: Session, joint: int) -> list[Log]:
    """Push ``joint``, a hip there and back, the others damp. Raises CalibrationStopped when it goes elsewhere."""
    name, logs = model.JOINT_NAMES[joint], []
    middle = (session.info.joint_lower + session.info.joint_upper)[joint] / 2
    first = 1.0 if session.read().joint_pos[joint] < middle else -1.0  # away from its stop
    for way in (first, -first)[: 2 if joint % KINDS == 0 else 1]:
        log = _push(session, joint, way)
        moved = log.joint_pos[-1] - log.joint_pos[0]
        if way * moved[joint] < SURE:
            most = int(np.argmax(np.abs(moved)))
            raise CalibrationStopped(
                f"{name} was pushed by up to {way * TORQUE:+.0f} N m and went by {moved[joint]:+.2f} rad, and "
                f"{model.JOINT_NAMES[most]} by {moved[most]:+.2f} rad: it is blocked, or commands and readings are not "
                f"in the same order and of the same sign. {TO_DO}"
            )
        logs.append(log)
    return logs


def _push(session: Session, joint: int, way: float) -> Log:
    start = session.read().joint_pos
    kp, kd = np.zeros(session.info.joints), session.info.default_kd.copy()
    kd[joint] = KD

    def act(time: float) -> None:
        torque = np.zeros(session.info.joints)
        torque[joint] = way * min(RISE * time, TORQUE)
        session.hold(start, kp, kd, torque)

    def shown(state: RobotState) -> tuple[str, float]:
        return model.JOINT_NAMES[joint], float(state.joint_pos[joint])

    def is_there(time: float, state: RobotState) -> bool:
        return bool(way * (state.joint_pos[joint] - start[joint]) > MOVED)

    return session.record(LONGEST, HZ, act, f"does {model.JOINT_NAMES[joint]} answer?", shown, is_there)


def is_mirrored(logs: Sequence[Log], hip: int) -> bool:
    """Whether a hip that was nudged to either side weighs as one of the body's other side, or turned, would.

    To one side friction is added to the weight, to the other it is taken away: the mean is the weight.
    """
    torque = float(np.mean([log.joint_torque[-LAST:, hip].mean() for log in logs]))
    pos = np.mean([log.joint_pos[-LAST:].mean(0) for log in logs], axis=0)
    ours = holding_torque(pos)[hip]
    pos[hip] = -pos[hip]
    theirs = -holding_torque(pos)[hip]
    return bool(abs(torque - theirs) < abs(torque - ours))


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
    sides = [_side(tilt) for tilt in found]
    for legs in permutations(range(LEGS)):
        raised = [{legs[a], legs[b]} for a, b in PAIRS]
        if [one if one in SIDES.values() else None for one in raised] == sides:
            return legs
    raise CalibrationStopped(
        f"pairs of legs straightened, and the body went up at {found.round(3).tolist()} (forwards, left): no order of "
        "the legs explains that. Is the floor hard and level, and no leg in the way? Nothing was written"
    )


def _side(tilt: Array) -> set[int] | None:
    """The legs of the side that went up; None when it was no side: a pair across the body."""
    axis = int(np.argmax(np.abs(tilt)))
    if abs(tilt[axis]) < TILT or abs(tilt[1 - axis]) > ALONG * abs(tilt[axis]):
        return None
    sign = int(np.sign(tilt[axis]))
    return SIDES[(sign, 0) if axis == 0 else (0, sign)]


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

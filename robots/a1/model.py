"""The Unitree A1 as numbers: joints, limits, gains and leg geometry, in SI units and the body frame.

Legs are ordered FR, FL, RR, RL and each leg's joints hip, thigh, calf, as the motors are numbered. A hip turns
about x (roll); a thigh and a calf turn about y (pitch). At angle zero the leg points straight down.
"""

from __future__ import annotations

import numpy as np

from robots.robot import Array, RobotInfo

LEGS = ("FR", "FL", "RR", "RL")
LEG_JOINTS = ("hip", "thigh", "calf")
JOINT_NAMES = tuple(f"{leg}_{joint}" for leg in LEGS for joint in LEG_JOINTS)

# One leg's joint limits, rad. The vendor's own, narrower than the range of the mechanics at the hip.
LEG_LOWER = (-0.802, -1.05, -2.70)
LEG_UPPER = (0.802, 4.19, -0.916)
LEG_STAND = (0.0, 0.9, -1.8)

# One leg's gains, N m/rad and N m s/rad. kp 100 learns as well as DayDreamer's 80 and holds a stand more stiffly.
LEG_KP = (100.0, 100.0, 100.0)
LEG_KD = (1.0, 2.0, 2.0)

MAX_TORQUE = 33.5  # N m, every motor
MAX_VELOCITY = 21.0  # rad/s, every motor
CONTACT_FORCE = 20.0  # a foot that reads more is on the ground

SIDE = np.array([-1.0, 1.0, -1.0, 1.0])  # y sign of each leg: right is -1, left is +1
HIP_POSITION = np.array(  # [4, 3] m, hip joint in the body frame
    [[0.183, -0.047, 0.0], [0.183, 0.047, 0.0], [-0.183, -0.047, 0.0], [-0.183, 0.047, 0.0]]
)
HIP_OFFSET = 0.08505  # m, hip joint to thigh joint, outwards (along SIDE)
THIGH_LENGTH = 0.2  # m, thigh joint to calf joint
CALF_LENGTH = 0.2  # m, calf joint to the centre of the foot
FOOT_RADIUS = 0.02  # m
MASS = 12.458  # kg, the whole robot


def info(simulated: bool) -> RobotInfo:
    """What is known of an A1 before connecting to it.

    Args:
        simulated: True for the stand-in ("a1-sim"), False for the robot itself ("a1").
    """
    return RobotInfo(
        name="a1-sim" if simulated else "a1",
        joint_names=JOINT_NAMES,
        foot_names=LEGS,
        joint_lower=_each_leg(LEG_LOWER),
        joint_upper=_each_leg(LEG_UPPER),
        max_torque=np.full(len(JOINT_NAMES), MAX_TORQUE),
        max_velocity=np.full(len(JOINT_NAMES), MAX_VELOCITY),
        stand_pos=_each_leg(LEG_STAND),
        default_kp=_each_leg(LEG_KP),
        default_kd=_each_leg(LEG_KD),
        contact_force=CONTACT_FORCE,
        simulated=simulated,
    )


def _each_leg(values: tuple[float, float, float]) -> Array:
    """The same three numbers for every leg, ``[12]``."""
    return np.tile(np.array(values), len(LEGS))

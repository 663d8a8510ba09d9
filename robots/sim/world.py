"""The physics: an A1 on a flat ground in PyBullet, without motors, sensors or time-keeping.

Bullet's default damping, 0.04 linear and angular, is left as it is: it brakes a robot that goes at 1.2 m/s with 1.3 N,
far more than air does.

PyBullet is imported when a World is made, not before, so that a computer without it can still import the stand-in.
"""

from __future__ import annotations

import importlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robots.a1 import model
from robots.robot import Array, RobotError
from robots.sim import urdf

GRAVITY = 9.81  # m/s^2
HANDS = 1000.0  # N, with which a person holds a robot
TRUNK = -1  # PyBullet's index of the base link
# A foot is a part of its calf: a contact of the calf is the foot's when it is this near the foot's centre, m.
FOOT_REACH = 1.2 * model.FOOT_RADIUS


@dataclass(frozen=True)
class Base:
    """The trunk, at its geometric centre, in the world frame."""

    position: Array  # [3] m
    quat_xyzw: Array  # [4] body to world
    rotation: Array  # [3, 3] body to world
    velocity: Array  # [3] m/s
    angular: Array  # [3] rad/s


class World:
    """One robot, one ground, one PyBullet client. Several can live in one process."""

    def __init__(self, dt: float, friction: float, payload: float = 0.0, gui: bool = False):
        """Build the scene.

        Args:
            dt: physics step, s.
            friction: Coulomb coefficient between the robot and the ground.
            payload: kg added at the trunk's centre of mass.
            gui: open PyBullet's window.

        Raises:
            RobotError: PyBullet is not installed, or its client cannot start.
        """
        self.bullet, self.data = _bullet()
        p = self.bullet
        self.client: int = p.connect(p.GUI if gui else p.DIRECT)
        if self.client < 0:
            raise RobotError("PyBullet's client does not start; without a display, construct with gui=False")
        self._at = {"physicsClientId": self.client}
        p.setGravity(0, 0, -GRAVITY, **self._at)
        p.setPhysicsEngineParameter(fixedTimeStep=dt, deterministicOverlappingPairs=1, **self._at)
        self.dt, self.mass = dt, model.MASS
        self.ground: int = p.createMultiBody(0, p.createCollisionShape(p.GEOM_PLANE, **self._at), **self._at)
        self.robot: int = self._load()
        self._stand: int | None = None  # what holds the trunk
        count = p.getNumJoints(self.robot, self.client)
        named = [p.getJointInfo(self.robot, index, self.client) for index in range(count)]
        self.links = {"trunk": TRUNK, **{joint[12].decode(): index for index, joint in enumerate(named)}}
        self.joints = [self.links[name] for name in model.JOINT_NAMES]  # a link shares its joint's index
        self.calves = [self.links[f"{leg}_calf"] for leg in model.LEGS]
        self._set_materials(friction, payload)
        self._free_joints()
        inertial = p.getDynamicsInfo(self.robot, TRUNK, **self._at)
        self._to_link = p.invertTransform(inertial[3], inertial[4])  # PyBullet speaks of the centre of mass

    def step(self, torque: Array) -> None:
        """Apply ``torque`` [12] N m for one physics step."""
        p = self.bullet
        p.setJointMotorControlArray(
            self.robot, self.joints, p.TORQUE_CONTROL, forces=torque.tolist(), physicsClientId=self.client
        )
        p.stepSimulation(self.client)

    def joint_states(self) -> tuple[Array, Array]:
        """Angles [12] rad and velocities [12] rad/s."""
        states = self.bullet.getJointStates(self.robot, self.joints, self.client)
        pos, vel, _, _ = zip(*states, strict=True)
        return np.array(pos), np.array(vel)

    def base(self) -> Base:
        """Where the trunk is and how it moves."""
        p = self.bullet
        position, quat = p.getBasePositionAndOrientation(self.robot, self.client)
        velocity, angular = p.getBaseVelocity(self.robot, self.client)
        centre, link_quat = p.multiplyTransforms(position, quat, *self._to_link)
        (a, b, c), (x, y, z) = angular, np.subtract(centre, position).tolist()
        turning = np.array([b * z - c * y, c * x - a * z, a * y - b * x])  # np.cross takes ten times as long
        return Base(
            position=np.array(centre),
            quat_xyzw=np.array(link_quat),
            rotation=np.array(p.getMatrixFromQuaternion(link_quat)).reshape(3, 3),
            velocity=np.array(velocity) + turning,
            angular=np.array(angular),
        )

    def foot_force(self) -> Array:
        """Normal force of the ground on every foot during the last step, ``[4]`` N."""
        force = np.zeros(len(self.calves))
        for contact in self.bullet.getContactPoints(self.robot, self.ground, **self._at):
            if contact[3] in self.calves:
                leg = self.calves.index(contact[3])
                if np.linalg.norm(np.subtract(contact[5], self._foot(leg))) < FOOT_REACH:
                    force[leg] += contact[9]
        return force

    def foot_speed(self) -> Array:
        """How fast the lowest point of every foot moves over the ground, ``[4]`` m/s."""
        p = self.bullet
        speed = np.zeros(len(self.calves))
        for leg, calf in enumerate(self.calves):
            state = p.getLinkState(self.robot, calf, 1, 1, self.client)
            lever = np.subtract(self._foot(leg), state[0]) - [0.0, 0.0, model.FOOT_RADIUS]
            velocity = np.array(state[6]) + np.cross(state[7], lever)
            speed[leg] = np.hypot(velocity[0], velocity[1])
        return speed

    def set_friction(self, friction: float) -> None:
        """Bullet multiplies the friction of the two bodies: the robot has 1, and the ground the coefficient."""
        self.bullet.changeDynamics(self.ground, TRUNK, lateralFriction=friction, restitution=0.0, **self._at)

    def set_payload(self, payload: float) -> None:
        """Carry ``payload`` kg, a point at the trunk's centre of mass."""
        self.mass = model.MASS + payload
        # The inertia is said again, because Bullet makes up another one whenever it is given a mass.
        mass, inertia = self._trunk_mass + payload, self._trunk_inertia
        self.bullet.changeDynamics(self.robot, TRUNK, mass=mass, localInertiaDiagonal=inertia, **self._at)

    def place(self, position: Array, quat_xyzw: Array, joints: Array) -> None:
        """Put the trunk's centre and the joints there, at rest."""
        p = self.bullet
        inertial = p.invertTransform(*self._to_link)
        com, quat = p.multiplyTransforms(position.tolist(), quat_xyzw.tolist(), *inertial)
        p.resetBasePositionAndOrientation(self.robot, com, quat, self.client)
        p.resetBaseVelocity(self.robot, [0, 0, 0], [0, 0, 0], self.client)
        for index, angle in zip(self.joints, joints.tolist(), strict=True):
            p.resetJointState(self.robot, index, angle, 0.0, self.client)

    def fix(self, fixed: bool) -> None:
        """Hold the trunk where it is, as a stand does, or let it go."""
        p = self.bullet
        if self._stand is not None:
            p.removeConstraint(self._stand, self.client)
            self._stand = None
        if fixed:
            com, quat = p.getBasePositionAndOrientation(self.robot, self.client)
            self._held_at = np.array(com), quat
            here, none = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]
            self._stand = p.createConstraint(
                self.robot,
                TRUNK,
                -1,
                -1,
                p.JOINT_FIXED,
                here,
                here,
                com,
                none,
                quat,
                physicsClientId=self.client,
            )

    def carry(self, by: Array) -> None:
        """Move the trunk, held as a stand or hands do, by ``by`` [3] m from where it is held."""
        p = self.bullet
        if self._stand is None:
            self.fix(True)
        held, quat = self._held_at
        self._held_at = held + by, quat
        p.changeConstraint(
            self._stand, (held + by).tolist(), quat, maxForce=HANDS, physicsClientId=self.client
        )

    def rub(self, coulomb: Array, viscous: Array) -> None:
        """Give the joints friction: ``[12]`` N m, and ``[12]`` N m s/rad that grows with speed."""
        p = self.bullet
        # A velocity motor with little force is Coulomb friction, solved with the contacts and so always stable.
        still = [0.0] * len(self.joints)
        p.setJointMotorControlArray(
            self.robot,
            self.joints,
            p.VELOCITY_CONTROL,
            targetVelocities=still,
            forces=list(coulomb),
            **self._at,
        )
        for joint, damping in zip(self.joints, viscous, strict=True):
            p.changeDynamics(self.robot, joint, jointDamping=damping, **self._at)

    def push(self, impulse: Array) -> None:
        """Hit the trunk at its centre of mass with ``impulse`` [3] N s, world frame, during the next step."""
        p = self.bullet
        com, _ = p.getBasePositionAndOrientation(self.robot, self.client)
        force = (impulse / self.dt).tolist()
        p.applyExternalForce(self.robot, TRUNK, force, com, p.WORLD_FRAME, self.client)

    def close(self) -> None:
        """Take the scene down. Idempotent."""
        if self.client >= 0:
            self.bullet.disconnect(self.client)
            self.client = -1

    def _load(self) -> int:
        """Load the A1 from our form of its description; PyBullet reads files only."""
        p = self.bullet
        flags = p.URDF_USE_SELF_COLLISION | p.URDF_USE_INERTIA_FROM_FILE
        with tempfile.TemporaryDirectory(prefix="daydreamer-a1-") as folder:
            path = Path(folder) / "a1.urdf"
            path.write_text(urdf.description(self.data / "a1" / "a1.urdf"))
            return int(p.loadURDF(str(path), [0, 0, 1], flags=flags, **self._at))

    def _foot(self, leg: int) -> Array:
        """Centre of a foot, ``[3]`` m in the world; it is a part of the calf."""
        p = self.bullet
        calf = p.getLinkState(self.robot, self.calves[leg], physicsClientId=self.client)
        centre, _ = p.multiplyTransforms(calf[4], calf[5], [0, 0, -model.CALF_LENGTH], [0, 0, 0, 1])
        return np.array(centre)

    def _set_materials(self, friction: float, payload: float) -> None:
        p = self.bullet
        for link in self.links.values():
            p.changeDynamics(self.robot, link, lateralFriction=1.0, restitution=0.0, **self._at)
        trunk = p.getDynamicsInfo(self.robot, TRUNK, **self._at)
        self._trunk_mass, self._trunk_inertia = trunk[0], trunk[2]
        self.set_friction(friction)
        if payload:
            self.set_payload(payload)

    def _free_joints(self) -> None:
        """Switch off the velocity motors that PyBullet puts in every joint."""
        p = self.bullet
        zero = [0.0] * len(self.joints)
        p.setJointMotorControlArray(self.robot, self.joints, p.VELOCITY_CONTROL, forces=zero, **self._at)


def _bullet() -> tuple[Any, Path]:
    """The pybullet module, and the folder of its data."""
    try:
        bullet = importlib.import_module("pybullet")
        data = importlib.import_module("pybullet_data")
    except ModuleNotFoundError as error:
        raise RobotError(
            f"the stand-in needs the module '{error.name}', which is not installed. "
            "From a clone: pip install '.[sim]'"
        ) from error
    return bullet, Path(data.getDataPath())

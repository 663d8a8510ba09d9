"""The A1's mirror against its geometry: the mirrored joints put the feet where the mirror shows them."""

import numpy as np

from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.symmetry import MIRROR
from daydreamer.envs.tasks.walk import WalkConfig, WalkTask
from robots.a1 import kinematics
from robots.fake import FakeRobot

ROBOT = FakeRobot()
INFO = ROBOT.info
TASK = WalkTask(INFO, WalkConfig(see_velocity=True))
SWAP = [1, 0, 3, 2]  # FR <-> FL, RR <-> RL
ACROSS = np.array([1.0, -1.0, 1.0])  # a vector in the mirror y = 0


def poses(count: int = 50) -> np.ndarray:
    """Random joint angles within the limits, [count, 12] rad."""
    rng = np.random.default_rng(0)
    return rng.uniform(INFO.joint_lower, INFO.joint_upper, (count, 12))


def mirror(key: str, value: np.ndarray) -> np.ndarray:
    return MIRROR.mirror({key: value})[key]


def test_every_sensed_key_and_action_has_a_mirror():
    assert TASK.obs_spec.keys() | TASK.act_spec.keys() | {"applied/action"} == MIRROR.keys.keys()
    for key, spec in {**TASK.obs_spec, **TASK.act_spec}.items():
        assert (len(MIRROR.keys[key][0]),) == spec.shape


def test_mirrored_joints_put_the_feet_in_the_mirror():
    for pose in poses():
        feet = kinematics.foot_positions(pose)
        np.testing.assert_allclose(
            kinematics.foot_positions(mirror("joint_pos", pose)), feet[SWAP] * ACROSS, atol=1e-12
        )


def test_mirrored_joint_velocities_move_the_feet_in_the_mirror():
    rng = np.random.default_rng(1)
    for pose in poses(10):
        speed = rng.normal(size=12)
        feet = kinematics.foot_motions(pose, speed)[1]
        mirrored = kinematics.foot_motions(mirror("joint_pos", pose), mirror("joint_vel", speed))[1]
        np.testing.assert_allclose(mirrored, feet[SWAP] * ACROSS, atol=1e-12)


def test_normalising_and_mirroring_commute():
    # What an agent sees mirrored is what it would see of the mirrored robot, and likewise what it asks for.
    for pose in poses(10):
        twin = mirror("joint_pos", pose)
        np.testing.assert_allclose(mirror("action", TASK.to_action(pose)), TASK.to_action(twin), atol=1e-12)
    action = np.random.default_rng(2).uniform(-1, 1, 12)
    np.testing.assert_allclose(
        mirror("joint_pos", TASK.to_rad(action)), TASK.to_rad(mirror("action", action)), atol=1e-12
    )


def test_angular_velocity_mirrors_as_an_axial_vector():
    # gyro x r is a velocity, so it must mirror as one: M (w x r) = (mirror w) x (M r).
    rng = np.random.default_rng(3)
    turn, place = rng.normal(size=3), rng.normal(size=3)
    np.testing.assert_allclose(np.cross(mirror("gyro", turn), place * ACROSS), np.cross(turn, place) * ACROSS)


def run(start: np.ndarray, quat: np.ndarray, gyro: np.ndarray, accel, force, actions) -> list[dict]:
    """What the environment says of a robot with these readings, doing ``actions``."""
    robot = FakeRobot(start=start)
    robot.quat_xyzw, robot.gyro, robot.accel, robot.foot_force = quat, gyro, accel, force
    env = RobotEnv(robot, TASK)
    return [env.reset(), *(env.step({"action": action}) for action in actions)]


def test_the_mirrored_robot_lives_the_mirrored_life_for_the_same_reward():
    rng = np.random.default_rng(4)
    for _ in range(5):
        quat = np.append(0.15 * rng.normal(size=3), 1.0)
        quat /= np.linalg.norm(quat)
        start = INFO.stand_pos + 0.1 * rng.normal(size=12)
        gyro, accel = rng.normal(size=3), np.array([0.3, -0.2, 9.7])
        force = rng.uniform(0, 60, 4)
        actions = rng.uniform(-1, 1, (10, 12)).astype(np.float32)
        one = run(start, quat, gyro, accel, force, actions)
        other = run(
            mirror("joint_pos", start),
            quat * np.array([-1.0, 1.0, -1.0, 1.0]),  # its axis is axial: y stays
            mirror("gyro", gyro),
            accel * ACROSS,
            force[SWAP],
            mirror("action", actions),
        )
        for a, b in zip(one, other, strict=True):
            seen = {key: a[key] for key in TASK.obs_spec}
            for key, value in MIRROR.mirror(seen).items():
                np.testing.assert_allclose(b[key], value, atol=1e-5, err_msg=key)
            np.testing.assert_allclose(b["reward"], a["reward"], atol=1e-4)


def test_mirrored_twice_is_the_original():
    rng = np.random.default_rng(5)
    batch = {
        key: rng.normal(size=(4, 3, *spec.shape)).astype(np.float32)
        for key, spec in {**TASK.obs_spec, **TASK.act_spec}.items()
    }
    twice = MIRROR.mirror(MIRROR.mirror(batch))
    for key, value in batch.items():
        np.testing.assert_array_equal(twice[key], value)

"""The legs' kinematics against the simulator's own model, finite differences, and a stance worked by hand."""

import numpy as np
import pytest

from robots.a1 import kinematics, model

INFO = model.info(simulated=True)


def random_angles(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(INFO.joint_lower, INFO.joint_upper, (count, 12))


def test_straight_legs_point_down():
    # Hip joint (0.183, 0.047, 0), then 0.08505 outwards to y = 0.13205, then 0.2 + 0.2 down.
    expected = [
        [0.183, -0.13205, -0.4],
        [0.183, 0.13205, -0.4],
        [-0.183, -0.13205, -0.4],
        [-0.183, 0.13205, -0.4],
    ]
    np.testing.assert_allclose(kinematics.foot_positions(np.zeros(12)), expected, atol=1e-12)


def test_standing_feet_are_under_the_hips():
    feet = kinematics.foot_positions(INFO.stand_pos)
    # Thigh 0.9 and calf -1.8: x = -0.2 sin 0.9 + 0.2 sin 0.9 = 0, z = -2 * 0.2 cos 0.9 = -0.2486.
    np.testing.assert_allclose(feet[:, 0], model.HIP_POSITION[:, 0], atol=1e-12)
    np.testing.assert_allclose(feet[:, 2], -0.4 * np.cos(0.9), atol=1e-12)


@pytest.fixture(scope="module")
def urdf_feet():
    """Foot positions in the trunk's frame as PyBullet computes them from the robot's description."""
    pybullet = pytest.importorskip("pybullet")
    pybullet_data = pytest.importorskip("pybullet_data")
    client = pybullet.connect(pybullet.DIRECT)
    robot = pybullet.loadURDF(pybullet_data.getDataPath() + "/a1/a1.urdf", physicsClientId=client)
    # The base's own position is its centre of mass; every link's frame is counted from the trunk's origin.
    mass_centre = np.array(pybullet.getDynamicsInfo(robot, -1, physicsClientId=client)[3])
    pybullet.resetBasePositionAndOrientation(robot, mass_centre, [0, 0, 0, 1], physicsClientId=client)
    joints = range(pybullet.getNumJoints(robot, physicsClientId=client))
    about = [pybullet.getJointInfo(robot, joint, physicsClientId=client) for joint in joints]
    names = {entry[1].decode(): entry[0] for entry in about}
    moving = [names[f"{leg}_{part}_joint"] for leg in model.LEGS for part in ("hip", "upper", "lower")]
    toes = [names[f"{leg}_toe_fixed"] for leg in model.LEGS]

    def feet(q: np.ndarray) -> np.ndarray:
        for joint, angle in zip(moving, q, strict=True):
            pybullet.resetJointState(robot, joint, angle, physicsClientId=client)
        states = pybullet.getLinkStates(robot, toes, computeForwardKinematics=True, physicsClientId=client)
        return np.array([state[4] for state in states])

    yield feet
    pybullet.disconnect(client)


def test_feet_are_where_the_simulator_has_them(urdf_feet):
    for q in random_angles(seed=0, count=100):
        np.testing.assert_allclose(kinematics.foot_positions(q), urdf_feet(q), atol=1e-4)


def test_jacobian_is_the_derivative_of_the_feet():
    step = 1e-6
    for q in random_angles(seed=1, count=20):
        exact = kinematics.jacobian(q)
        for joint in range(12):
            nudge = np.zeros(12)
            nudge[joint] = step
            moved = kinematics.foot_positions(q + nudge) - kinematics.foot_positions(q - nudge)
            leg, column = divmod(joint, 3)
            np.testing.assert_allclose(moved[leg] / (2 * step), exact[leg, :, column], atol=1e-8)
            others = np.delete(moved, leg, axis=0)
            assert not others.any(), "a joint moves its own leg's foot only"


def test_foot_velocities_follow_the_path():
    rng = np.random.default_rng(2)
    q, dq, step = random_angles(seed=2, count=1)[0], rng.normal(size=12), 1e-6
    moved = kinematics.foot_positions(q + step * dq) - kinematics.foot_positions(q - step * dq)
    np.testing.assert_allclose(kinematics.foot_motions(q, dq)[1], moved / (2 * step), atol=1e-7)


def test_foot_velocities_are_the_jacobian_times_the_joint_velocities():
    rng = np.random.default_rng(6)
    q, dq = random_angles(seed=6, count=50), rng.normal(size=(50, 12))
    expected = kinematics.jacobian(q) @ dq.reshape(50, 4, 3, 1)
    positions, velocities, _ = kinematics.foot_motions(q, dq)
    np.testing.assert_allclose(velocities, expected[..., 0], atol=1e-12)
    np.testing.assert_allclose(positions, kinematics.foot_positions(q), atol=1e-12)


def test_calves_turn_about_the_rolled_pitch_axis():
    q, dq = np.zeros(12), np.zeros(12)
    dq[0], dq[1], dq[2] = 0.5, 2.0, -0.7
    # Hip at zero: the roll is about x, thigh and calf add about y.
    _, _, turns = kinematics.foot_motions(q, dq)
    np.testing.assert_allclose(turns[0], [0.5, 1.3, 0.0], atol=1e-12)
    q[0] = np.pi / 2  # rolled by a quarter turn, the leg's y axis is the body's z axis
    _, _, turns = kinematics.foot_motions(q, dq)
    np.testing.assert_allclose(turns[0], [0.5, 0.0, 1.3], atol=1e-12)


def test_inverse_puts_the_feet_back():
    for q in random_angles(seed=3, count=300):
        feet = kinematics.foot_positions(q)
        np.testing.assert_allclose(kinematics.foot_positions(kinematics.inverse(feet)), feet, atol=1e-9)


def test_inverse_gives_the_joint_angles_of_a_foot_below_its_hip():
    checked = 0
    for q in random_angles(seed=4, count=300):
        thigh, knee = q[1::3], q[1::3] + q[2::3]
        if (0.2 * np.cos(thigh) + 0.2 * np.cos(knee) > 0.01).all():
            np.testing.assert_allclose(kinematics.inverse(kinematics.foot_positions(q)), q, atol=1e-7)
            checked += 1
    assert checked > 5


def test_inverse_reaches_above_the_hip_when_only_that_keeps_the_hip_in_range():
    q = INFO.stand_pos.copy()
    q[1::3] = 3.9  # legs in the air, as on the back
    np.testing.assert_allclose(kinematics.inverse(kinematics.foot_positions(q)), q, atol=1e-9)


def test_all_shapes_broadcast():
    q = random_angles(seed=5, count=6).reshape(2, 3, 12)
    feet = kinematics.foot_positions(q)
    assert feet.shape == (2, 3, 4, 3)
    assert kinematics.jacobian(q).shape == (2, 3, 4, 3, 3)
    assert kinematics.foot_motions(q, q)[1].shape == (2, 3, 4, 3)
    assert kinematics.inverse(feet).shape == (2, 3, 12)
    np.testing.assert_array_equal(feet[1, 2], kinematics.foot_positions(q[1, 2]))


@pytest.mark.parametrize("offset", [(0.0, 0.0, -0.6), (0.5, 0.0, 0.0)])
def test_out_of_reach_names_the_leg(offset):
    feet = kinematics.foot_positions(INFO.stand_pos)
    feet[2] += offset
    with pytest.raises(ValueError, match="RR"):
        kinematics.inverse(feet)


def test_a_foot_inside_the_hip_is_out_of_reach():
    feet = kinematics.foot_positions(INFO.stand_pos)
    feet[1] = model.HIP_POSITION[1]
    with pytest.raises(ValueError, match="FL"):
        kinematics.inverse(feet)


def test_one_leg_by_itself_moves_as_it_does_among_the_four():
    q, dq = random_angles(5, 1)[0], np.random.default_rng(6).normal(0, 5, 12)
    together = kinematics.foot_motions(q, dq)
    for leg in range(4):
        of = slice(3 * leg, 3 * leg + 3)
        alone = kinematics.foot_motion(leg, q[of].tolist(), dq[of].tolist())
        np.testing.assert_allclose(alone, [part[leg] for part in together], atol=1e-12)

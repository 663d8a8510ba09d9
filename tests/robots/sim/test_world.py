"""The scene itself: which links touch which, where things are, what the model says of them."""

import numpy as np
import pytest

from robots.a1 import model

pytest.importorskip("pybullet")
from robots.sim.world import World

INFO = model.info(simulated=True)
UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])
IN_THE_AIR = np.array([0.0, 0.0, 5.0])


@pytest.fixture
def world():
    made = World(dt=0.002, friction=0.8)
    yield made
    made.close()


def leg_of(link: str) -> str:
    return link.split("_", maxsplit=1)[0]


def self_contacts(world):
    """Pairs of the robot's own links that touch each other, by name."""
    name = {index: link for link, index in world.links.items()}
    found = world.bullet.getContactPoints(world.robot, world.robot, physicsClientId=world.client)
    return {(name[c[3]], name[c[4]]) for c in found}


def test_no_phantom_contact_within_a_leg_in_any_pose(world):
    rng = np.random.default_rng(0)
    for _ in range(60):
        world.place(IN_THE_AIR, UPRIGHT, rng.uniform(INFO.joint_lower, INFO.joint_upper))
        world.step(np.zeros(12))
        within = {pair for pair in self_contacts(world) if leg_of(pair[0]) == leg_of(pair[1])}
        assert not within


def test_legs_do_touch_each_other(world):
    # Front legs swung back and rear legs swung forward, stretched: their calves and thighs cross in the middle.
    crossed = np.tile([0.0, 0.0, -0.916], 4)
    crossed[[1, 4]], crossed[[7, 10]] = 1.6, -0.6
    world.place(IN_THE_AIR, UPRIGHT, crossed)
    world.step(np.zeros(12))
    assert any(leg_of(a) != leg_of(b) for a, b in self_contacts(world))


def test_a_thigh_swings_freely(world):
    # A phantom contact would brake it with up to 7 N m; free, 3 N m move it by a tenth of a radian in 50 ms.
    world.place(IN_THE_AIR, UPRIGHT, INFO.stand_pos)
    torque = np.zeros(12)
    torque[1] = 3.0
    for _ in range(25):
        world.step(torque)
    assert world.joint_states()[0][1] > 0.9 + 0.1


def test_place_puts_the_trunk_centre_there(world):
    tilted = np.array([np.sin(0.3), 0.0, 0.0, np.cos(0.3)])
    world.place(np.array([1.0, 2.0, 3.0]), tilted, INFO.stand_pos)
    base = world.base()
    np.testing.assert_allclose(base.position, [1, 2, 3], atol=1e-6)
    np.testing.assert_allclose(base.quat_xyzw, tilted, atol=1e-6)
    np.testing.assert_allclose(world.joint_states()[0], INFO.stand_pos)


def test_it_falls_with_g(world):
    world.place(IN_THE_AIR, UPRIGHT, INFO.stand_pos)
    for _ in range(100):
        world.step(np.zeros(12))
    assert world.base().velocity[2] == pytest.approx(-9.81 * 0.2, rel=0.02)


def test_the_model_says_what_the_simulator_has(world):
    bullet, client = world.bullet, world.client
    mass = sum(
        bullet.getDynamicsInfo(world.robot, i, physicsClientId=client)[0] for i in world.links.values()
    )
    assert mass == pytest.approx(model.MASS, abs=1e-3)
    world.place(IN_THE_AIR, UPRIGHT, np.tile([0.0, 0.0, -1.0], 4))
    for leg, thigh in enumerate(world.joints[1::3]):
        at = bullet.getLinkState(world.robot, thigh, False, True, client)[4]
        expected = IN_THE_AIR + model.HIP_POSITION[leg] + [0, model.SIDE[leg] * model.HIP_OFFSET, 0]
        np.testing.assert_allclose(at, expected, atol=1e-6)


def test_worlds_close_twice(world):
    world.close()
    world.close()

"""Stand-ins that differ: friction, load, motors, latency, pushes; fixed or drawn, and always the same for a seed."""

import numpy as np
import pytest

from robots.robot import JointCommand, RobotError
from robots.sim.conditions import Drawn, motor_share, span
from robots.sim.motion import Trace
from robots.sim.noise import NoiseConfig
from robots.sim.pushes import Pushes
from robots.sim.stand_in import StandIn

STEP = 0.05  # s


def drawn(seed=0, **ranges) -> Drawn:
    given = {"friction": 0.8, "payload": 0.0, "kp_scale": 1.0, "max_torque": 33.5, **ranges}
    return Drawn(**given, rng=np.random.default_rng(seed))


def test_a_number_is_always_itself():
    conditions = drawn(friction=0.4).next()
    assert (conditions.friction, conditions.payload, conditions.max_torque) == (0.4, 0.0, 33.5)


def test_a_pair_is_drawn_within_it_and_by_the_seed():
    values = [drawn(seed, friction=[0.3, 1.2]).next().friction for seed in range(20)]
    assert all(0.3 <= value <= 1.2 for value in values) and len(set(values)) == 20
    assert drawn(3, friction=(0.3, 1.2)).next() == drawn(3, friction=(0.3, 1.2)).next()


@pytest.mark.parametrize(
    "value", [-1.0, float("nan"), [1.0, 0.5], [1.0], [0.1, 0.2, 0.3], "slippery", [0, "x"]]
)
def test_what_is_no_range_is_refused_by_name(value):
    with pytest.raises(RobotError, match="friction"):
        span("friction", value)


def test_one_motor_can_be_weak():
    share = motor_share("RR_calf", 0.5)
    assert share[8] == 0.5 and share.sum() == 11.5
    with pytest.raises(RobotError, match="RR_calf"):
        motor_share("RR_knee", 0.5)
    with pytest.raises(RobotError, match="weak_scale"):
        motor_share("RR_calf", 1.5)


def test_pushes_come_at_their_times_and_within_their_size():
    pushes = Pushes(15.0, (5.0, 10.0), np.random.default_rng(0))
    found = [(now, impulse) for now in np.arange(0, 600, 0.05) if (impulse := pushes.due(now)) is not None]
    gaps = np.diff([now for now, _ in found])
    assert gaps.min() >= 5.0 and gaps.max() <= 10.1
    sizes = np.array([np.linalg.norm(impulse) for _, impulse in found])
    assert sizes.max() <= 15.0 and sizes.std() > 2.0
    assert all(impulse[2] == 0.0 for _, impulse in found)
    headings = np.arctan2(*np.array([impulse[:2] for _, impulse in found]).T)
    assert headings.min() < -1.5 and headings.max() > 1.5


def test_without_a_size_nobody_pushes():
    assert Pushes(0.0, (5.0, 10.0), np.random.default_rng(0)).due(1e9) is None


@pytest.mark.parametrize(
    "options",
    [{"dt": 0.0}, {"vary_every": 0.0}, {"push": -1.0}, {"push_every": (3.0, 1.0)}, {"weak_joint": "knee"}],
)
def test_nonsense_is_refused_before_anything_is_simulated(options):
    with pytest.raises(RobotError, match=next(iter(options))):
        StandIn(**options)


def test_a_trace_is_bounded_and_taken_once():
    trace = Trace(dt=0.5)
    for number in range(5):
        trace.add(np.full(2, number), np.zeros(2), np.zeros(2))
    pos, vel, torque = trace.take(2)
    np.testing.assert_array_equal(pos, [[3, 3], [4, 4]])  # the newest second
    assert vel.shape == torque.shape == (2, 2)
    assert trace.take(2)[0].shape == (0, 2)


def hold(robot: StandIn, seconds: float) -> None:
    for _ in range(round(seconds / STEP)):
        robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
        robot.clock.sleep_until(robot.clock.now() + STEP)


def standing(**options) -> StandIn:
    robot = StandIn(start="stand", noise=NoiseConfig.none(), **options)
    robot.connect()
    return robot


def sag(robot: StandIn) -> float:
    return float(np.abs(robot.read().joint_pos - robot.info.stand_pos).mean())


def test_softer_motors_sag_more_and_a_load_more_still():
    sags = []
    for options in ({}, {"kp_scale": 0.7}, {"kp_scale": 0.7, "payload": 4.0}):
        with standing(**options) as robot:
            hold(robot, 1.0)
            sags.append(sag(robot))
    assert sags[0] < 0.9 * sags[1] and sags[1] < 0.9 * sags[2]


def test_the_torque_limit_is_the_one_asked_for():
    with standing(max_torque=20.0) as robot:
        rng = np.random.default_rng(0)
        for _ in range(10):
            robot.write(
                JointCommand.hold(rng.uniform(robot.info.joint_lower, robot.info.joint_upper), robot.info)
            )
            robot.clock.sleep_until(robot.clock.now() + STEP)
        assert np.abs(robot.motion().torque).max() == pytest.approx(20.0)
        assert robot.info.max_torque[0] == 33.5


def test_conditions_change_while_it_runs_when_asked_to():
    with standing(payload=[0.0, 5.0], vary_every=0.5) as robot:
        masses = []
        for _ in range(4):
            hold(robot, 0.5)
            masses.append(robot.motion().mass)
        assert len({round(mass, 6) for mass in masses}) >= 3
        assert all(12.458 <= mass <= 17.459 for mass in masses)


def test_a_load_that_comes_and_goes_leaves_the_robot_as_it_was():
    # Bullet makes up an inertia whenever it is given a mass; ours must be the one before.
    with standing() as robot:
        world = robot._connected()
        before = world.bullet.getDynamicsInfo(world.robot, -1, world.client)[:3]
        world.set_payload(3.0)
        loaded = world.bullet.getDynamicsInfo(world.robot, -1, world.client)
        assert loaded[0] == pytest.approx(before[0] + 3.0) and loaded[2] == pytest.approx(before[2])
        world.set_payload(0.0)
        after = world.bullet.getDynamicsInfo(world.robot, -1, world.client)[:3]
        assert after[0] == pytest.approx(before[0]) and after[2] == pytest.approx(before[2])


def test_a_push_moves_it_and_its_schedule_repeats():
    def path(push: float) -> np.ndarray:
        with standing(push=push, push_every=(0.5, 1.0), seed=4) as robot:
            hold(robot, 2.0)
            return robot.truth()["position"]

    pushed, still = path(15.0), path(0.0)
    np.testing.assert_array_equal(pushed, path(15.0))
    assert np.linalg.norm((pushed - still)[:2]) > 0.02


def test_a_latency_range_gives_late_commands_but_keeps_their_order():
    with standing(latency=[0.002, 0.02]) as robot:
        hold(robot, 1.0)
        assert sag(robot) < 0.1


def test_half_the_physics_step_stands_as_well():
    with standing(dt=0.001) as robot:
        hold(robot, 1.0)
        assert robot.clock.now() == pytest.approx(1.0)
        assert robot.truth()["position"][2] > 0.2
        robot.motion()
        hold(robot, STEP)
        assert len(robot.motion().torque) == 50  # 0.05 s of 0.001 s


def test_motion_tells_what_the_motors_and_feet_did():
    with standing() as robot:
        assert len(robot.motion().torque) == 0, "how it was put there is not its motion"
        hold(robot, 1.0)
        robot.motion()
        hold(robot, STEP)
        motion = robot.motion()
        assert motion.joint_pos.shape == motion.joint_vel.shape == motion.torque.shape == (25, 12)
        assert motion.foot_contact.all() and motion.foot_speed.max() < 0.05
        assert motion.mass == pytest.approx(12.458)
        np.testing.assert_allclose(motion.joint_pos[-1], robot.read().joint_pos, atol=0.02)

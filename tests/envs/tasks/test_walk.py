from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from daydreamer.core import specs
from daydreamer.envs.tasks.walk import WalkConfig, WalkTask
from daydreamer.envs.tasks.walk_reward import WalkRewardConfig
from robots.a1 import model
from robots.robot import JointCommand, RobotState

INFO = model.info(simulated=True)
STAND = np.tile([0.0, 0.9, -1.8], 4)


@dataclass
class Estimate:
    """What an estimator would say."""

    velocity_heading: np.ndarray = field(default_factory=lambda: np.zeros(3))
    gravity_body: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.0, -1.0]))
    up_z: float = 1.0
    height: float = 0.27
    lifted: bool = False


def state(joint_pos=STAND, **changes) -> RobotState:
    still = RobotState(
        time=0.0,
        joint_pos=np.asarray(joint_pos, float),
        joint_vel=np.zeros(12),
        joint_torque=np.zeros(12),
        quat_xyzw=np.array([0.0, 0.0, 0.0, 1.0]),
        gyro=np.zeros(3),
        accel=np.array([0.0, 0.0, 9.81]),
        foot_force=np.full(4, 30.0),
        temperature=np.full(12, 30.0),
        seq=0,
    )
    return replace(still, **changes)


def action(value=0.0) -> dict[str, np.ndarray]:
    return {"action": np.full(12, value, np.float32)}


def test_action_range_is_a_part_of_each_joints_range():
    task = WalkTask(INFO)
    # hip: -0.802 + 1.604 x (0.01, 0.99); thigh: -1.05 + 5.24 x (0.01, 0.90); calf: -2.70 + 1.784 x (0.01, 0.60)
    np.testing.assert_allclose(task.to_rad(-np.ones(12)), np.tile([-0.78596, -0.9976, -2.68216], 4))
    np.testing.assert_allclose(task.to_rad(np.ones(12)), np.tile([0.78596, 3.666, -1.6296], 4))


def test_the_standing_pose_as_an_action():
    # thigh: centre 1.3342, half 2.3318: (0.9 - 1.3342) / 2.3318 = -0.1862
    # calf: centre -2.15588, half 0.52628: (-1.8 + 2.15588) / 0.52628 = 0.6762
    task = WalkTask(INFO)
    stand = task.to_action(STAND)
    np.testing.assert_allclose(stand, np.tile([0.0, -0.1862, 0.6762], 4), atol=1e-4)
    np.testing.assert_allclose(task.to_rad(stand), STAND)


def test_action_0_may_be_the_standing_pose_between_the_same_ends():
    task = WalkTask(INFO, WalkConfig(zero_stands=True))
    np.testing.assert_allclose(task.to_rad(np.zeros(12)), STAND)
    for end in (-1.0, 1.0):
        np.testing.assert_allclose(task.to_rad(np.full(12, end)), WalkTask(INFO).to_rad(np.full(12, end)))
    # thigh, upwards: 0.9 + 0.5 x (3.666 - 0.9) = 2.283; downwards: 0.9 - 0.5 x (0.9 + 0.9976) = -0.0488
    np.testing.assert_allclose(task.to_rad(np.full(12, 0.5))[1], 2.283, atol=1e-4)
    np.testing.assert_allclose(task.to_rad(np.full(12, -0.5))[1], -0.0488, atol=1e-4)
    np.testing.assert_allclose(task.to_action(task.to_rad(np.linspace(-1, 1, 12))), np.linspace(-1, 1, 12))


def test_an_action_range_in_which_it_cannot_stand_is_refused():
    with pytest.raises(ValueError, match="outside of the actions'"):
        WalkTask(INFO, WalkConfig(action_low=(0.6, 0.01, 0.01), zero_stands=True))


def test_the_velocity_is_seen_when_wanted():
    task = WalkTask(INFO, WalkConfig(see_velocity=True))
    task.begin(state(), rate_hz=20.0)
    seen = task.observe(state(), Estimate(velocity_heading=np.array([0.3, -0.1, 0.02])))
    specs.validate(task.obs_spec, seen)
    np.testing.assert_allclose(seen["velocity"], [0.3, -0.1, 0.02], rtol=1e-6)


def test_first_target_is_near_the_measured_pose_and_the_rest_follow_the_filter():
    task = WalkTask(INFO)
    task.begin(state(), rate_hz=20.0)
    first = task.command(action(1.0)).pos
    # The low-pass lets 4.1 % of a jump through at once (b0 at 1.5 Hz and 20 Hz).
    np.testing.assert_allclose(first - STAND, 0.0412535 * (task.to_rad(np.ones(12)) - STAND), rtol=1e-5)
    for _ in range(100):
        last = task.command(action(1.0)).pos
    np.testing.assert_allclose(last, task.to_rad(np.ones(12)), atol=1e-6)


def test_holding_the_measured_pose_is_still():
    task = WalkTask(INFO)
    task.begin(state(), rate_hz=20.0)
    hold = {"action": task.to_action(STAND).astype(np.float32)}
    for _ in range(10):
        np.testing.assert_allclose(task.command(hold).pos, STAND, atol=1e-6)


def test_a_pose_no_action_reaches_is_left_gently():
    # Legs tucked in, as when it lies: calves at their upper limit, above the action's range.
    tucked = np.tile([0.0, 0.9, -0.916], 4)
    task = WalkTask(INFO)
    task.begin(state(tucked), rate_hz=20.0)
    assert np.abs(task.command(action(1.0)).pos - tucked).max() < 0.2
    target = task.observe(state(tucked), Estimate())["target"]
    assert target[2] == pytest.approx((-0.916 + 2.15588) / 0.52628, abs=1e-3)


def test_the_robots_own_gains_are_used():
    task = WalkTask(INFO)
    task.begin(state(), rate_hz=20.0)
    command = task.command(action())
    np.testing.assert_array_equal(command.kp, INFO.default_kp)
    np.testing.assert_array_equal(command.kd, INFO.default_kd)
    np.testing.assert_array_equal(command.vel, np.zeros(12))
    np.testing.assert_array_equal(command.torque, np.zeros(12))


def test_what_was_sent_is_what_is_applied_and_observed():
    task = WalkTask(INFO)
    task.begin(state(), rate_hz=20.0)
    task.command(action(1.0))
    limited = JointCommand.hold(task.to_rad(np.full(12, 0.25)), INFO)  # as if the robot had cut it
    np.testing.assert_allclose(task.sent(limited)["action"], 0.25, rtol=1e-6)
    np.testing.assert_allclose(task.observe(state(), Estimate())["target"], 0.25, rtol=1e-6)


def test_observation_by_hand():
    task = WalkTask(INFO)
    task.begin(state(), rate_hz=20.0)
    moving = state(joint_vel=np.full(12, 5.0), gyro=np.array([0.4, -0.8, 2.0]))
    seen = task.observe(moving, Estimate(gravity_body=np.array([0.6, 0.0, -0.8])))
    specs.validate(task.obs_spec, seen)
    # thigh: (0.9 - 1.57) / 2.62; calf: (-1.8 + 1.808) / 0.892
    np.testing.assert_allclose(seen["joint_pos"][:3], [0.0, -0.255725, 0.008969], atol=1e-6)
    np.testing.assert_allclose(seen["joint_vel"], 0.5)
    np.testing.assert_allclose(seen["gravity"], [0.6, 0.0, -0.8], rtol=1e-6)
    np.testing.assert_allclose(seen["gyro"], [0.1, -0.2, 0.5])


def test_joint_limits_are_the_ends_of_joint_pos():
    task = WalkTask(INFO)
    task.begin(state(), rate_hz=20.0)
    np.testing.assert_allclose(task.observe(state(INFO.joint_lower), Estimate())["joint_pos"], -1.0)
    np.testing.assert_allclose(task.observe(state(INFO.joint_upper), Estimate())["joint_pos"], 1.0)


def test_reward_on_the_back_standing_and_walking():
    task = WalkTask(INFO)
    back = Estimate(up_z=-1.0, gravity_body=np.array([0.0, 0.0, 1.0]))
    assert task.judge(state(), back).reward == pytest.approx(5.0)
    assert task.judge(state(), Estimate()).reward == pytest.approx(9.0)
    walking = Estimate(velocity_heading=np.array([0.3, 0.0, 0.0]))
    assert task.judge(state(), walking).reward == pytest.approx(14.0)
    assert task.judge(state(), replace(walking, lifted=True)).reward == pytest.approx(9.0), (
        "carried, not walking"
    )


def test_daydreamers_own_reward_is_logged_beside_one_that_wants_a_level_body():
    task = WalkTask(INFO, WalkConfig(reward=WalkRewardConfig(level=(0.4, 0.95))))
    judged = task.judge(state(), Estimate(up_z=0.84))
    assert judged.log["log/original_reward"] == pytest.approx(8.92)
    assert judged.reward == pytest.approx(8.32)


def test_a_squat_is_paid_by_how_far_it_is_from_standing():
    # Calves 0.18 rad lower: d = 0.18 / 0.9 = 0.2, calf term 0.8, gate still open: 3.8 + 5.
    squat = STAND - np.tile([0.0, 0.0, 0.18], 4)
    judged = WalkTask(INFO).judge(state(squat), Estimate())
    assert judged.log["log/reward/calf"] == pytest.approx(0.8)
    assert judged.reward == pytest.approx(8.8)


def test_a_joint_past_its_limit_is_no_worse_than_at_it():
    beyond = STAND.copy()
    beyond[0] = INFO.joint_upper[0] + 0.5
    assert WalkTask(INFO).judge(state(beyond), Estimate()).log["log/reward/hip"] == pytest.approx(0.75)


def test_logs_say_standing_only_upright_and_with_open_gates():
    task = WalkTask(INFO)
    assert task.judge(state(), Estimate()).log["log/standing"] == 1.0
    assert task.judge(state(), Estimate(up_z=0.89)).log["log/standing"] == 0.0
    low = STAND - np.tile([0.0, 0.0, 0.36], 4)  # calf term 0.6
    assert task.judge(state(low), Estimate()).log["log/standing"] == 0.0
    assert task.judge(state(), Estimate(height=0.12)).log["log/standing"] == 0.0, "on its belly"


def test_standing_means_the_same_whatever_is_rewarded():
    # At 0.91 the level leaves 0.93 of a calf term of 0.75, which is below the gate.
    task = WalkTask(INFO, WalkConfig(reward=WalkRewardConfig(level=(0.4, 0.95))))
    low = STAND - np.tile([0.0, 0.0, 0.225], 4)
    log = task.judge(state(low), Estimate(up_z=0.91)).log
    assert log["log/standing"] == 1.0 and log["log/original_calf"] == pytest.approx(0.75)
    assert log["log/reward/calf"] < 0.7


def test_logs_fit_their_spec_and_nothing_is_terminal():
    task = WalkTask(INFO)
    judged = task.judge(state(), Estimate(up_z=-1.0))
    specs.validate(task.log_spec, {k: np.asarray(v, np.float32) for k, v in judged.log.items()})
    assert not judged.terminal


def test_a_robot_with_other_legs_is_refused():
    biped = replace(INFO, joint_names=INFO.joint_names[:6])
    with pytest.raises(ValueError, match="needs 12 joints"):
        WalkTask(biped)


def test_an_empty_action_range_is_refused():
    with pytest.raises(ValueError, match="action_low < action_high"):
        WalkConfig(action_low=(0.5, 0.0, 0.0), action_high=(0.5, 1.0, 1.0))


@pytest.mark.parametrize(("tilt", "over"), [(29.0, False), (31.0, True), (180.0, True)])
def test_with_a_fall_of_30_degrees_it_is_over_beyond_them(tilt, over):
    task = WalkTask(INFO, WalkConfig(fall=np.radians(30.0)))
    assert task.judge(state(), Estimate(up_z=np.cos(np.radians(tilt)))).terminal is over


@pytest.mark.parametrize("cutoff", [0.0, -1.5])
def test_a_low_pass_that_lets_nothing_through_is_refused(cutoff):
    with pytest.raises(ValueError, match="cutoff_hz is a positive frequency"):
        WalkConfig(cutoff_hz=cutoff)


def test_a_fall_that_is_no_tilt_is_refused():
    with pytest.raises(ValueError, match="fall is a tilt"):
        WalkConfig(fall=30.0)

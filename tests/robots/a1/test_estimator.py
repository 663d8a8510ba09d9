"""The base estimator on motions made by hand, where the true velocity is known."""

from dataclasses import replace

import numpy as np
import pytest

from robots.a1 import kinematics, model
from robots.a1.estimator import BaseEstimator, EstimatorConfig
from robots.robot import RobotState

INFO = model.info(simulated=True)
UP = np.array([0.0, 0.0, 9.81])
UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])
ON_BACK = np.array([1.0, 0.0, 0.0, 0.0])  # half a turn about x
TROT = np.array([[1, 0, 0, 1], [0, 1, 1, 0]], bool)  # FR with RL, FL with RR
LOAD = 60.0  # N on a standing foot


def reading(time=0.0, **changes) -> RobotState:
    """Standing still, on all feet, with perfect sensors."""
    still = RobotState(
        time=time,
        joint_pos=INFO.stand_pos.copy(),
        joint_vel=np.zeros(12),
        joint_torque=np.zeros(12),
        quat_xyzw=UPRIGHT,
        gyro=np.zeros(3),
        accel=UP.copy(),
        foot_force=np.full(4, 30.0),
        temperature=np.full(12, 30.0),
        seq=int(time * 1000),
    )
    return replace(still, **changes)


def standing_rates(q, velocity_body, gyro=(0.0, 0.0, 0.0), radius=model.FOOT_RADIUS):
    """Joint velocities [12] for which every foot rolls on flat ground without slip, for an upright body."""

    def touching_point(dq, gyro):
        feet, moving, turning = kinematics.foot_motions(q, dq)
        return moving + np.cross(gyro, feet) + np.cross(turning + gyro, [0.0, 0.0, -radius])

    matrix = np.zeros((4, 3, 3))
    for joint in range(3):
        matrix[:, :, joint] = touching_point(np.tile(np.eye(3)[joint], 4), np.zeros(3))
    needed = -np.asarray(velocity_body) - touching_point(np.zeros(12), np.asarray(gyro))
    return np.linalg.solve(matrix, needed[..., None])[..., 0].ravel()


def trot(velocity, hz, seconds, noise=0.0, seed=0):
    """Readings of a trot that starts from rest and then keeps ``velocity`` [3] m/s in the body frame."""
    rng = np.random.default_rng(seed)
    velocity, period = np.asarray(velocity, float), 1.0 / hz
    start = 0.4  # s to get up to speed
    stride = 0.25  # s that a pair of feet stands
    for step in range(int(seconds * hz)):
        time = step * period
        speed = min(time / start, 1.0)
        rate = 1.0 / start if 0 < time <= start + 1e-9 else 0.0
        standing = TROT[int(time / stride) % 2]
        # Feet pass under the hips once a stride: the standing pair goes backwards as the body goes on.
        phase = (time % stride) / stride - 0.5
        feet = kinematics.foot_positions(INFO.stand_pos) - phase * stride * speed * velocity
        q = kinematics.inverse(feet)
        dq = standing_rates(q, speed * velocity)
        # Feet in the air swing forward at twice the speed; what they do must not matter.
        dq = np.where(np.repeat(standing, 3), dq, -2.0 * dq)
        yield (
            reading(
                time,
                joint_pos=q,
                joint_vel=dq + noise * rng.normal(size=12),
                gyro=noise * rng.normal(size=3),
                accel=UP + rate * velocity + 10 * noise * rng.normal(size=3),
                foot_force=np.where(standing, LOAD, 3.0) + rng.normal(size=4),
            ),
            speed * velocity,
        )


def run(states, config=None):
    estimator = BaseEstimator(INFO, config)
    return [estimator.update(state) for state in states]


def test_standing_still_is_zero():
    last = run(reading(0.05 * i) for i in range(100))[-1]
    np.testing.assert_allclose(last.velocity_world, 0.0, atol=1e-9)
    np.testing.assert_allclose(last.gravity_body, [0, 0, -1], atol=1e-12)
    assert last.up_z == 1.0
    assert last.contact.tolist() == [True] * 4


@pytest.mark.parametrize("hz", [20, 100, 500])
@pytest.mark.parametrize("velocity", [(0.5, 0.0, 0.0), (-0.3, 0.2, 0.0), (0.0, 0.0, 0.0)])
def test_a_trot_at_constant_velocity_is_recovered(hz, velocity):
    states, true = zip(*trot(velocity, hz, seconds=2.0, noise=0.02), strict=True)
    settled = hz  # the first second is left out
    off = np.array([e.velocity_world for e in run(states)])[settled:] - np.array(true)[settled:]
    assert np.abs(off.mean(0)).max() < 0.02
    assert np.abs(off).max() < 0.05


def test_rolling_feet_are_counted():
    # Standing height over the hips is 0.249 m, the foot's ball 0.02 m: about 8 % of the speed if forgotten.
    q = INFO.stand_pos
    state = reading(joint_vel=standing_rates(q, [0.5, 0.0, 0.0]))
    as_points = -kinematics.foot_motions(q, state.joint_vel)[1][:, 0]
    assert (np.abs(as_points - 0.5) > 0.02).all()
    last = run(replace(state, time=0.05 * i) for i in range(200))[-1]
    np.testing.assert_allclose(last.velocity_body, [0.5, 0.0, 0.0], atol=1e-3)


def test_turning_on_the_spot_is_no_velocity():
    gyro = np.array([0.0, 0.0, 1.0])
    dq = standing_rates(INFO.stand_pos, [0.0, 0.0, 0.0], gyro)
    last = run(reading(0.05 * i, gyro=gyro, joint_vel=dq) for i in range(40))[-1]
    assert np.abs(dq).max() > 0.3
    np.testing.assert_allclose(last.velocity_world, 0.0, atol=1e-9)


def test_frames_of_a_robot_that_looks_along_world_y():
    half = np.sqrt(0.5)
    forward = reading(
        quat_xyzw=np.array([0.0, 0.0, half, half]), joint_vel=standing_rates(INFO.stand_pos, [0.4, 0.1, 0.0])
    )
    last = run(replace(forward, time=0.05 * i) for i in range(200))[-1]
    # Forward 0.4 is world +y, left 0.1 is world -x.
    np.testing.assert_allclose(last.velocity_world, [-0.1, 0.4, 0.0], atol=2e-3)
    np.testing.assert_allclose(last.velocity_heading, [0.4, 0.1, 0.0], atol=2e-3)
    np.testing.assert_allclose(last.velocity_body, [0.4, 0.1, 0.0], atol=2e-3)


def test_heading_is_level_when_the_body_is_pitched():
    pitch = np.radians(30)
    quat = np.array([0.0, np.sin(pitch / 2), 0.0, np.cos(pitch / 2)])
    # Nose down by 30 degrees and falling freely: body x points partly down, heading x does not.
    estimator = BaseEstimator(INFO)
    in_flight = {"quat_xyzw": quat, "accel": np.zeros(3), "foot_force": np.zeros(4)}
    for i in range(5):
        last = estimator.update(reading(0.05 * i, **in_flight))
    fallen = -9.81 * 0.2
    np.testing.assert_allclose(last.velocity_heading, [0.0, 0.0, fallen], atol=0.1)
    np.testing.assert_allclose(last.velocity_body[0], -fallen * np.sin(pitch), atol=0.1)
    np.testing.assert_allclose(last.gravity_body, [np.sin(pitch), 0.0, -np.cos(pitch)], atol=1e-12)
    assert last.up_z == pytest.approx(np.cos(pitch))


def test_on_the_back_down_is_up():
    last = run([reading(quat_xyzw=ON_BACK, accel=-UP, foot_force=np.zeros(4))])[-1]
    np.testing.assert_allclose(last.gravity_body, [0, 0, 1], atol=1e-12)
    assert last.up_z == -1.0
    assert not last.contact.any()


def test_one_lightly_loaded_slipping_foot_is_outvoted():
    slipping = np.zeros(12)
    slipping[:3] = standing_rates(INFO.stand_pos, [1.0, 0.0, 0.0])[:3]  # FR runs backwards at 1 m/s
    force = np.array([25.0, 60.0, 60.0, 60.0])
    last = run(reading(0.05 * i, joint_vel=slipping, foot_force=force) for i in range(100))[-1]
    # A plain mean of four feet would say 0.25 m/s.
    assert 0.0 <= last.velocity_world[0] < 0.05


def test_swinging_feet_that_touch_the_ground_do_not_hold_the_body_back():
    """Two feet bear 60 N and stand; two go forwards at three times the body's speed, and bear 25 N all the while."""
    estimator, off = BaseEstimator(INFO), []
    for state, true in trot([0.4, 0.0, 0.0], hz=20, seconds=4.0):
        estimate = estimator.update(replace(state, foot_force=np.maximum(state.foot_force, 25.0)))
        off.append(estimate.velocity_body[0] - true[0])
    # A pull that is only bounded leaves 0.046 m/s of the 1.2 m/s between them.
    assert abs(np.mean(off[40:])) < 0.012


def test_a_short_slip_of_all_feet_is_mostly_not_believed():
    estimator = BaseEstimator(INFO)
    for i in range(20):
        estimator.update(reading(0.05 * i))
    slip = standing_rates(INFO.stand_pos, [2.0, 0.0, 0.0])
    after = estimator.update(reading(1.0, joint_vel=slip))
    assert after.velocity_world[0] < 0.3


def test_a_wrong_prediction_heals():
    # The accelerometer reports a blow that the feet contradict.
    estimator = BaseEstimator(INFO)
    for i in range(20):
        estimator.update(reading(0.05 * i))
    hit = estimator.update(reading(1.0, accel=UP + np.array([40.0, 0.0, 0.0])))
    assert hit.velocity_world[0] > 0.5
    for i in range(21, 41):
        last = estimator.update(reading(0.05 * i))
    assert np.abs(last.velocity_world).max() < 0.02


@pytest.mark.parametrize("hz", [20, 500])
def test_lying_without_contact_does_not_drift(hz):
    biased = {"quat_xyzw": ON_BACK, "accel": -UP + np.array([0.2, 0.1, 0.1]), "foot_force": np.zeros(4)}
    estimates = run(reading(i / hz, **biased) for i in range(20 * hz))
    speed = [np.linalg.norm(e.velocity_world) for e in estimates]
    assert max(speed) < 0.15
    assert speed[-1] == pytest.approx(speed[len(speed) // 2], abs=1e-3), "it has settled"


def test_a_jump_is_felt():
    estimator = BaseEstimator(INFO)
    estimator.update(reading(0.0))
    estimator.update(reading(0.05))
    estimator.update(
        reading(0.1, accel=UP + np.array([0.0, 0.0, 30.0]), foot_force=np.zeros(4))
    )  # 1.5 m/s up
    flying = estimator.update(reading(0.2, accel=np.zeros(3), foot_force=np.zeros(4)))  # then 0.98 less
    assert flying.velocity_world[2] == pytest.approx(1.5 - 0.98, abs=0.1)


def test_flight_forgets_in_the_end():
    nothing = {"accel": UP * 0.4, "foot_force": np.zeros(4)}
    estimates = run(reading(0.05 * i, **nothing) for i in range(4000))
    assert np.isfinite(estimates[-1].velocity_world).all()
    np.testing.assert_allclose(estimates[-1].velocity_world, estimates[-500].velocity_world, atol=1e-6)


def test_covariance_stays_positive_definite():
    rng = np.random.default_rng(0)
    estimator, time = BaseEstimator(INFO), 0.0
    for _ in range(500):
        time += rng.choice([1e-6, 0.002, 0.05, 0.4])
        state = reading(
            time,
            joint_pos=rng.uniform(INFO.joint_lower, INFO.joint_upper),
            joint_vel=rng.normal(size=12) * 10,
            quat_xyzw=rng.normal(size=4),
            gyro=rng.normal(size=3) * 5,
            accel=rng.normal(size=3) * 30,
            foot_force=rng.uniform(-50, 150, 4) * rng.integers(0, 2),
        )
        estimate = estimator.update(state)
        np.testing.assert_array_equal(estimate.covariance, estimate.covariance.T)
        assert np.linalg.eigvalsh(estimate.covariance).min() > 0
        for value in (estimate.velocity_world, estimate.velocity_body, estimate.velocity_heading):
            assert np.isfinite(value).all()
        assert np.linalg.norm(estimate.gravity_body) == pytest.approx(1.0)


def test_doubt_shrinks_with_contact_and_grows_in_flight():
    estimator = BaseEstimator(INFO)
    first = estimator.update(reading(0.0)).covariance[0, 0]
    for i in range(1, 20):
        standing = estimator.update(reading(0.05 * i)).covariance[0, 0]
    for i in range(20, 30):
        flying = estimator.update(reading(0.05 * i, accel=np.zeros(3), foot_force=np.zeros(4))).covariance[
            0, 0
        ]
    assert standing < first
    assert flying > 2 * standing


@pytest.mark.parametrize("name", ["joint_pos", "joint_vel", "quat_xyzw", "gyro", "accel", "foot_force"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_reading_that_is_not_finite_is_skipped(name, value):
    estimator = BaseEstimator(INFO)
    before = estimator.update(reading(0.0))
    spoilt = getattr(reading(), name).copy()
    spoilt[-1] = value
    assert estimator.update(reading(0.05, **{name: spoilt})) is before
    assert estimator.skipped == 1
    assert np.isfinite(estimator.update(reading(0.1)).velocity_world).all()


def test_a_quaternion_without_direction_is_skipped():
    estimator = BaseEstimator(INFO)
    first = estimator.update(reading(quat_xyzw=np.zeros(4)))
    assert estimator.skipped == 1
    np.testing.assert_array_equal(first.velocity_world, 0.0)


def test_a_repeated_reading_changes_nothing():
    estimator = BaseEstimator(INFO)
    estimator.update(reading(0.0))
    once = estimator.update(reading(0.05, accel=UP + 1.0))
    assert estimator.update(reading(0.05, accel=UP + 1.0)) is once


@pytest.mark.parametrize("time", [0.0, 0.9, 100.0], ids=["back to zero", "a little back", "after a gap"])
def test_it_starts_anew_when_time_jumps(time):
    estimator = BaseEstimator(INFO)
    moving = {"accel": UP + np.array([5.0, 0.0, 0.0]), "foot_force": np.zeros(4)}
    for i in range(20):
        estimator.update(reading(0.05 * i + 0.05, **moving))
    jumped = estimator.update(reading(time))
    fresh = BaseEstimator(INFO).update(reading(time))
    np.testing.assert_allclose(jumped.velocity_world, fresh.velocity_world)
    np.testing.assert_allclose(jumped.covariance, fresh.covariance)


def test_reset_forgets():
    estimator = BaseEstimator(INFO)
    estimator.update(reading(0.0))
    estimator.update(reading(0.05, accel=UP + np.array([20.0, 0.0, 0.0])))
    np.testing.assert_allclose(estimator.reset(reading(0.1)).velocity_world, 0.0, atol=1e-12)


def test_config_says_what_is_wrong():
    with pytest.raises(ValueError, match="foot_noise is positive, got 0"):
        EstimatorConfig(foot_noise=0.0)

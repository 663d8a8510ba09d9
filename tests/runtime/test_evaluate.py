import numpy as np
import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS
from daydreamer.runtime.evaluate import evaluate


class Slope:
    """Upright from the step that is its seed on; walks at the speed that the policy asks for."""

    def __init__(self, seed):
        self.seed, self.steps, self.closed = seed, 0, False
        truth = ("log/truth/up", "log/truth/forward_speed", "log/original_calf", "log/original_reward")
        self.obs_spec = {
            **FLAGS,
            **{key: ArraySpec() for key in truth},
            "log/truth/position": ArraySpec((3,)),
        }
        self.act_spec = {"action": ArraySpec((1,), low=-1.0, high=1.0)}

    def reset(self):
        return self._obs(0.0)

    def step(self, action):
        self.steps += 1
        return self._obs(float(action["action"][0]))

    def close(self):
        self.closed = True

    def _obs(self, speed):
        up = 1.0 if self.steps > self.seed else -1.0
        return {
            "reward": np.float32(1), "is_first": np.bool_(self.steps == 0), "is_last": np.bool_(False),
            "is_terminal": np.bool_(False), "log/truth/up": np.float32(up),
            "log/truth/forward_speed": np.float32(speed), "log/original_calf": np.float32(0.8),
            "log/truth/position": np.array([0.0, 0.0, 0.25], np.float32),
            "log/original_reward": np.float32(1),
        }  # fmt: skip


class Constant:
    def initial(self):
        return {}

    def noise(self, explore):
        assert not explore
        return {}

    def __call__(self, carry, obs, noise):
        return carry, {"action": np.full(1, 1.5, np.float32)}


def test_each_rollout_is_a_fresh_robot_with_a_seed_of_its_own():
    made = []

    def make(seed):
        made.append(Slope(seed))
        return made[-1]

    result = evaluate(Constant(), make, rollouts=3, seconds=2.0, hz=20.0, seed=4)
    assert [env.seed for env in made] == [4, 5, 6] and all(env.closed and env.steps == 40 for env in made)
    # upright from steps 5, 6, 7 of 40 on
    assert [round(40 * score.upright) for score in result.rollouts] == [36, 35, 34]
    assert result.rollouts[0].first_upright == pytest.approx(4 / 20)
    assert result.walking_speed == pytest.approx(1.0), "actions are kept within bounds"


def test_a_robot_that_is_closed_even_when_the_policy_fails():
    env = Slope(0)

    def broken(explore):
        raise ZeroDivisionError

    policy = Constant()
    policy.noise = broken
    with pytest.raises(ZeroDivisionError):
        evaluate(policy, lambda seed: env, 1, 1.0)
    assert env.closed


def test_an_environment_that_knows_no_truth_cannot_be_scored():
    env = Slope(0)
    env.obs_spec = FLAGS
    with pytest.raises(DaydreamerError, match="log/truth/up"):
        evaluate(Constant(), lambda seed: env, 1, 1.0)


def test_nothing_to_evaluate_is_refused():
    with pytest.raises(DaydreamerError, match="rollouts >= 1"):
        evaluate(Constant(), Slope, rollouts=0)

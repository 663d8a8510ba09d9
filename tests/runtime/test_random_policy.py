import numpy as np
import pytest

from daydreamer.core.specs import ArraySpec
from daydreamer.runtime.random_policy import HeldRandom

ACT = {"action": ArraySpec((3,), low=-1.0, high=1.0)}


def actions(policy, steps):
    carry, found = policy.initial(), []
    for _ in range(steps):
        carry, action = policy(carry, {}, policy.noise(explore=True))
        found.append(action["action"])
    return np.stack(found)


def test_each_action_is_held_for_eight_steps():
    found = actions(HeldRandom(ACT, hold=8, seed=0), 24)
    blocks = found.reshape(3, 8, 3)
    assert (blocks == blocks[:, :1]).all()
    assert (blocks[0, 0] != blocks[1, 0]).all() and (blocks[1, 0] != blocks[2, 0]).all()


def test_actions_fill_the_range_and_fit_the_spec():
    found = actions(HeldRandom(ACT, hold=1, seed=0), 500)
    for action in found:
        ACT["action"].validate("action", action)
    assert found.min() < -0.9 and found.max() > 0.9 and abs(found.mean()) < 0.1


def test_the_same_seed_gives_the_same_actions():
    assert (actions(HeldRandom(ACT, seed=4), 20) == actions(HeldRandom(ACT, seed=4), 20)).all()


def test_a_hold_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one step"):
        HeldRandom(ACT, hold=0)

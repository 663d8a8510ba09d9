"""SAC and DroQ as Agents: the contract, and what is theirs alone."""

import dataclasses

import numpy as np
import pytest
import torch

from daydreamer.agents.model_free.agent import ModelFree
from daydreamer.agents.model_free.config import ModelFreeConfig, droq, sac
from daydreamer.core.errors import SpecMismatch
from daydreamer.core.specs import ArraySpec
from daydreamer.runtime.policy import OnnxPolicy
from tests.contracts.agent_contract import ACT, OBS, AgentContract, made_up_batch

SMALL_SAC = dataclasses.replace(sac(), units=32, frames=1)
SMALL_DROQ = dataclasses.replace(droq(), units=32, frames=1, updates_per_step=2, dropout=0.1)


class TestSAC(AgentContract):
    config = SMALL_SAC

    def make_agent(self, obs=OBS, act=ACT, seed=0):
        return ModelFree(obs, act, self.config, seed)

    def make_other(self):
        return ModelFree(OBS, ACT, dataclasses.replace(self.config, units=16))


class TestDroQ(TestSAC):
    config = SMALL_DROQ


class TestThreeFrames(TestSAC):
    config = dataclasses.replace(SMALL_SAC, frames=3)


def weights(module):
    return [p.detach().clone() for p in module.parameters()]


def moved(module, before):
    return [not torch.equal(p, b) for p, b in zip(module.parameters(), before, strict=True)]


def test_the_actor_takes_one_step_for_so_many_of_the_critics():
    agent = ModelFree(OBS, ACT, dataclasses.replace(SMALL_DROQ, updates_per_step=3))
    actor, critics = weights(agent.actor), weights(agent.critics.net)
    first, second = agent.train(made_up_batch()), agent.train(made_up_batch())
    assert not any(moved(agent.actor, actor)) and all(moved(agent.critics.net, critics))
    assert "train/loss/actor" not in first | second
    assert "train/loss/actor" in agent.train(made_up_batch())
    assert all(moved(agent.actor, actor)) and agent.log_temperature.item() != np.log(0.01).astype(np.float32)


def test_a_kept_policy_is_the_average_of_the_actors_last_steps():
    agent = ModelFree(OBS, ACT, dataclasses.replace(SMALL_DROQ, updates_per_step=2, policy_average=1.0))
    seen = []
    for step in range(6):
        agent.train(made_up_batch())
        if step % 2:
            seen.append(weights(agent.actor))
    for averaged, *each in zip(agent.averaged.step.parameters(), *seen, strict=True):
        torch.testing.assert_close(averaged, torch.stack(each).mean(0))
    assert agent.policy(averaged=True) != agent.policy()
    other = ModelFree(OBS, ACT, agent.config, seed=4)
    other.load(agent.save())
    assert other.policy(averaged=True) == agent.policy(averaged=True)


def test_two_rows_across_the_boundary_of_a_stream_teach_nothing():
    batch = made_up_batch(length=2)
    batch["is_first"] = np.array([[False, True]] * 4)
    agent = ModelFree(OBS, ACT, SMALL_SAC)
    before = weights(agent.critics.net)
    metrics = agent.train(batch)
    assert metrics["train/pairs"] == 0 and metrics["train/loss/critic"] == 0
    assert not any(moved(agent.critics.net, before))


def test_the_slow_critics_follow_by_tau():
    agent = ModelFree(OBS, ACT, dataclasses.replace(SMALL_SAC, tau=0.25))
    before = weights(agent.critics.slow)
    agent.train(made_up_batch())
    for slow, old, fast in zip(
        agent.critics.slow.parameters(), before, agent.critics.net.parameters(), strict=True
    ):
        torch.testing.assert_close(slow.data, 0.75 * old + 0.25 * fast.data)


def test_dropout_is_drawn_from_the_agents_own_numbers_and_only_in_training():
    agent = ModelFree(OBS, ACT, SMALL_DROQ)
    seen, action = torch.ones(5, 4), torch.zeros(5, 2)
    assert torch.equal(agent.critics(seen, action), agent.critics(seen, action))
    state = agent.rng.get_state()
    under_dropout = agent.critics(seen, action, agent.rng)
    assert not torch.equal(under_dropout, agent.critics(seen, action, agent.rng))
    agent.rng.set_state(state)
    assert torch.equal(under_dropout, agent.critics(seen, action, agent.rng))


def test_a_report_is_without_dropout():
    # The same weights with and without: a report is the same, a gradient step is not.
    plain = ModelFree(OBS, ACT, dataclasses.replace(SMALL_DROQ, dropout=0.0))
    dropping = ModelFree(OBS, ACT, SMALL_DROQ)
    assert dropping.report(made_up_batch()) == plain.report(made_up_batch())
    assert dropping.train(made_up_batch()) != plain.train(made_up_batch())


def test_the_members_of_the_ensemble_differ_from_the_start():
    first, second = ModelFree(OBS, ACT, SMALL_SAC).critics(torch.ones(3, 4), torch.ones(3, 2))
    assert not torch.allclose(first, second)


def test_with_several_frames_the_policy_remembers_and_a_first_step_forgets():
    policy = OnnxPolicy(ModelFree(OBS, ACT, dataclasses.replace(SMALL_SAC, frames=2)).policy())

    def act(carry, value, is_first):
        obs = {
            "pos": np.full(3, value, np.float32),
            "speed": np.float32(value),
            "is_first": np.asarray(is_first),
        }
        return policy(carry, obs, policy.noise(explore=False))

    carry, fresh = act(policy.initial(), 1.0, True)
    np.testing.assert_array_equal(carry["past"], np.ones(4))  # pos, then speed
    carry, _ = act(carry, 2.0, False)
    np.testing.assert_array_equal(carry["past"], np.full(4, 2.0))
    _, remembered = act(carry, 1.0, False)
    _, forgotten = act(carry, 1.0, True)
    assert (forgotten["action"] == fresh["action"]).all() and (remembered["action"] != fresh["action"]).any()


def test_chunks_that_hold_no_transition_and_images_are_refused():
    with pytest.raises(SpecMismatch, match="4 steps or more, got 3"):
        ModelFree(OBS, ACT, dataclasses.replace(SMALL_SAC, frames=3)).train(made_up_batch(length=3))
    with pytest.raises(SpecMismatch, match="camera"):
        ModelFree({"camera": ArraySpec((16, 16, 3), "uint8"), **OBS}, ACT, SMALL_SAC)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"units": 0}, "units"), ({"dropout": 1.5}, "dropout"), ({"actor_value": "max"}, "min, mean")],
)
def test_numbers_out_of_range_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        ModelFreeConfig(**change)

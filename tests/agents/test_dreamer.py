"""Dreamer as an Agent: the contract, and what its configurations do."""

import dataclasses

import numpy as np
import pytest
import torch

from daydreamer.agents.dreamer.agent import Dreamer
from daydreamer.agents.dreamer.config import KLConfig, ScalarConfig, daydreamer_a1, micro
from daydreamer.agents.dreamer.rssm import State
from daydreamer.core.specs import ArraySpec
from tests.contracts.agent_contract import ACT, OBS, AgentContract, policy_equals_torch
from tests.contracts.agent_contract import made_up_batch as batch

IMAGE = {"camera": ArraySpec((16, 16, 3), "uint8"), **OBS}

# DayDreamer's strategies at a size that a test can pay for
SMALL_A1 = dataclasses.replace(
    daydreamer_a1(), deter=32, hidden=32, stoch=4, classes=4, units=32, prior_layers=2, encoder_layers=1,
    decoder_layers=1, reward=ScalarConfig(1, "symlog_mse"), critic=ScalarConfig(1, "symlog_mse"), horizon=4,
    cnn_depth=2,
)  # fmt: skip
V1_LIKE = dataclasses.replace(
    micro(), classes=0, stoch=6, kl=KLConfig(1.0, 1.0, 0.1, "average"), symlog_obs=False, norm="none", act="elu",
    return_scale="none", reward=ScalarConfig(1, "mse"), critic=ScalarConfig(1, "mse"),
    actor=dataclasses.replace(micro().actor, entropy_target=None),
)  # fmt: skip
V3_LIKE = dataclasses.replace(
    micro(), blocks=4, norm="rms", return_scale="percentile", continuation=True,
    actor=dataclasses.replace(micro().actor, gradient="reinforce", entropy_target=None),
)  # fmt: skip
CONFIGS = {"micro": micro(), "daydreamer": SMALL_A1, "v1-like": V1_LIKE, "v3-like": V3_LIKE}


class TestDreamer(AgentContract):
    def make_agent(self, obs=OBS, act=ACT, seed=0):
        return Dreamer(obs, act, micro(), seed)

    def make_other(self):
        return Dreamer(OBS, ACT, dataclasses.replace(micro(), deter=64))


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys())
def config(request):
    return request.param


def test_a_gradient_step_changes_all_and_reports_finite_numbers(config):
    agent = Dreamer(OBS, ACT, config)
    before = {
        name: p.detach().clone()
        for name, p in [*agent.model.named_parameters(), *agent.behavior.named_parameters()]
    }
    for _ in range(3):  # heads that start at zero let gradients through from the second step on
        metrics = agent.train(batch())
    assert all(np.isfinite(value) for value in metrics.values()), metrics
    after = dict([*agent.model.named_parameters(), *agent.behavior.named_parameters()])
    still = [name for name, value in before.items() if torch.equal(value, after[name])]
    assert not [name for name in still if not name.startswith("slow")], f"never updated: {still}"


def test_a_batch_with_a_nan_in_it_leaves_no_trace_that_is_not_finite(config):
    agent = Dreamer(OBS, ACT, config)
    agent.train(batch())
    for key in ("reward", "pos"):
        bad = batch(seed=1)
        bad[key][0, 0] = np.nan
        assert not np.isfinite(agent.train(bad)["train/loss/model"])
        parts = {**agent.model.state_dict(), **agent.behavior.state_dict()}
        assert [name for name, value in parts.items() if not torch.isfinite(value).all()] == [], key
        after = agent.train(batch(seed=2))
        assert all(np.isfinite(value) for value in after.values()), (key, after)


def test_the_model_learns_rewards_less_their_offset_over_their_scale():
    plain, scaled = Dreamer(OBS, ACT, micro()), Dreamer(OBS, ACT, micro(reward_offset=5.0, reward_scale=10.0))
    for seed in range(3):
        made = batch(seed=seed)
        one = plain.train(made)
        other = scaled.train(made | {"reward": 10 * made["reward"] + 5})
        for name in ("train/loss/reward", "train/loss/model", "train/loss/critic", "train/return_mean"):
            assert other[name] == pytest.approx(one[name], rel=1e-3, abs=1e-4), name
        expected = 10 * one["train/imag_reward"] + 5
        assert other["train/imag_reward"] == pytest.approx(expected, rel=1e-3), "told in the task's own unit"


def test_what_a_sense_is_worth_weighs_its_squared_error():
    def loss(**recon):
        agent = Dreamer(OBS, ACT, dataclasses.replace(micro(), recon=recon))
        return agent.train(batch())

    plain, weighed = loss(), loss(pos=10.0)
    assert weighed["train/loss/recon/pos"] == plain["train/loss/recon/pos"], (
        "told as it is, whatever it is worth"
    )
    more = 9 * plain["train/loss/recon/pos"]
    assert weighed["train/loss/model"] == pytest.approx(plain["train/loss/model"] + more, rel=1e-5)


def test_no_weight_for_a_sense_that_is_not_there():
    with pytest.raises(ValueError, match="recon weighs smell; the robot senses"):
        Dreamer(OBS, ACT, dataclasses.replace(micro(), recon={"smell": 2.0}))
    for weight in (0.0, "much"):
        with pytest.raises(ValueError, match=r"recon\.pos is .* positive"):
            dataclasses.replace(micro(), recon={"pos": weight})


@pytest.mark.parametrize(("burn_in", "length", "steps"), [(0, 3, {0, 1, 2}), (2, 5, {2, 3, 4}), (4, 3, {2})])
def test_imagination_starts_where_a_chunk_has_been_seen_for_a_while(burn_in, length, steps):
    agent = Dreamer(OBS, ACT, dataclasses.replace(micro(), burn_in=burn_in, starts=0))
    at = torch.arange(length).expand(2, length).unsqueeze(-1)
    starts = agent._starts(State(deter=at, stoch=at))
    assert starts.deter.shape == (2 * len(steps), 1), "every chunk, and every step from there on"
    assert set(starts.deter.flatten().tolist()) == set(starts.stoch.flatten().tolist()) == steps


def test_the_behaviour_leaves_the_world_model_alone():
    agent = Dreamer(OBS, ACT, micro())
    agent.train(batch())
    assert all(p.grad is None for p in agent.model.parameters())
    assert all(p.requires_grad for p in agent.model.parameters())


def test_its_entropy_target_goes_as_replayed_rewards_rise():
    actor = dataclasses.replace(
        micro().actor, entropy_target=0.5, final_entropy_target=0.1, anneal=(1.0, 3.0)
    )
    agent = Dreamer(OBS, ACT, dataclasses.replace(micro(), actor=actor))

    def target(reward: float) -> float:
        made = batch()
        return agent.train(made | {"reward": np.full_like(made["reward"], reward)})["train/entropy_target"]

    assert target(0.0) == pytest.approx(0.5)
    assert target(4.0) == pytest.approx(0.3)  # the mean is 2, half way
    assert target(np.nan) == pytest.approx(0.3)
    other = Dreamer(OBS, ACT, agent.config)
    other.load(agent.save())
    assert other.replayed == agent.replayed


@pytest.mark.parametrize(("going_on", "learned_from"), [(30.0, True), (-100.0, False)])
def test_nothing_is_learned_from_what_is_imagined_after_the_end(going_on, learned_from):
    agent = Dreamer(OBS, ACT, dataclasses.replace(V3_LIKE, horizon=3))
    with torch.no_grad():
        agent.model.con.layers[-1].weight.zero_()
        agent.model.con.layers[-1].bias.fill_(going_on)  # every state goes on for certain, or is an end
        agent.behavior.critic.layers[-1].weight.normal_()
    start = agent.model.rssm.initial(5)
    _, critic_loss, _ = agent.behavior.loss(agent.model, start, agent.rng, 0.0)
    gradients = torch.autograd.grad(critic_loss, list(agent.behavior.critic.parameters()))
    assert any(gradient.abs().max() > 1e-6 for gradient in gradients) == learned_from


@pytest.mark.parametrize(("saturation", "comes_back"), [(0.01, True), (0.0, False)])
def test_a_saturated_mean_comes_back_only_by_its_own_penalty(saturation, comes_back):
    config = dataclasses.replace(micro(), actor=dataclasses.replace(micro().actor, saturation=saturation))
    agent = Dreamer(OBS, ACT, config)
    last = agent.behavior.actor.net.layers[-1].bias
    with torch.no_grad():
        last[: last.numel() // 2] = 8.0  # tanh(8) is 1 to seven digits, and flat there
    assert agent.train(batch())["train/policy_saturation"] == 1.0
    for _ in range(10):
        agent.train(batch())
    means = last[: last.numel() // 2]
    assert bool((means < 7.995).all()) == comes_back, means


def test_a_kept_policy_is_the_average_of_its_last_updates():
    agent = Dreamer(OBS, ACT, dataclasses.replace(micro(), policy_average=1.0))
    bias = agent.behavior.actor.net.layers[-1].bias
    seen = []
    for _ in range(3):
        agent.train(batch())
        seen.append(bias.detach().clone())
    averaged = agent.averaged.step.actor.net.layers[-1].bias
    torch.testing.assert_close(averaged, torch.stack(seen).mean(0))
    assert agent.policy(averaged=True) != agent.policy()
    other = Dreamer(OBS, ACT, agent.config, seed=4)
    other.load(agent.save())
    assert other.policy(averaged=True) == agent.policy(averaged=True)


def test_a_look_ahead_is_not_judged_by_what_comes_after_a_reset():
    agent, seen = Dreamer(OBS, ACT, micro()), batch(length=9)
    seen["is_first"][:] = False
    seen["is_first"][:, 6] = True  # of 3 that are shown and 6 to predict
    before, _ = agent.report(seen)
    seen["pos"][:, 6:] += 100.0
    assert agent.report(seen)[0]["train/open_loop/pos"] == before["train/open_loop/pos"]
    seen["is_first"][:, 3] = True
    assert not agent.report(seen)[0], "nothing that could have been foreseen"


def test_images_are_encoded_decoded_and_predicted():
    agent = Dreamer(IMAGE, ACT, micro())
    metrics = agent.train(batch(IMAGE))
    assert {"train/loss/recon/camera", "train/loss/recon/pos"} <= metrics.keys()
    _, arrays = agent.report(batch(IMAGE, length=9))
    assert arrays["open_loop/camera"].shape == arrays["truth/camera"].shape == (4, 6, 16, 16, 3)


@pytest.mark.parametrize("specs", [OBS, IMAGE], ids=["vectors", "vectors and image"])
def test_the_onnx_policy_of_every_configuration_equals_torch_for_200_recurrent_steps(config, specs):
    agent = Dreamer(specs, ACT, config)
    for _ in range(2):
        agent.train(batch(specs))
    policy_equals_torch(agent, specs)


def test_training_goes_on_after_a_checkpoint_as_if_never_stopped(config):
    one = Dreamer(OBS, ACT, config, seed=3)
    for seed in range(2):
        one.train(batch(seed=seed))
    other = Dreamer(OBS, ACT, config, seed=4)
    other.load(one.save())
    for seed in range(2, 4):
        assert one.train(batch(seed=seed)) == other.train(batch(seed=seed))


def test_a_report_says_how_wrong_the_open_loop_is_and_moves_nothing():
    agent = Dreamer(OBS, ACT, micro())
    before, seen = agent.save(), batch(length=9)
    seen["is_first"][:] = False
    metrics, arrays = agent.report(seen)
    assert agent.save() == before
    # 9 steps: 3 of context, 6 predicted
    error = arrays["open_loop/pos"] - arrays["truth/pos"]
    assert error.shape == (4, 6, 3)
    assert metrics["train/open_loop/pos"] == pytest.approx(float(np.sqrt(np.mean(error**2))), rel=1e-4)

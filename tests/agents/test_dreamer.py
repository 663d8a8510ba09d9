"""Dreamer as an Agent: its policy, its checkpoints, its errors."""

import dataclasses

import numpy as np
import onnxruntime
import pytest
import torch

from daydreamer.agents.dreamer.agent import Dreamer
from daydreamer.agents.dreamer.config import KLConfig, ScalarConfig, daydreamer_a1, micro
from daydreamer.core.errors import CheckpointError, SpecMismatch
from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS

OBS = {"pos": ArraySpec((3,)), "speed": ArraySpec(()), **FLAGS, "log/truth": ArraySpec((2,))}
ACT = {"action": ArraySpec((2,), low=-1, high=1)}
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


def batch(specs=OBS, size=4, length=6, seed=0):
    rng = np.random.default_rng(seed)
    out = {}
    for key, spec in {**specs, **ACT}.items():
        shape = (size, length, *spec.shape)
        if spec.dtype == "bool":
            out[key] = rng.random(shape) < 0.1
        elif spec.dtype == "uint8":
            out[key] = rng.integers(0, 255, shape, dtype=np.uint8)
        else:
            out[key] = rng.uniform(-1, 1, shape).astype(np.float32)
    return out


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


def test_the_behaviour_leaves_the_world_model_alone():
    agent = Dreamer(OBS, ACT, micro())
    agent.train(batch())
    assert all(p.grad is None for p in agent.model.parameters())
    assert all(p.requires_grad for p in agent.model.parameters())


def test_images_are_encoded_decoded_and_predicted():
    agent = Dreamer(IMAGE, ACT, micro())
    metrics = agent.train(batch(IMAGE))
    assert {"train/loss/recon/camera", "train/loss/recon/pos"} <= metrics.keys()
    _, arrays = agent.report(batch(IMAGE, length=9))
    assert arrays["open_loop/camera"].shape == arrays["truth/camera"].shape == (4, 6, 16, 16, 3)


@pytest.mark.parametrize("specs", [OBS, IMAGE], ids=["vectors", "vectors and image"])
def test_the_onnx_policy_equals_torch_for_200_recurrent_steps(config, specs):
    agent = Dreamer(specs, ACT, config)
    for _ in range(2):
        agent.train(batch(specs))
    session = onnxruntime.InferenceSession(agent.policy())
    step = agent._exported.step
    rng = np.random.default_rng(1)
    carry = {
        k: np.zeros(v.shape, np.float32) for k, v in agent._exported.inputs.items() if k.startswith("carry/")
    }
    torch_carry = [torch.from_numpy(value) for value in carry.values()]
    stream = batch(specs, size=1, length=200, seed=2)
    for t in range(200):
        obs = {f"obs/{k}": np.asarray(stream[k][0, t]) for k in ["is_first", *sorted(agent.specs)]}
        noise = {
            "noise/latent": rng.random(agent.model.rssm.latent.noise_size).astype(np.float32),
            "noise/action": rng.normal(size=2).astype(np.float32),
        }
        out = session.run(None, {**obs, **carry, **noise})
        with torch.no_grad():
            expected = step(
                *[torch.as_tensor(v) for v in obs.values()],
                *torch_carry,
                *[torch.as_tensor(v) for v in noise.values()],
            )
        for ours, theirs in zip(out, expected, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=2e-4)
        carry = dict(zip(carry, out[1:], strict=True))
        torch_carry = list(expected[1:])


def test_a_later_policy_holds_the_later_weights():
    agent = Dreamer(OBS, ACT, micro())
    first = agent.policy()
    agent.train(batch())
    assert agent.policy() != first
    fresh = Dreamer(OBS, ACT, micro())
    fresh.load(agent.save())
    assert fresh.policy() == agent.policy()  # exported again from nothing, the graph and weights are the same


def test_exporting_changes_no_weight():
    agent = Dreamer(OBS, ACT, micro())
    before = agent.save()
    agent.policy()
    assert agent.save() == before


def test_training_goes_on_after_a_checkpoint_as_if_never_stopped(config):
    one = Dreamer(OBS, ACT, config, seed=3)
    for seed in range(2):
        one.train(batch(seed=seed))
    other = Dreamer(OBS, ACT, config, seed=4)
    other.load(one.save())
    for seed in range(2, 4):
        assert one.train(batch(seed=seed)) == other.train(batch(seed=seed))


def test_the_same_seed_is_the_same_agent():
    a, b, c = (Dreamer(OBS, ACT, micro(), seed=seed) for seed in (0, 0, 1))
    first = a.train(batch())
    assert first == b.train(batch())
    assert first != c.train(batch())


@pytest.mark.parametrize("ruin", [lambda d: b"", lambda d: d[: len(d) // 2], lambda d: b"x" * 1000])
def test_an_unreadable_checkpoint_is_an_error_and_changes_nothing(ruin):
    agent = Dreamer(OBS, ACT, micro())
    before = agent.save()
    with pytest.raises(CheckpointError):
        agent.load(ruin(before))
    assert agent.save() == before


def test_a_checkpoint_of_another_size_is_an_error_and_changes_nothing():
    agent = Dreamer(OBS, ACT, micro())
    before = agent.save()
    with pytest.raises(CheckpointError, match="another agent"):
        agent.load(Dreamer(OBS, ACT, dataclasses.replace(micro(), deter=64)).save())
    assert agent.save() == before


def test_a_report_says_how_wrong_the_open_loop_is_and_moves_nothing():
    agent = Dreamer(OBS, ACT, micro())
    before = agent.save()
    metrics, arrays = agent.report(batch(length=9))
    assert agent.save() == before
    # 9 steps: 3 of context, 6 predicted
    error = arrays["open_loop/pos"] - arrays["truth/pos"]
    assert error.shape == (4, 6, 3)
    assert metrics["train/open_loop/pos"] == pytest.approx(float(np.sqrt(np.mean(error**2))), rel=1e-4)


@pytest.mark.parametrize(
    ("obs", "act", "says"),
    [
        (OBS, {**ACT, "gripper": ArraySpec((1,), low=-1, high=1)}, "one action"),
        (OBS, {"action": ArraySpec((2,))}, r"\[-1, 1\]"),
        (FLAGS, ACT, "nothing to observe"),
    ],
)
def test_specs_that_do_not_fit_are_refused(obs, act, says):
    with pytest.raises(SpecMismatch, match=says):
        Dreamer(obs, act, micro())


def test_a_batch_without_a_key_is_refused():
    short = batch()
    del short["pos"]
    with pytest.raises(SpecMismatch, match="pos"):
        Dreamer(OBS, ACT, micro()).train(short)

"""What every Agent must keep. Subclass ``AgentContract``, give ``make_agent``, and pytest runs the rest.

    class TestMyAgent(AgentContract):
        def make_agent(self, obs=OBS, act=ACT, seed=0) -> Agent: ...
        def make_other(self) -> Agent: ...

``make_agent`` returns a new agent that learns from vectors, small enough for a test; ``make_other`` one whose
checkpoints do not fit it. An agent keeps its exported graph in ``_exported``, so that torch and ONNX can be compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from daydreamer.core.errors import CheckpointError, SpecMismatch
from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS
from daydreamer.monitor import names
from daydreamer.runtime.policy import OnnxPolicy

OBS = {"pos": ArraySpec((3,)), "speed": ArraySpec(()), **FLAGS, "log/truth": ArraySpec((2,))}
ACT = {"action": ArraySpec((2,), low=-1, high=1)}


def made_up_batch(specs=OBS, size=4, length=6, seed=0) -> dict[str, np.ndarray]:
    """Rows ``[B, T, ...]`` that fit ``specs`` and mean nothing; one flag in ten is set."""
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


def policy_equals_torch(agent: Any, specs=OBS, steps=200) -> None:
    """The exported policy and torch, from the same noise, say the same for ``steps`` steps, each with its own carry."""
    policy = OnnxPolicy(agent.policy(7), seed=1)
    policy.fits(specs, ACT)
    assert policy.version == 7
    carry = policy.initial()
    torch_carry = [torch.from_numpy(value.copy()) for value in carry.values()]
    stream = made_up_batch(specs, size=1, length=steps, seed=2)
    for t in range(steps):
        obs = {key: np.asarray(stream[key][0, t]) for key in policy.obs_spec}
        noise = policy.noise(explore=True)
        carry, action = policy(carry, obs, noise)
        with torch.no_grad():
            expected = agent._exported.step(
                *(torch.as_tensor(obs[key]) for key in policy.obs_spec),
                *torch_carry,
                *(torch.as_tensor(noise[name.removeprefix("noise/")]) for name in agent._exported.inputs
                  if name.startswith("noise/")),
            )  # fmt: skip
        for ours, theirs in zip([action["action"], *carry.values()], expected, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=2e-4)
        assert np.abs(action["action"]).max() <= 1
        torch_carry = list(expected[1:])


class AgentContract:
    """Tests of the Agent protocol alone; nothing here knows how it learns."""

    def make_agent(self, obs=OBS, act=ACT, seed=0) -> Any:
        raise NotImplementedError("subclasses say which Agent is tested")

    def make_other(self) -> Any:
        raise NotImplementedError("subclasses give an agent of another size")

    def test_gradient_steps_report_finite_numbers_that_stand_in_the_table(self):
        agent = self.make_agent()
        before = agent.save()
        for seed in range(3):
            metrics = agent.train(made_up_batch(seed=seed))
        assert agent.save() != before
        assert metrics and all(np.isfinite(value) for value in metrics.values()), metrics
        names.check([*metrics, *agent.report(made_up_batch(length=9))[0]])

    def test_what_is_kept_for_people_is_not_asked_for(self):
        batch = {key: value for key, value in made_up_batch().items() if not key.startswith("log/")}
        assert self.make_agent().train(batch) == self.make_agent().train(made_up_batch())

    def test_the_same_seed_is_the_same_agent(self):
        a, b, c = (self.make_agent(seed=seed) for seed in (0, 0, 1))
        first = a.train(made_up_batch())
        assert first == b.train(made_up_batch())
        assert first != c.train(made_up_batch())

    def test_training_goes_on_after_a_checkpoint_as_if_never_stopped(self):
        one, other = self.make_agent(seed=3), self.make_agent(seed=4)
        for seed in range(2):
            one.train(made_up_batch(seed=seed))
        other.load(one.save())
        for seed in range(2, 5):
            assert one.train(made_up_batch(seed=seed)) == other.train(made_up_batch(seed=seed))

    @pytest.mark.parametrize("ruin", [lambda d: b"", lambda d: d[: len(d) // 2], lambda d: b"x" * 1000])
    def test_an_unreadable_checkpoint_is_an_error_and_changes_nothing(self, ruin):
        agent = self.make_agent()
        before = agent.save()
        with pytest.raises(CheckpointError, match="not a readable"):
            agent.load(ruin(before))
        assert agent.save() == before

    def test_a_checkpoint_of_another_size_is_an_error_and_changes_nothing(self):
        agent = self.make_agent()
        before = agent.save()
        with pytest.raises(CheckpointError, match="another agent"):
            agent.load(self.make_other().save())
        assert agent.save() == before

    def test_a_report_moves_nothing(self):
        agent = self.make_agent()
        before = agent.save()
        metrics, _ = agent.report(made_up_batch(length=9))
        assert metrics and agent.save() == before

    def test_the_onnx_policy_equals_torch_for_200_steps(self):
        agent = self.make_agent()
        for _ in range(2):
            agent.train(made_up_batch())
        policy_equals_torch(agent)

    def test_a_policy_holds_the_weights_of_its_moment_and_changes_none(self):
        agent = self.make_agent()
        before = agent.save()
        first = agent.policy()
        assert agent.save() == before
        for _ in range(3):
            agent.train(made_up_batch())
        assert agent.policy() != first
        fresh = self.make_agent()
        fresh.load(agent.save())
        assert fresh.policy() == agent.policy(), (
            "exported again from nothing, the graph and weights are the same"
        )

    def test_without_noise_the_policy_always_says_the_same(self):
        policy = OnnxPolicy(self.make_agent().policy(), seed=1)
        obs = {key: np.asarray(value[0, 0]) for key, value in made_up_batch(seed=3).items()}
        fixed = {
            key: np.full_like(value, 0.5) for key, value in policy.noise(explore=False).items() if value.any()
        }
        said = [policy(policy.initial(), obs, {**policy.noise(explore=False), **fixed})[1] for _ in range(2)]
        assert (said[0]["action"] == said[1]["action"]).all()

    @pytest.mark.parametrize(
        ("obs", "act", "says"),
        [
            (OBS, {**ACT, "gripper": ArraySpec((1,), low=-1, high=1)}, "one action"),
            (OBS, {"action": ArraySpec((2,))}, r"\[-1, 1\]"),
            (FLAGS, ACT, "nothing to observe"),
        ],
    )
    def test_specs_that_do_not_fit_are_refused(self, obs, act, says):
        with pytest.raises(SpecMismatch, match=says):
            self.make_agent(obs, act)

    def test_a_batch_without_a_key_is_refused(self):
        short = made_up_batch()
        del short["pos"]
        with pytest.raises(SpecMismatch, match="pos"):
            self.make_agent().train(short)

"""Soft actor-critic as an Agent: gradient steps on replayed transitions, policies, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from daydreamer.agents import interface, saved
from daydreamer.agents.averaged import AveragedPolicy
from daydreamer.agents.model_free import losses
from daydreamer.agents.model_free.actor import Actor
from daydreamer.agents.model_free.config import ModelFreeConfig
from daydreamer.agents.model_free.critic import Critics
from daydreamer.agents.model_free.policy import PolicyStep, export
from daydreamer.agents.model_free.transitions import Transitions, transitions
from daydreamer.core.errors import SpecMismatch
from daydreamer.core.specs import Specs
from daydreamer.core.transition import Batch
from daydreamer.nn.optim import Optimiser

# The published methods clip no gradient. The optimiser's clip is put where it never acts.
_NO_CLIP = 1e9
_EPS = 1e-8


class ModelFree:
    """An actor and an ensemble of critics, learnt from transitions: SAC, or DroQ.

    Args:
        obs_spec: The environment's observations, vectors and numbers only; flags and ``log/`` keys are left aside.
        act_spec: One float action, a vector in [-1, 1].
        config: Sizes and strategies.
        seed: Of the weights and of all noise drawn in training.

    Raises:
        SpecMismatch: An action that is not one vector in [-1, 1], nothing to observe, or an image.
    """

    def __init__(
        self, obs_spec: Specs, act_spec: Specs, config: ModelFreeConfig, seed: int = 0, device: str = "cpu"
    ):
        self.act_key, self.act_spec = interface.the_action(act_spec, "the model-free agent")
        self.specs = dict(sorted(interface.the_senses(obs_spec).items()))
        if images := [key for key, spec in self.specs.items() if spec.is_image]:
            raise SpecMismatch(
                f"the model-free agent learns from vectors, got the images {images}: use dreamer"
            )
        self.config, self.seed, self.device = config, seed, torch.device(device)
        seen, action = config.frames * sum(spec.size for spec in self.specs.values()), self.act_spec.size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.actor = Actor(seen, action, config).to(self.device)
            self.critics = Critics(seen, action, config).to(self.device)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(config.temperature), device=self.device))
        self.actor_opt = Optimiser(self.actor.parameters(), config.actor_lr, _EPS, 0.0, _NO_CLIP)
        self.critic_opt = Optimiser(self.critics.net.parameters(), config.critic_lr, _EPS, 0.0, _NO_CLIP)
        self.temperature_opt = Optimiser([self.log_temperature], config.temperature_lr, _EPS, 0.0, _NO_CLIP)
        self.rng = torch.Generator(self.device).manual_seed(seed)
        self.updates = 0
        self.newest = PolicyStep(self.actor, config.frames)
        self.averaged = AveragedPolicy(self.newest, config.policy_average) if config.policy_average else None
        act = {self.act_key: self.act_spec}
        self._exported = export(self.newest, self.specs, act)
        self._exported_average = (
            export(self.averaged.step, self.specs, act) if self.averaged else self._exported
        )

    # Training

    def train(self, batch: Batch) -> dict[str, float]:
        """One gradient step of the critics on ``batch`` [B, T, ...]; every so many, one of actor and temperature.

        T is at least ``config.length``. Two rows across the boundary of a stream are no transition and count nothing.
        """
        pairs = self._transitions(batch)
        self.updates += 1
        metrics = self._learn_values(pairs)
        if self.updates % self.config.updates_per_step == 0:
            metrics |= self._learn_to_act(pairs)
            if self.averaged:
                self.averaged.follow(self.updates // self.config.updates_per_step)
        values = torch.stack([value.detach().float() for value in metrics.values()]).tolist()
        return dict(zip(metrics, values, strict=True))

    def _learn_values(self, pairs: Transitions) -> dict[str, Tensor]:
        target = self._target(pairs, self.rng, dropout=self.rng)
        value = self.critics(pairs.seen, pairs.action, self.rng)
        loss = losses.critic_loss(value, target, pairs.counts)
        loss.backward()
        norm = self.critic_opt.step()
        self.critics.follow(self.config.tau)
        return {
            "train/loss/critic": loss,
            "train/grad_norm/critic": norm,
            "train/value_mean": value.mean(),
            "train/value_spread": value.std(0, correction=0).mean(),
            "train/pairs": pairs.counts.mean(),
        }

    @torch.no_grad()
    def _target(self, pairs: Transitions, rng: torch.Generator, dropout: torch.Generator | None) -> Tensor:
        action, log_prob = self.actor(pairs.following).sample(self._noise(pairs.action.shape, rng))
        value = self.critics.target(pairs.following, action, dropout)
        return losses.soft_target(
            pairs.reward, pairs.goes_on, value, log_prob, self.log_temperature.exp(), self.config.discount
        )

    def _learn_to_act(self, pairs: Transitions) -> dict[str, Tensor]:
        # Actor
        seen, counts = pairs.seen, pairs.counts
        policy = self.actor(seen)
        action, log_prob = policy.sample(self._noise(policy.mean.shape, self.rng))
        self.critics.net.requires_grad_(False)
        try:
            value = self.critics(seen, action, self.rng)
            actor_loss = losses.actor_loss(
                value, log_prob, counts, self.log_temperature.exp(), self.config.actor_value
            )
            actor_loss.backward()
        finally:
            self.critics.net.requires_grad_(True)
        norm = self.actor_opt.step()

        # Temperature
        target = self.config.target_entropy * self.act_spec.size
        temperature_loss = losses.temperature_loss(self.log_temperature, log_prob, counts, target)
        temperature_loss.backward()
        self.temperature_opt.step()
        return {
            "train/loss/actor": actor_loss,
            "train/loss/temperature": temperature_loss,
            "train/grad_norm/actor": norm,
            "train/temperature": self.log_temperature.exp(),
            "train/action_entropy": -losses.counted_mean(log_prob, counts),
            "train/policy_std": policy.log_std.exp().mean(),
        }

    def report(self, batch: Batch) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
        """How far the critics are from their own targets on ``batch`` [B, T, ...], without dropout; no arrays."""
        rng = torch.Generator(self.device).manual_seed(0)  # a look must not move the training's random stream
        pairs = self._transitions(batch)
        with torch.no_grad():
            target = self._target(pairs, rng, dropout=None)
            error = losses.critic_loss(self.critics(pairs.seen, pairs.action), target, pairs.counts)
        return {"train/bellman_error": float(error.sqrt())}, {}

    def _transitions(self, batch: Batch) -> Transitions:
        names = (*self.specs, "reward", "is_first", "is_terminal")
        wanted = {name: name for name in names} | {"action": self.act_key}
        data = interface.tensors(batch, wanted, self.device)
        length, least = data["is_first"].shape[1], self.config.length
        if length < least:
            raise SpecMismatch(
                f"{self.config.frames} frames and what follows are chunks of {least} steps or more, got {length}"
            )
        # [B, T, ...] each, numbers and vectors alike, to [B, T, D]
        sensed = torch.cat([data[key].float().reshape(*data["is_first"].shape, -1) for key in self.specs], -1)
        reward = (data["reward"] - self.config.reward_offset) / self.config.reward_scale
        return transitions(
            sensed, data["action"], reward, data["is_first"], data["is_terminal"], self.config.frames
        )

    def _noise(self, shape: torch.Size, rng: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=rng, device=self.device)

    # Acting

    def policy(self, version: int = 0, averaged: bool = False) -> bytes:
        """The present policy as ONNX: ``obs/KEY``, ``noise/action`` to ``action/KEY``; a carry with several frames."""
        return (self._exported_average if averaged else self._exported).serialise(version)

    # Checkpoints

    def save(self) -> bytes:
        """Weights and their average, optimisers, temperature, random state and counters."""
        return saved.dumped(self._parts())

    def load(self, data: bytes) -> None:
        """Go on from ``save``. Raises CheckpointError, and then nothing has changed."""
        saved.restore(data, self._parts, self._put, self.device)

    def _parts(self) -> dict[str, Any]:
        return {
            "actor": self.actor.state_dict(),
            "critics": self.critics.state_dict(),
            "log_temperature": self.log_temperature.detach(),
            "actor_opt": self.actor_opt.state_dict(),
            "critic_opt": self.critic_opt.state_dict(),
            "temperature_opt": self.temperature_opt.state_dict(),
            "averaged": self.averaged.step.state_dict() if self.averaged else {},
            **saved.random_state(self.rng),
            "updates": self.updates,
        }

    def _put(self, parts: Mapping[str, Any]) -> None:
        self.actor.load_state_dict(parts["actor"])
        self.critics.load_state_dict(parts["critics"])
        with torch.no_grad():
            self.log_temperature.copy_(parts["log_temperature"])
        for name in ("actor_opt", "critic_opt", "temperature_opt"):
            getattr(self, name).load_state_dict(parts[name])
        if self.averaged:
            self.averaged.step.load_state_dict(parts["averaged"])
        saved.set_random_state(self.rng, parts, self.seed)
        self.updates = int(parts["updates"])

"""Dreamer as an Agent: one gradient step of world model and behaviour, policies, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daydreamer.agents import interface, saved
from daydreamer.agents.averaged import AveragedPolicy
from daydreamer.agents.dreamer.behavior import Behavior
from daydreamer.agents.dreamer.config import DreamerConfig, OptimiserConfig
from daydreamer.agents.dreamer.policy import PolicyStep, export
from daydreamer.agents.dreamer.rssm import State
from daydreamer.agents.dreamer.world_model import WorldModel
from daydreamer.core.specs import Specs
from daydreamer.core.transition import Batch
from daydreamer.nn.optim import Optimiser


def _optimiser(parameters: Any, config: OptimiserConfig) -> Optimiser:
    return Optimiser(parameters, config.lr, config.eps, config.weight_decay, config.clip)


class Dreamer:
    """World model and behaviour, learnt from chunks of experience.

    Args:
        obs_spec: The environment's observations; flags and ``log/`` keys are left aside.
        act_spec: One float action, a vector in [-1, 1].
        config: Sizes and strategies.
        seed: Of the weights and of all noise drawn in training.

    Raises:
        SpecMismatch: an action spec that is not one vector in [-1, 1], or nothing to observe.
    """

    def __init__(
        self, obs_spec: Specs, act_spec: Specs, config: DreamerConfig, seed: int = 0, device: str = "cpu"
    ):
        self.act_key, self.act_spec = interface.the_action(act_spec, "Dreamer")
        self.specs = interface.the_senses(obs_spec)
        self.config, self.seed, self.device = config, seed, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = WorldModel(self.specs, self.act_spec.size, config).to(self.device)
            self.behavior = Behavior(self.model.rssm.feat_size, self.act_spec.size, config).to(self.device)
        self.model_opt = _optimiser(self.model.parameters(), config.model_opt)
        self.actor_opt = _optimiser(self.behavior.actor.parameters(), config.actor_opt)
        self.critic_opt = _optimiser(self.behavior.critic.parameters(), config.critic_opt)
        self.newest = PolicyStep(self.model.encoder, self.model.rssm, self.behavior.actor, sorted(self.specs))
        self.averaged = AveragedPolicy(self.newest, config.policy_average) if config.policy_average else None
        self.rng = torch.Generator(self.device).manual_seed(seed)
        self.updates = 0
        self.replayed = 0.0  # reward of replayed steps, a mean over about 100 updates
        act = {self.act_key: self.act_spec}
        self._exported = export(self.newest, self.specs, act)
        self._exported_average = (
            export(self.averaged.step, self.specs, act) if self.averaged else self._exported
        )

    # Training

    def train(self, batch: Batch) -> dict[str, float]:
        """One gradient step each of world model, actor and critic on ``batch`` [B, T, ...]."""
        data = self._tensors(batch)
        self.updates += 1
        reward = float(np.mean(batch["reward"], dtype=np.float64))
        if math.isfinite(reward):
            self.replayed += max(0.01, 1 / self.updates) * (reward - self.replayed)

        # World model
        loss, states, metrics = self.model.loss(data, self.rng)
        loss.backward()
        metrics["train/grad_norm/model"] = self.model_opt.step()

        # Behaviour, from posterior states with their gradient stopped
        start = self._starts(states)
        self.model.requires_grad_(False)
        try:
            actor_loss, critic_loss, more = self.behavior.loss(self.model, start, self.rng, self.replayed)
            (actor_loss + critic_loss).backward()
        finally:
            self.model.requires_grad_(True)
        metrics["train/grad_norm/actor"] = self.actor_opt.step()
        metrics["train/grad_norm/critic"] = self.critic_opt.step()
        self.behavior.follow(self.updates)
        if self.averaged:
            self.averaged.follow(self.updates)

        values = torch.stack([value.detach().float() for value in (metrics | more).values()]).tolist()
        return dict(zip(metrics | more, values, strict=True))

    def _starts(self, states: State) -> State:
        """``[N, ...]`` of the posterior states ``[B, T, ...]`` from step ``burn_in`` on, the last one at the latest.

        All of them, or ``starts`` drawn at random. A chunk begins from the initial state in the middle of a life, where
        a robot that acts never is.
        """
        first = min(self.config.burn_in, states.deter.shape[1] - 1)
        deter, stoch = (part[:, first:].detach().flatten(0, 1) for part in (states.deter, states.stoch))
        if not 0 < self.config.starts < len(deter):
            return State(deter, stoch)
        chosen = torch.randperm(len(deter), generator=self.rng, device=self.device)[: self.config.starts]
        return State(deter[chosen], stoch[chosen])

    def report(self, batch: Batch) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
        """Open-loop prediction: observe the first third of ``batch`` [B, T, ...], then predict the rest unseen.

        Returns the root mean square error by key (``train/open_loop/KEY``) up to where a sequence begins anew, and
        ``truth/KEY``, ``open_loop/KEY`` arrays ``[B, T - context, ...]``.
        """
        data = self._tensors(batch)
        length = data["is_first"].shape[1]
        context = max(1, length // 3)
        rng = torch.Generator(self.device).manual_seed(0)  # a look must not move the training's random stream
        # no model can foresee where the robot is set anew
        foreseen = data["is_first"][:, context:].cumsum(1) == 0
        metrics, arrays = {}, {}
        for key, guess in self.model.open_loop(data, context, rng).items():
            truth = data[key][:, context:].float()
            if key in self.specs and self.specs[key].is_image:
                truth = truth / 255
            if foreseen.any():
                metrics[f"train/open_loop/{key}"] = float((guess - truth)[foreseen].square().mean().sqrt())
            arrays[f"truth/{key}"], arrays[f"open_loop/{key}"] = truth.cpu().numpy(), guess.cpu().numpy()
        return metrics, arrays

    def _tensors(self, batch: Batch) -> dict[str, Tensor]:
        """``batch`` on the device under the model's names. Raises SpecMismatch on a missing key."""
        names = (*self.specs, "reward", "is_first", "is_terminal")
        return interface.tensors(
            batch, {name: name for name in names} | {"action": self.act_key}, self.device
        )

    # Acting

    def policy(self, version: int = 0, averaged: bool = False) -> bytes:
        """The policy as ONNX: ``obs/KEY``, ``carry/KEY``, ``noise/KEY`` to ``action/KEY``, ``next/KEY``."""
        return (self._exported_average if averaged else self._exported).serialise(version)

    # Checkpoints

    def save(self) -> bytes:
        """Weights and their average, optimisers, normalisers, adapters, random state and counters."""
        return saved.dumped(self._parts())

    def load(self, data: bytes) -> None:
        """Go on from ``save``. Raises CheckpointError, and then nothing has changed."""
        saved.restore(data, self._parts, self._restore, self.device)

    def _parts(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "behavior": self.behavior.state_dict(),
            "model_opt": self.model_opt.state_dict(),
            "actor_opt": self.actor_opt.state_dict(),
            "critic_opt": self.critic_opt.state_dict(),
            "averaged": self.averaged.step.state_dict() if self.averaged else {},
            **saved.random_state(self.rng),
            "updates": self.updates,
            "replayed": self.replayed,
        }

    def _restore(self, parts: Mapping[str, Any]) -> None:
        self.model.load_state_dict(parts["model"])
        self.behavior.load_state_dict(parts["behavior"])
        for name in ("model_opt", "actor_opt", "critic_opt"):
            getattr(self, name).load_state_dict(parts[name])
        if self.averaged:
            self.averaged.step.load_state_dict(parts["averaged"])
        saved.set_random_state(self.rng, parts, self.seed)
        self.updates, self.replayed = int(parts["updates"]), float(parts["replayed"])

"""The behaviour: an actor and a critic that learn in imagination."""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from daydreamer.agents.dreamer.config import DreamerConfig
from daydreamer.agents.dreamer.returns import lambda_return
from daydreamer.agents.dreamer.rssm import State
from daydreamer.agents.dreamer.world_model import WorldModel
from daydreamer.nn.adapt import AdaptiveWeight
from daydreamer.nn.layers import MLP
from daydreamer.nn.outputs import make_scalar
from daydreamer.nn.scaling import return_scale


class Normal(NamedTuple):
    """A diagonal Gaussian over actions, ``[..., A]`` each."""

    mean: Tensor
    std: Tensor
    raw: Tensor  # what the mean is the tanh of

    def sample(self, noise: Tensor) -> Tensor:
        """mean + std noise, kept in [-1, 1] with the gradient passed straight through the edge."""
        raw = self.mean + self.std * noise
        return raw + (raw.clamp(-1, 1) - raw).detach()

    def log_prob(self, noise: Tensor) -> Tensor:
        """Density of what ``noise`` drew, before the edge: ``[..., A]`` to ``[...]``; with gradient to mean and std."""
        action = (self.mean + self.std * noise).detach()
        return (
            -0.5 * ((action - self.mean) / self.std).square() - self.std.log() - 0.5 * math.log(2 * math.pi)
        ).sum(-1)


class Actor(nn.Module):
    """feat to a Normal with tanh mean and std = (most - least) sigmoid(s + 2) + least.

    Source: DayDreamer (bounds), DreamerV3 (code).
    """

    def __init__(self, feat: int, action: int, config: DreamerConfig):
        super().__init__()
        self.least, self.most = config.actor.least_std, config.actor.most_std
        self.net = MLP(
            feat, config.units, config.actor.layers, 2 * action, config.act, config.norm,
            output_scale=config.actor.output_scale,
        )  # fmt: skip

    def forward(self, feat: Tensor) -> Normal:
        """``[..., F]`` to a distribution over ``[..., A]``."""
        mean, std = self.net(feat).chunk(2, -1)
        return Normal(torch.tanh(mean), (self.most - self.least) * torch.sigmoid(std + 2) + self.least, mean)

    def normalised_entropy(self, policy: Normal) -> Tensor:
        """Entropy of each action dimension, 0 at the least std and 1 at the most: ``[..., A]``."""
        return torch.log(policy.std / self.least) / math.log(self.most / self.least)


class Trajectory(NamedTuple):
    """An imagined rollout: H + 1 states, H actions."""

    feat: Tensor  # [H + 1, N, F]
    policy: Normal  # [H, N, A] that the actions were drawn from
    noise: Tensor  # [H, N, A] that drew them


class Behavior(nn.Module):
    """Actor, critic, its slow copy, and the adapters that scale advantages and entropy."""

    def __init__(self, feat: int, action: int, config: DreamerConfig):
        super().__init__()
        self.config, self.action_size = config, action
        self.actor = Actor(feat, action, config)
        out = config.critic
        self.value_out = make_scalar(out.kind, out.bins, out.low, out.high)
        self.critic = MLP(
            feat, config.units, out.layers, self.value_out.size, config.act, config.norm, output_scale=0
        )
        self.slow = copy.deepcopy(self.critic).requires_grad_(False)
        self.scale = return_scale(config.return_scale)
        if config.actor.entropy_target is not None:
            self.entropy_weight = AdaptiveWeight(
                (action,), config.actor.entropy_target, config.actor.entropy, 1e-5, 1.0, raises=True
            )

    def imagine(self, model: WorldModel, start: State, rng: torch.Generator) -> Trajectory:
        """Roll the actor out for H steps from ``start`` [N, ...], with gradient through dynamics when configured."""
        config = self.config
        count, device = start.deter.shape[0], start.deter.device
        noise = torch.randn(config.horizon, count, self.action_size, generator=rng, device=device)
        latent = model.rssm.draw(config.horizon, count, rng=rng)
        state, feats, policies = start, [start.feat], []
        for t in range(config.horizon):
            policies.append(self.actor(feats[-1].detach()))
            state = model.rssm.imagine(state, policies[-1].sample(noise[t]), latent[t])
            feats.append(state.feat)
        policy = Normal(*map(torch.stack, zip(*policies, strict=True)))
        return Trajectory(torch.stack(feats), policy, noise)

    def loss(
        self, model: WorldModel, start: State, rng: torch.Generator, replayed: float
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Losses of actor and critic from ``start`` [N, ...]; their gradients meet no parameter of the model's.

        ``replayed`` is the mean reward of replayed steps: the entropy target goes by it.
        """
        config = self.config
        dynamics = config.actor.gradient == "dynamics"

        # Imagination
        with torch.set_grad_enabled(dynamics):
            imag = self.imagine(model, start, rng)
            reward = model.predict_reward(imag.feat)
            going_on = model.predict_continuation(imag.feat)
            disc = config.discount * going_on
            value = self.value_out.predict(self.slow(imag.feat))
            ret = lambda_return(reward, value, disc, config.lambda_)
        # Step t counts as far as the rollout got there at all, and its start was no end.
        weight = torch.cumprod(torch.cat([going_on[:1], disc[1:-1]]).detach(), 0)

        # Actor
        adv = ret - value[:-1]
        self.scale.update((adv if config.return_scale == "adv_std" else ret).detach())
        adv = adv / self.scale.scale()
        policy = imag.policy if dynamics else self.actor(imag.feat[:-1])
        gain = adv if dynamics else policy.log_prob(imag.noise) * adv.detach()
        entropy = self.actor.normalised_entropy(policy)
        target = config.actor.entropy_target_at(replayed)
        if target is not None:
            self.entropy_weight.update(entropy.detach().mean((0, 1)), target)
            bonus = (self.entropy_weight.value * entropy).sum(-1)
        else:
            bonus = config.actor.entropy * entropy.sum(-1)
        # a mean far out has no gradient to come back by
        excess = (policy.raw.abs() - 1).relu().square().sum(-1).mean()
        actor_loss = -(weight * (gain + bonus)).mean() + config.actor.saturation * excess

        # Critic
        raw = self.critic(imag.feat[:-1].detach())
        critic_loss = (weight * self.value_out.loss(raw, ret.detach())).mean()

        metrics = {
            "train/loss/actor": actor_loss,
            "train/loss/critic": critic_loss,
            "train/imag_reward": reward.mean() * config.reward_scale + config.reward_offset,
            "train/return_mean": ret.mean(),
            "train/return_std": ret.std(),
            "train/value_mean": value.mean(),
            "train/adv_std": adv.std(),
            "train/policy_entropy": entropy.mean(),
            "train/policy_std": policy.std.mean(),
            "train/policy_saturation": (policy.raw.abs() > 2).float().mean(),
        }
        if target is not None:
            metrics["train/entropy_weight"] = self.entropy_weight.value.mean()
            metrics["train/entropy_target"] = entropy.new_full((), target)  # on the device of the others
        return actor_loss, critic_loss, metrics

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the slow critic after gradient step ``step``: a little each time, or a copy now and then."""
        config = self.config
        if config.slow_critic == "ema":
            rate = config.slow_rate
        elif step % config.slow_every == 0:
            rate = 1.0
        else:
            return
        torch._foreach_lerp_(list(self.slow.parameters()), list(self.critic.parameters()), rate)

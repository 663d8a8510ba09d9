"""The recurrent state-space model: a deterministic path through time with a stochastic latent at each step."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from daydreamer.agents.dreamer.config import DreamerConfig
from daydreamer.nn.latents import make_latent
from daydreamer.nn.layers import ACTIVATIONS, MLP, GRUCell, linear, norm


class State(NamedTuple):
    """deter ``[..., D]`` and a flat sample stoch ``[..., S]``."""

    deter: Tensor
    stoch: Tensor

    @property
    def feat(self) -> Tensor:
        """What heads see: ``[..., D + S]``."""
        return torch.cat([self.deter, self.stoch], -1)


class RSSM(nn.Module):
    """deter' = f(deter, stoch, action); prior p(stoch | deter); posterior q(stoch | deter, embed).

    Source: Hafner et al. 2019 (PlaNet), eq. 4; categorical latents: DreamerV2, sec. 2.
    """

    def __init__(self, config: DreamerConfig, embed: int, action: int):
        super().__init__()
        self.latent = make_latent(config.stoch, config.classes, config.unimix)
        self.deter_size, self.stoch_size = config.deter, self.latent.stoch_size
        act, norm_name, hidden = config.act, config.norm, config.hidden
        self.inputs = nn.Sequential(
            linear(self.stoch_size + action, hidden, bias=norm_name == "none"),
            norm(norm_name, hidden),
            ACTIVATIONS[act](),
        )
        self.cell = GRUCell(hidden, config.deter, config.blocks, norm_name)
        stats = self.latent.stats_size
        self.prior_net = MLP(config.deter, hidden, config.prior_layers, stats, act, norm_name)
        self.post_net = MLP(config.deter + embed, hidden, config.post_layers, stats, act, norm_name)
        self.learned = config.learned_initial
        if self.learned:
            self.first = nn.Parameter(torch.zeros(config.deter))

    @property
    def feat_size(self) -> int:
        """D + S."""
        return self.deter_size + self.stoch_size

    def initial(self, batch: int) -> State:
        """The state before the first step, ``[B, ...]``: zeros, or the learned deter with the prior's mode."""
        device = next(self.parameters()).device
        if not self.learned:
            return State(
                torch.zeros(batch, self.deter_size, device=device),
                torch.zeros(batch, self.stoch_size, device=device),
            )
        deter = torch.tanh(self.first).expand(batch, -1)
        return State(deter, self.latent.mode(self.prior(deter)))

    def prior(self, deter: Tensor) -> Tensor:
        """Stats of p(stoch | deter)."""
        return self.latent.normalise(self.prior_net(deter))

    def posterior(self, deter: Tensor, embed: Tensor) -> Tensor:
        """Stats of q(stoch | deter, embed)."""
        return self.latent.normalise(self.post_net(torch.cat([deter, embed], -1)))

    def advance(self, state: State, action: Tensor) -> Tensor:
        """The next deter ``[N, D]`` after ``action [N, A]``."""
        return self.cell(self.inputs(torch.cat([state.stoch, action], -1)), state.deter)

    def imagine(self, state: State, action: Tensor, noise: Tensor) -> State:
        """One step without an observation, ``[N, ...]``."""
        deter = self.advance(state, action)
        return State(deter, self.latent.sample(self.prior(deter), noise))

    def restart(self, state: State, is_first: Tensor) -> State:
        """Where ``is_first [N]``: the initial state, whatever came before."""
        first = is_first.unsqueeze(-1)
        if not self.learned:
            return State(torch.where(first, 0.0, state.deter), torch.where(first, 0.0, state.stoch))
        start = self.initial(is_first.shape[0])
        return State(
            torch.where(first, start.deter, state.deter), torch.where(first, start.stoch, state.stoch)
        )

    def observe(
        self, state: State, action: Tensor, embed: Tensor, is_first: Tensor, noise: Tensor
    ) -> tuple[State, Tensor]:
        """One step with an observation: ``state`` and ``action`` of the step before, ``embed [N, E]`` of this one.

        Returns the posterior state and its stats.
        """
        action = torch.where(is_first.unsqueeze(-1), 0.0, action)
        deter = self.advance(self.restart(state, is_first), action)
        stats = self.posterior(deter, embed)
        return State(deter, self.latent.sample(stats, noise)), stats

    def observe_sequence(
        self, action: Tensor, embed: Tensor, is_first: Tensor, noise: Tensor
    ) -> tuple[State, Tensor]:
        """``[B, T, ...]`` each, ``action[:, t]`` chosen after ``embed[:, t]``; states and stats ``[B, T, ...]``.

        The first step counts as a start: what came before the chunk is unknown.
        """
        batch, length = is_first.shape
        state = self.initial(batch)
        previous = torch.zeros_like(action[:, 0])
        starts = is_first.clone()
        starts[:, 0] = True
        deters, stochs, stats = [], [], []
        for t in range(length):
            state, stat = self.observe(state, previous, embed[:, t], starts[:, t], noise[:, t])
            previous = action[:, t]
            deters.append(state.deter)
            stochs.append(state.stoch)
            stats.append(stat)
        return State(torch.stack(deters, 1), torch.stack(stochs, 1)), torch.stack(stats, 1)

    def draw(self, *shape: int, rng: torch.Generator) -> Tensor:
        """Noise ``[*shape, N]`` of the latent's kind."""
        device = next(self.parameters()).device
        size = (*shape, self.latent.noise_size)
        if self.latent.noise_kind == "uniform":
            return torch.rand(size, generator=rng, device=device)
        return torch.randn(size, generator=rng, device=device)

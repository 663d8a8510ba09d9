"""The world model: encoder, RSSM, and heads that predict what was sensed, the reward, and whether it goes on."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from daydreamer.agents.dreamer.config import DreamerConfig, KLConfig
from daydreamer.agents.dreamer.rssm import RSSM, State
from daydreamer.core.specs import Specs
from daydreamer.nn.adapt import AdaptiveWeight
from daydreamer.nn.images import ImageDecoder, ImageEncoder
from daydreamer.nn.latents import Latent
from daydreamer.nn.layers import MLP, mse
from daydreamer.nn.outputs import make_scalar
from daydreamer.nn.scaling import symexp, symlog

Tensors = Mapping[str, Tensor]


class Encoder(nn.Module):
    """Sensed keys to one embedding: vectors side by side through an MLP, each image through convolutions."""

    def __init__(self, specs: Specs, config: DreamerConfig):
        super().__init__()
        self.squash = config.symlog_obs
        self.vectors = sorted(k for k, s in specs.items() if not s.is_image)
        self.images = sorted(k for k, s in specs.items() if s.is_image)
        self.outputs = 0
        if self.vectors:
            width = sum(specs[k].size for k in self.vectors)
            self.mlp = MLP(width, config.units, config.encoder_layers, None, config.act, config.norm)
            self.outputs += self.mlp.outputs
        convs = {k: ImageEncoder(specs[k].shape, config.cnn_depth, config.act) for k in self.images}
        self.convs = nn.ModuleDict(convs)
        self.outputs += sum(conv.outputs for conv in convs.values())

    def vector(self, obs: Tensors, lead: int) -> Tensor:
        """All vector keys ``[*lead, D]`` in one, squashed when configured; ``lead`` leading axes are kept."""
        flat = torch.cat([obs[k].float().flatten(lead) if obs[k].dim() > lead else obs[k].float().unsqueeze(-1)
                          for k in self.vectors], -1)  # fmt: skip
        return symlog(flat) if self.squash else flat

    def forward(self, obs: Tensors, lead: int = 2) -> Tensor:
        """``obs`` of ``[*lead, ...]`` each to ``[*lead, E]``."""
        parts = [self.mlp(self.vector(obs, lead))] if self.vectors else []
        parts += [self.convs[k](obs[k].float() / 255) for k in self.images]
        return torch.cat(parts, -1)


class Decoder(nn.Module):
    """feat back to every sensed key."""

    def __init__(self, specs: Specs, inputs: int, config: DreamerConfig):
        super().__init__()
        self.squash = config.symlog_obs
        self.vectors = sorted(k for k, s in specs.items() if not s.is_image)
        self.images = sorted(k for k, s in specs.items() if s.is_image)
        if unknown := sorted(config.recon.keys() - specs.keys()):
            raise ValueError(
                f"recon weighs {', '.join(unknown)}; the robot senses {', '.join(sorted(specs))}"
            )
        self.shapes = {k: specs[k].shape for k in self.vectors}
        self.sizes = [specs[k].size for k in self.vectors]
        if self.vectors:
            self.mlp = MLP(
                inputs, config.units, config.decoder_layers, sum(self.sizes), config.act, config.norm
            )
        self.convs = nn.ModuleDict(
            {k: ImageDecoder(inputs, specs[k].shape, config.cnn_depth, config.act) for k in self.images}
        )

    def losses(self, feat: Tensor, obs: Tensors) -> dict[str, Tensor]:
        """Squared error by key, summed over the key's elements: ``[B, T]`` each."""
        out = {}
        if self.vectors:
            for key, part in zip(self.vectors, self.mlp(feat).split(self.sizes, -1), strict=True):
                target = obs[key].float().reshape(part.shape)
                out[key] = mse(part, symlog(target) if self.squash else target)
        for key in self.images:
            error = (self.convs[key](feat) - obs[key].float() / 255).square()
            out[key] = error.flatten(-3).sum(-1)
        return out

    def predict(self, feat: Tensor) -> dict[str, Tensor]:
        """The means, in the observation's own units; images in [0, 1]."""
        out: dict[str, Tensor] = {}
        if self.vectors:
            for key, part in zip(self.vectors, self.mlp(feat).split(self.sizes, -1), strict=True):
                value = symexp(part) if self.squash else part
                out[key] = value.reshape(*feat.shape[:-1], *self.shapes[key])
        out.update({key: conv(feat) for key, conv in self.convs.items()})
        return out


def kl_loss(latent: Latent, post: Tensor, prior: Tensor, config: KLConfig) -> tuple[Tensor, Tensor, Tensor]:
    """The two KL terms and their weighted sum, of stats ``[B, T, K]``; three scalars (dyn, rep, total).

    dyn trains the prior towards the posterior, rep the posterior towards the prior; below ``free`` nats neither
    has a gradient. Source: DreamerV2, algorithm 2 (balancing); DreamerV3, eq. 5 (the two terms apart).
    """

    def clipped(value: Tensor) -> Tensor:
        if config.free_on == "step":
            return value.clamp(min=config.free).mean()
        return value.mean().clamp(min=config.free)

    dyn = clipped(latent.kl(post.detach(), prior))
    rep = clipped(latent.kl(post, prior.detach()))
    return dyn, rep, config.dyn * dyn + config.rep * rep


class WorldModel(nn.Module):
    """All that is learnt from replay by prediction."""

    def __init__(self, specs: Specs, action: int, config: DreamerConfig):
        super().__init__()
        self.config = config
        self.encoder = Encoder(specs, config)
        self.rssm = RSSM(config, self.encoder.outputs, action)
        feat = self.rssm.feat_size
        self.decoder = Decoder(specs, feat, config)
        self.reward_out = make_scalar(
            config.reward.kind, config.reward.bins, config.reward.low, config.reward.high
        )
        self.reward = MLP(
            feat,
            config.units,
            config.reward.layers,
            self.reward_out.size,
            config.act,
            config.norm,
            output_scale=0,
        )
        if config.continuation:
            self.con = MLP(feat, config.units, config.reward.layers, 1, config.act, config.norm)
        if config.kl.target is not None:
            self.kl_weight = AdaptiveWeight((), config.kl.target, 0.1, 1e-3, 1.0, raises=False)

    def loss(self, batch: Tensors, rng: torch.Generator) -> tuple[Tensor, State, dict[str, Tensor]]:
        """The loss of ``batch`` [B, T, ...], posterior states [B, T, ...] with gradient, and scalars to report."""
        config = self.config
        is_first = batch["is_first"]

        # States
        noise = self.rssm.draw(*is_first.shape, rng=rng)
        states, post = self.rssm.observe_sequence(batch["action"], self.encoder(batch), is_first, noise)
        prior = self.rssm.prior(states.deter)

        # KL
        dyn, rep, kl = kl_loss(self.rssm.latent, post, prior, config.kl)
        metrics = {"train/loss/dyn": dyn, "train/loss/rep": rep}
        if config.kl.target is not None:
            with torch.no_grad():
                self.kl_weight.update(self.rssm.latent.kl(post, prior).mean())
            kl = kl * self.kl_weight.value
            metrics["train/kl_weight"] = self.kl_weight.value.clone()
        loss = kl

        # Heads
        feat = states.feat
        for key, error in self.decoder.losses(feat, batch).items():
            metrics[f"train/loss/recon/{key}"] = error.mean()
            loss = loss + config.recon.get(key, 1.0) * error.mean()
        reward = (batch["reward"] - config.reward_offset) / config.reward_scale
        metrics["train/loss/reward"] = self.reward_out.loss(self.reward(feat), reward).mean()
        loss = loss + metrics["train/loss/reward"]
        if config.continuation:
            goes_on = 1.0 - batch["is_terminal"].float()
            metrics["train/loss/con"] = F.binary_cross_entropy_with_logits(
                self.con(feat).squeeze(-1), goes_on
            )
            loss = loss + metrics["train/loss/con"]

        # To report
        with torch.no_grad():
            metrics["train/kl"] = self.rssm.latent.kl(post, prior).mean()
            metrics["train/entropy/post"] = self.rssm.latent.entropy(post).mean()
            metrics["train/entropy/prior"] = self.rssm.latent.entropy(prior).mean()
        metrics["train/loss/model"] = loss
        return loss, states, metrics

    def predict_reward(self, feat: Tensor) -> Tensor:
        """``[..., F]`` to the (scaled) reward that comes with this state, ``[...]``."""
        return self.reward_out.predict(self.reward(feat))

    def predict_continuation(self, feat: Tensor) -> Tensor:
        """``[..., F]`` to the probability of going on, ``[...]``; ones without a head."""
        if self.config.continuation:
            return torch.sigmoid(self.con(feat)).squeeze(-1)
        return torch.ones(feat.shape[:-1], device=feat.device)

    @torch.no_grad()
    def open_loop(self, batch: Tensors, context: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Predict ``batch`` [B, T, ...] after ``context`` observed steps: by key ``[B, T - context, ...]``."""
        seen = {key: value[:, :context] for key, value in batch.items()}
        noise = self.rssm.draw(*seen["is_first"].shape, rng=rng)
        states, _ = self.rssm.observe_sequence(seen["action"], self.encoder(seen), seen["is_first"], noise)
        state = State(states.deter[:, -1], states.stoch[:, -1])
        feats = []
        for t in range(context - 1, batch["is_first"].shape[1] - 1):
            state = self.rssm.imagine(state, batch["action"][:, t], self.rssm.draw(len(state.deter), rng=rng))
            feats.append(state.feat)
        feat = torch.stack(feats, 1)
        out = self.decoder.predict(feat)
        out["reward"] = self.predict_reward(feat) * self.config.reward_scale + self.config.reward_offset
        return out

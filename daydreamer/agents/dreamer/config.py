"""Configuration of the Dreamer family: versions differ here, not in code. No torch: presets read this on robots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is '{value}'; expected one of {', '.join(allowed)}")


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (isinstance(value, (int, float)) and value > 0):
            raise ValueError(f"{name} is {value}; expected a positive number")


def _not_negative(**values: float) -> None:
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name} is {value}; expected 0 or more")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; expected a number in [{low}, {high}]")


@dataclass(frozen=True)
class KLConfig:
    """dyn max(free, KL(sg post || prior)) + rep max(free, KL(post || sg prior)), times an adaptive weight.

    DreamerV1: dyn 1, rep 1, free 3, average. V2: 0.8, 0.2, free 1, average. DayDreamer: 0.8, 0.2, free 0,
    target 3.5. V3: 1, 0.1, free 1, step.
    """

    dyn: float = 1.0  # weight that draws the prior to the posterior
    rep: float = 0.1  # weight that draws the posterior to the prior
    free: float = 1.0  # nats below which nothing is gained
    free_on: str = "step"  # 'step': clip each time step; 'average': clip the mean over the batch
    target: float | None = None  # nats; adapt one weight so that KL stays here (None: weight 1)

    def __post_init__(self) -> None:
        _not_negative(**{"kl.dyn": self.dyn, "kl.rep": self.rep, "kl.free": self.free})
        _one_of("kl.free_on", self.free_on, ("step", "average"))
        if self.target is not None:
            _positive(**{"kl.target": self.target})


@dataclass(frozen=True)
class ScalarConfig:
    """A head that predicts one number: its depth, and how the number is represented."""

    layers: int = 2
    kind: str = "twohot"  # mse, symlog_mse, twohot (bins in [low, high]), symexp_twohot (bins of the symlog)
    bins: int = 65
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _not_negative(layers=self.layers)
        _one_of("kind", self.kind, ("mse", "symlog_mse", "twohot", "symexp_twohot"))

    @property
    def extremes(self) -> tuple[float, float]:
        """The least and the most that it can predict."""
        if self.kind in ("mse", "symlog_mse"):
            return -math.inf, math.inf
        if self.kind == "twohot":
            return self.low, self.high
        low, high = (math.copysign(math.expm1(abs(end)), end) for end in (self.low, self.high))
        return low, high


@dataclass(frozen=True)
class ActorConfig:
    """The policy: Normal with tanh mean and bounded std, and what its gradient and entropy follow."""

    layers: int = 2
    least_std: float = 0.1
    most_std: float = 1.0
    gradient: str = "dynamics"  # 'dynamics': backpropagate through imagination; 'reinforce'
    entropy: float = 3e-3  # weight of the entropy bonus, or where it starts
    entropy_target: float | None = 0.5  # normalised, per action dimension; None keeps the weight fixed
    final_entropy_target: float | None = None  # where the target has gone after ``anneal``; None: nowhere
    anneal: tuple[float, float] = (0.0, 1.0)  # mean replayed reward where it begins to go there, and arrives
    saturation: float = 0.01  # weight of (|m| - 1)^2 for means tanh(m) beyond 1, which hardly learn; 0: none
    output_scale: float = 0.01

    def __post_init__(self) -> None:
        _one_of("actor.gradient", self.gradient, ("dynamics", "reinforce"))
        _not_negative(layers=self.layers, entropy=self.entropy, saturation=self.saturation)
        for name in ("entropy_target", "final_entropy_target"):
            if (target := getattr(self, name)) is not None:
                _within(name, target, 0, 1)
        if not 0 < self.least_std < self.most_std:
            raise ValueError(f"expected 0 < least_std < most_std, got {self.least_std} and {self.most_std}")
        if not self.anneal[0] < self.anneal[1]:
            raise ValueError(f"actor.anneal is two rewards, the first smaller, got {self.anneal}")

    def entropy_target_at(self, reward: float) -> float | None:
        """The target of normalised entropy when replay holds ``reward`` a step, on average; None: the weight is fixed.

        A schedule by what was earned, not by time: a robot that has found nothing yet goes on looking.
        """
        if self.entropy_target is None or self.final_entropy_target is None:
            return self.entropy_target
        begin, end = self.anneal
        done = min(max((reward - begin) / (end - begin), 0.0), 1.0)
        return self.entropy_target + done * (self.final_entropy_target - self.entropy_target)


@dataclass(frozen=True)
class OptimiserConfig:
    """Adam (AdamW when ``weight_decay``) with the gradient's global norm clipped."""

    lr: float = 3e-4
    eps: float = 1e-6
    weight_decay: float = 0.0
    clip: float = 100.0

    def __post_init__(self) -> None:
        _positive(lr=self.lr, eps=self.eps, clip=self.clip)
        _not_negative(weight_decay=self.weight_decay)


@dataclass(frozen=True)
class DreamerConfig:
    """Everything about one Dreamer agent. The defaults are the CPU recommendation (about half a million weights)."""

    # Model
    deter: int = 128  # recurrent state
    hidden: int = 128  # width inside the RSSM
    stoch: int = 16  # latent variables
    classes: int = 8  # of each; 0 makes the latents Gaussian
    unimix: float = 0.01  # share of uniform mixed into each categorical
    blocks: int = 1  # of the recurrent weight; > 1 makes it block-diagonal
    prior_layers: int = 1
    post_layers: int = 1
    learned_initial: bool = False  # deter starts from a learned vector, not zeros
    units: int = 128  # width of encoder, decoder and heads
    encoder_layers: int = 2
    decoder_layers: int = 2
    cnn_depth: int = 16  # channels of the first image layer
    act: str = "silu"
    norm: str = "layer"
    symlog_obs: bool = True  # squash vector observations, as inputs and as targets
    # Weight of each sense's squared error, 1 where none is named. What varies by less than kl.rep / (2 weight) is
    # cheaper left out of the latent state than told.
    recon: Mapping[str, float] = field(default_factory=dict)
    kl: KLConfig = field(default_factory=KLConfig)
    # Heads
    reward: ScalarConfig = field(default_factory=lambda: ScalarConfig(bins=65, low=-1.0, high=1.0))
    reward_offset: float = 0.0  # the model learns (reward - offset) / scale
    reward_scale: float = 1.0
    continuation: bool = False  # learn when the task ends; off where nothing terminates
    critic: ScalarConfig = field(
        default_factory=lambda: ScalarConfig(kind="symexp_twohot", bins=81, low=-5.0, high=5.0)
    )
    actor: ActorConfig = field(default_factory=ActorConfig)
    # Imagination
    starts: int = 128  # posterior states it starts from; 0: every one of the batch
    burn_in: int = 0  # first steps of a chunk that it does not start from: they have hardly seen anything
    horizon: int = 12
    discount: float = 0.99
    lambda_: float = 0.95
    return_scale: str = "std"  # of returns: none, std, percentile; of advantages: adv_std
    slow_critic: str = "ema"  # 'ema': follows by slow_rate each step; 'copy': every slow_every steps
    slow_rate: float = 0.02
    slow_every: int = 100
    # Keeping
    policy_average: float = 0.05  # kept policies: weights over about this share of all updates; 0: the newest
    # Optimisers
    model_opt: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(lr=5e-4))
    actor_opt: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(lr=2e-4))
    critic_opt: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(lr=3e-4))

    def __post_init__(self) -> None:
        _positive(
            deter=self.deter, hidden=self.hidden, stoch=self.stoch, units=self.units, horizon=self.horizon,
            blocks=self.blocks, reward_scale=self.reward_scale, cnn_depth=self.cnn_depth, slow_every=self.slow_every,
        )  # fmt: skip
        _not_negative(
            classes=self.classes, prior_layers=self.prior_layers, post_layers=self.post_layers,
            encoder_layers=self.encoder_layers, decoder_layers=self.decoder_layers, starts=self.starts,
            burn_in=self.burn_in,
        )  # fmt: skip
        _within("unimix", self.unimix, 0, 0.5)
        _within("discount", self.discount, 0, 1)
        _within("lambda_", self.lambda_, 0, 1)
        _within("slow_rate", self.slow_rate, 0, 1)
        _within("policy_average", self.policy_average, 0, 1)
        _positive(**{f"recon.{key}": weight for key, weight in self.recon.items()})
        _one_of("act", self.act, ("silu", "elu", "relu", "gelu", "tanh"))
        _one_of("norm", self.norm, ("layer", "rms", "none"))
        _one_of("return_scale", self.return_scale, ("none", "std", "percentile", "adv_std"))
        _one_of("slow_critic", self.slow_critic, ("ema", "copy"))
        if self.deter % self.blocks:
            raise ValueError(f"blocks ({self.blocks}) must divide deter ({self.deter})")


def cpu(reward_offset: float = 0.0, reward_scale: float = 1.0) -> DreamerConfig:
    """The recommendation for one CPU core; scale rewards so that they fit in [-1, 1]."""
    return DreamerConfig(reward_offset=reward_offset, reward_scale=reward_scale)


def micro(reward_offset: float = 0.0, reward_scale: float = 1.0) -> DreamerConfig:
    """For tests and toys: learns small tasks in a minute on one core."""
    return DreamerConfig(
        deter=32, hidden=32, stoch=4, classes=4, units=32, encoder_layers=1, decoder_layers=1, starts=64, horizon=8,
        cnn_depth=2, reward=ScalarConfig(layers=1), critic=ScalarConfig(1, "symexp_twohot", 81, -5.0, 5.0),
        actor=ActorConfig(layers=1), model_opt=OptimiserConfig(lr=2e-3), actor_opt=OptimiserConfig(lr=1e-3),
        critic_opt=OptimiserConfig(lr=1e-3), reward_offset=reward_offset, reward_scale=reward_scale,
    )  # fmt: skip


def daydreamer_a1() -> DreamerConfig:
    """The DayDreamer paper's sizes, losses and rates for the A1; for GPUs. Source: Wu et al. 2022, their code.

    Not theirs:

    - how weights are initialised, and the policy's distribution;
    - squared errors of reward and value are halved, those of the senses are not (theirs: none): beside senses and KL
      the reward weighs half as much;
    - the adaptive weights start at 0.1 (KL) and 3e-3 (entropy), theirs at 1: 24 and 61 updates of 10 % apart;
    - an imagined step counts as far as the continuation head says that its start goes on, there as far as the replayed
      row was no end.
    """
    opt = OptimiserConfig(lr=1e-4, eps=1e-6, weight_decay=1e-2, clip=100.0)
    head = ScalarConfig(layers=4, kind="symlog_mse")
    return DreamerConfig(
        deter=256, hidden=256, stoch=32, classes=32, prior_layers=3, post_layers=1, learned_initial=True, units=512,
        encoder_layers=4, decoder_layers=4, cnn_depth=64, act="elu", norm="layer", symlog_obs=False,
        kl=KLConfig(dyn=0.8, rep=0.2, free=0.0, target=3.5), reward=head, continuation=True, critic=head,
        actor=ActorConfig(layers=4, saturation=0.0, output_scale=1.0), starts=0, horizon=15, discount=0.995,
        return_scale="adv_std", slow_critic="copy", policy_average=0.0, model_opt=opt, actor_opt=opt, critic_opt=opt,
    )  # fmt: skip

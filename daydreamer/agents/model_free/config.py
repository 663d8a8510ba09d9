"""Configuration of the model-free agents: SAC and DroQ differ here, not in code. No torch: robots read this too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelFreeConfig:
    """Everything about one soft actor-critic. The defaults are SAC's."""

    # Networks
    units: int = 256  # width of actor and critics
    layers: int = 2
    critics: int = 2  # members of the ensemble
    dropout: float = 0.0  # in the critics
    critic_norm: bool = False  # LayerNorm in the critics
    frames: int = 1  # newest observations that actor and critics see side by side
    # Learning
    updates_per_step: int = (
        1  # gradient steps of the critics per control step; the actor takes one with the last
    )
    batch: int = 256  # transitions per gradient step
    discount: float = 0.99
    tau: float = 0.005  # by which the target critics follow at each gradient step
    actor_value: str = "min"  # of the critics, what the actor climbs: 'min' or 'mean'
    target_entropy: float = -1.0  # nats per action dimension
    temperature: float = 0.01  # to begin with: 0.1 suits rewards of up to 10, and here they reach 1
    actor_lr: float = 3e-4
    critic_lr: float = 3e-4
    temperature_lr: float = 3e-4
    policy_average: float = 0.05  # kept policies: weights over about this share of all updates; 0: the newest
    reward_offset: float = 0.0  # the critics learn from (reward - offset) / scale
    reward_scale: float = 1.0

    def __post_init__(self) -> None:
        for name in (
            *("units", "layers", "critics", "frames", "updates_per_step", "batch"),
            *("tau", "temperature", "actor_lr", "critic_lr", "temperature_lr", "reward_scale"),
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a positive number")
        for name in ("discount", "tau", "policy_average"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number in [0, 1]")
        if not 0 <= self.dropout < 1:
            raise ValueError(
                f"dropout is {self.dropout}; expected a number in [0, 1): something has to be left"
            )
        if self.actor_value not in ("min", "mean"):
            raise ValueError(f"actor_value is '{self.actor_value}'; expected one of min, mean")

    @property
    def length(self) -> int:
        """Steps of a chunk of replay that holds one transition: what is seen before it, and what comes after."""
        return self.frames + 1


def sac(reward_offset: float = 0.0, reward_scale: float = 1.0) -> ModelFreeConfig:
    """Soft actor-critic. Source: Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications", appendix D.

    Three frames are ours: they hold the state of the low-pass on joint targets, which one does not.
    """
    return ModelFreeConfig(frames=3, reward_offset=reward_offset, reward_scale=reward_scale)


def droq(reward_offset: float = 0.0, reward_scale: float = 1.0) -> ModelFreeConfig:
    """SAC with dropout and LayerNorm in the critics, and twenty gradient steps per control step.

    Source: Hiraoka et al. 2022, algorithm 2 and table 3; Smith, Kostrikov, Levine 2022, "A Walk in the Park", and its
    public configuration (target entropy -A / 2). Three frames as in ``sac``.
    """
    return ModelFreeConfig(
        frames=3, dropout=0.01, critic_norm=True, updates_per_step=20, actor_value="mean", target_entropy=-0.5,
        reward_offset=reward_offset, reward_scale=reward_scale,
    )  # fmt: skip

"""The acting half of a Dreamer as a module of plain tensors in and out, ready for ONNX."""

from __future__ import annotations

from torch import Tensor, nn

from daydreamer.agents.dreamer.behavior import Actor
from daydreamer.agents.dreamer.rssm import RSSM, State
from daydreamer.agents.dreamer.world_model import Encoder
from daydreamer.agents.exported import ExportedPolicy
from daydreamer.core.specs import ArraySpec, Specs


class PolicyStep(nn.Module):
    """One unbatched control step: observation, carry and noise to action and carry.

    The carry is ``deter [D]``, ``stoch [S]`` and ``action [A]``, the policy's own previous action in [-1, 1].
    """

    def __init__(self, encoder: Encoder, rssm: RSSM, actor: Actor, keys: list[str]):
        super().__init__()
        self.encoder, self.rssm, self.actor = encoder, rssm, actor
        self.keys = keys

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Inputs: is_first, the sensed keys, deter, stoch, action, latent noise, action noise."""
        is_first, *values = inputs
        obs = dict(zip(self.keys, values, strict=False))
        deter, stoch, previous, latent_noise, action_noise = (
            x.unsqueeze(0) for x in values[len(self.keys) :]
        )
        embed = self.encoder({key: value.unsqueeze(0) for key, value in obs.items()}, lead=1)
        state, _ = self.rssm.observe(State(deter, stoch), previous, embed, is_first.reshape(1), latent_noise)
        policy = self.actor(state.feat)
        action = (policy.mean + policy.std * action_noise).clamp(-1, 1)
        return action.squeeze(0), state.deter.squeeze(0), state.stoch.squeeze(0), action.squeeze(0)


def export(step: PolicyStep, senses: Specs, act: Specs) -> ExportedPolicy:
    """The policy that ``step`` is, which senses the keys of ``senses``."""
    rssm = step.rssm
    action = sum(spec.size for spec in act.values())
    obs = {"is_first": ArraySpec((), "bool"), **{key: senses[key] for key in step.keys}}
    carry = {"deter": rssm.deter_size, "stoch": rssm.stoch_size, "action": action}
    noise = {"latent": (rssm.latent.noise_size, rssm.latent.noise_kind), "action": (action, "normal")}
    return ExportedPolicy(step, obs, act, carry, noise)

"""Which agent learns a preset's task, and how each wants to be fed. Plain data: no torch."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace

from daydreamer.agents.model_free.config import ModelFreeConfig, droq, sac
from daydreamer.core.errors import DaydreamerError
from daydreamer.presets.preset import AgentConfig, Preset

# A preset is written with Dreamer's configuration; the others take from it what is the task's: the reward's scale.
AGENTS: dict[str, Callable[[AgentConfig], AgentConfig]] = {
    "dreamer": lambda given: given,
    "sac": lambda given: sac(given.reward_offset, given.reward_scale),
    "droq": lambda given: droq(given.reward_offset, given.reward_scale),
}
# What the robot acts by is at most 15 rows old, 0.75 s; a Dreamer's may be 50. The methods know no such age.
_PUBLISH_ROWS, _SLACK = 5, 10


class UnknownAgent(DaydreamerError):
    """No agent has this name."""


def choose(preset: Preset, name: str) -> Preset:
    """``preset`` with the agent called ``name`` in place of its own; ``fed`` follows.

    Raises:
        UnknownAgent: The nearest name is suggested.
    """
    if name not in AGENTS:
        near = difflib.get_close_matches(name, AGENTS, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise UnknownAgent(f"no agent is called '{name}'; there are {', '.join(AGENTS)}.{hint}")
    return replace(preset, agent=AGENTS[name](preset.agent))


def fed(preset: Preset) -> Preset:
    """``preset`` with its replay as its agent wants it; a Dreamer's is in the preset already.

    What belongs to the task and to the comparison stays: how much random motion there is before the first update,
    the mirror, all that is kept and written. What belongs to the method changes: a chunk is one transition, drawn
    uniformly; each row pays for so many gradient steps as the method is published with; the policy's noise is all that
    explores, and the policy is young. It observes the estimated velocity, which half of the reward is made of: a
    Dreamer, who remembers, finds it out.
    """
    agent = preset.agent
    if not isinstance(agent, ModelFreeConfig):
        return preset
    learner = replace(
        preset.learner,
        batch=agent.batch,
        length=agent.length,
        train_ratio=float(agent.updates_per_step * agent.batch * agent.length),
        pretrain=agent.updates_per_step,  # the first policy has learned once
        slack=_SLACK,
        publish_every=_PUBLISH_ROWS * agent.updates_per_step,
        recent=0.0,
    )
    task = replace(preset.task, see_velocity=True)
    return replace(preset, task=task, actor=replace(preset.actor, babble=0.0), learner=learner)

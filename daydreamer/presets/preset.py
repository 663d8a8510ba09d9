"""Preset: everything that a job needs to know, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, TypeAlias

from daydreamer.agents.dreamer.config import DreamerConfig
from daydreamer.agents.model_free.config import ModelFreeConfig
from daydreamer.envs.delay import DelayConfig
from daydreamer.envs.tasks.walk import WalkConfig
from daydreamer.runtime.actor import ActorConfig
from daydreamer.runtime.learner import LearnerConfig

AgentConfig: TypeAlias = DreamerConfig | ModelFreeConfig


@dataclass(frozen=True)
class Preset:
    """A robot, a task, an agent, and the numbers for all of them. ``--set`` changes any part by its path.

    Its own agent is a Dreamer, and its learner feeds one; ``agents`` puts another in its place.
    """

    name: str
    doc: str  # one line, for people
    robot: str  # name in robots.registry
    robot_options: Mapping[str, Any] = field(default_factory=dict)
    restart: str = ""  # pose that a stand-in is put back into at every reset; empty: it goes on where it lies
    hz: float = 20.0  # control steps per second
    task: WalkConfig = field(default_factory=WalkConfig)
    delay: DelayConfig = field(default_factory=DelayConfig)
    agent: AgentConfig = field(default_factory=DreamerConfig)
    actor: ActorConfig = field(default_factory=ActorConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)

    def __post_init__(self) -> None:
        if not self.hz > 0:
            raise ValueError(f"hz is a positive rate, got {self.hz}")


def defaults(config: Any) -> dict[str, Any]:
    """What each setting of a dataclass, and of those in it, is where nobody says anything, as nested plain data.

    A run that began before a setting existed has gone by this: a new setting's default changes nothing.
    """
    found: dict[str, Any] = {}
    for one in fields(config):
        if is_dataclass(value := getattr(config, one.name)):
            found[one.name] = defaults(value)
        elif one.default is not MISSING:
            found[one.name] = one.default
        elif one.default_factory is not MISSING:
            found[one.name] = one.default_factory()
    return found

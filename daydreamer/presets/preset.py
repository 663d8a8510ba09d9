"""Preset: everything that a job needs to know, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daydreamer.agents.dreamer.config import DreamerConfig
from daydreamer.envs.tasks.walk import WalkConfig
from daydreamer.runtime.actor import ActorConfig
from daydreamer.runtime.learner import LearnerConfig


@dataclass(frozen=True)
class Preset:
    """A robot, a task, an agent, and the numbers for all of them. ``--set`` changes any part by its path."""

    name: str
    doc: str  # one line, for people
    robot: str  # name in robots.registry
    robot_options: Mapping[str, Any] = field(default_factory=dict)
    hz: float = 20.0  # control steps per second
    task: WalkConfig = field(default_factory=WalkConfig)
    agent: DreamerConfig = field(default_factory=DreamerConfig)
    actor: ActorConfig = field(default_factory=ActorConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)

    def __post_init__(self) -> None:
        if not self.hz > 0:
            raise ValueError(f"hz is a positive rate, got {self.hz}")

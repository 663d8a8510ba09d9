"""A robot without physics and the smallest agent: the whole machinery in seconds, for tests of it."""

from daydreamer.agents.dreamer.config import micro
from daydreamer.presets.preset import Preset
from daydreamer.runtime.actor import ActorConfig
from daydreamer.runtime.learner import LearnerConfig

PRESET = Preset(
    name="fake-tiny",
    doc="a robot without physics and a tiny agent: nothing to learn, everything to test",
    robot="fake",
    agent=micro(reward_offset=7.0, reward_scale=10.0),
    actor=ActorConfig(report_every=0.5),
    learner=LearnerConfig(
        batch=4,
        length=8,
        train_ratio=4.0,
        prefill=100,
        pretrain=2,
        publish_every=2,
        capacity=100_000,
        checkpoint_every=2.0,
        metrics_every=0.5,
    ),
)

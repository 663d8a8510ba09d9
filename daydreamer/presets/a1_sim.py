"""The A1 stand-in learns to roll over, stand up and walk, on two CPU cores."""

from dataclasses import replace

from daydreamer.agents.dreamer.config import ActorConfig, cpu
from daydreamer.presets.preset import Preset
from daydreamer.runtime.learner import LearnerConfig

# Rewards are 5 on the back, 9 standing, 14 walking: (r - 5) / 10 fits them into [0, 1], and a fresh critic,
# which says 0 everywhere, is right about the back from the start.
# Small batches, because progress goes with gradient steps more than with the rows in each: half the rows of the
# default, twice the steps in the same time.
# It explores until it stands, which is after about 3,000 of them; then less and less, because the noise topples it.
PRESET = Preset(
    name="a1-sim",
    doc="Unitree A1 in PyBullet: from lying on its back, roll over, stand up, walk",
    robot="a1-sim",
    agent=replace(
        cpu(reward_offset=5.0, reward_scale=10.0),
        actor=ActorConfig(final_entropy_target=0.15, anneal=(3000, 7500)),
        starts=64,
    ),
    learner=LearnerConfig(batch=16),
)

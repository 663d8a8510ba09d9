"""The A1 stand-in walks from standing and is put back on its feet after a fall, as model-free methods learn it."""

import math
from dataclasses import replace

from daydreamer.agents.dreamer.config import cpu
from daydreamer.presets import a1_sim
from daydreamer.runtime.actor import ActorConfig
from daydreamer.runtime.learner import LearnerConfig

# As in "A Walk in the Park" (Smith, Kostrikov, Levine 2022): an episode ends at a tilt of 30 degrees, and actions span
# 0.2, 0.4, 0.4 rad to either side of the standing pose (0, 0.9, -1.8), here in parts of each joint's range, and the
# low-pass is at 3 Hz, as on their robot: in so narrow a range one at 1.5 Hz cannot be overdriven. The reward and the
# rate are those of a1-sim.
PRESET = replace(
    a1_sim.PRESET,
    name="a1-sim-stand",
    doc="Unitree A1 in PyBullet: from standing, walk; put back on its feet after every fall",
    robot_options={"start": "stand"},
    restart="stand",
    task=replace(
        a1_sim.PRESET.task,
        action_low=(0.3753, 0.2958, 0.2803),
        action_high=(0.6247, 0.4485, 0.7287),
        cutoff_hz=3.0,
        fall=math.radians(30),
    ),
    agent=replace(cpu(reward_offset=5.0, reward_scale=10.0), continuation=True),
    actor=ActorConfig(),
    learner=LearnerConfig(train_ratio=256),
)

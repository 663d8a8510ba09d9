"""The A1 stand-in learns to roll over, stand up and walk, on two CPU cores."""

from daydreamer.agents.dreamer.config import cpu
from daydreamer.presets.preset import Preset

# Rewards are 5 on the back, 9 standing, 14 walking: (r - 5) / 10 fits them into [0, 1], and a fresh critic,
# which says 0 everywhere, is right about the back from the start.
PRESET = Preset(
    name="a1-sim",
    doc="Unitree A1 in PyBullet: from lying on its back, roll over, stand up, walk",
    robot="a1-sim",
    agent=cpu(reward_offset=5.0, reward_scale=10.0),
)

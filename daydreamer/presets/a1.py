"""A real Unitree A1, learning as the stand-in does. No robot has run it yet; docs/hardware/a1.md comes first."""

from dataclasses import replace

from daydreamer.presets import a1_sim
from daydreamer.runtime.actor import ActorConfig

PRESET = replace(
    a1_sim.PRESET,
    name="a1",
    doc="a real Unitree A1: from lying on its back, roll over, stand up, walk",
    robot="a1",
    actor=ActorConfig(),  # without the stand-in's babbling: falls cost a real robot something
)

"""The stand-in's task and agent on the real A1's driver: servo process, safety core and UDP, to an emulated A1."""

from dataclasses import replace

from daydreamer.presets import a1_sim

PRESET = replace(
    a1_sim.PRESET,
    name="a1-emulated",
    doc="as a1-sim, in real time through the driver of a real A1, with an emulated one on the network",
    robot="a1-emulated",
)

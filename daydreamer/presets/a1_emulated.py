"""The stand-in's task and agent on the real A1's driver: servo process, safety core and UDP, to an emulated A1."""

from dataclasses import replace

from daydreamer.presets import a1_sim

# Learner, actor and robot share one computer here, and the actor may wait for it longer than a real robot should for
# its commands: nobody is hurt, and a stop that only a person may reset would end every run on a busy computer.
PATIENT = {"command_hold": 1.0, "command_damp": 3.0}  # s; the usual are 0.2 and 1

PRESET = replace(
    a1_sim.PRESET,
    name="a1-emulated",
    doc="as a1-sim, in real time through the driver of a real A1, with an emulated one on the network",
    robot="a1-emulated",
    robot_options={"safety": PATIENT},
)

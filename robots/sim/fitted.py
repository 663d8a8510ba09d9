"""The stand-in that behaves like one robot: its options from the part ``sim`` of that robot's calibration."""

from __future__ import annotations

from typing import Any

from robots.calibration_parts import Sim


def options(sim: Sim) -> dict[str, Any]:
    """For ``StandIn``: motors, friction and latency as they were fitted. Sensors stay as good as the stand-in's are."""
    return {
        "latency": sim.latency_s,
        "command_interval": sim.command_interval_s,
        "kp_scale": sim.kp_scale,
        "distortion": {
            "coulomb": sim.coulomb_n_m,
            "viscous": sim.viscous_n_m_s_per_rad,
            "torque_scale": sim.torque_scale,
        },
    }

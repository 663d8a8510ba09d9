"""The head of a ROS 2 message: when its data were read, and in which frame they are."""

from __future__ import annotations

from typing import Any


def stamp(wall: float) -> dict[str, int]:
    """builtin_interfaces/Time of ``wall`` [unix s], to the nanosecond that a float knows."""
    sec, nanosec = divmod(round(wall * 1e9), 10**9)
    return {"sec": sec, "nanosec": nanosec}


def header(wall: float, frame: str = "") -> dict[str, Any]:
    """std_msgs/Header."""
    return {"stamp": stamp(wall), "frame_id": frame}

"""What the servo process goes by, as plain data that reaches it as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from robots.a1 import wire
from robots.robot import RobotError
from robots.safety.config import SafetyConfig
from robots.safety.faults import SILENCE

LAST_PACKETS = 5  # of damping, however it ends: one may be lost
CANNOT = 2  # exit code: it would fail again in the same way


@dataclass(frozen=True)
class ServoConfig:
    """Address, rate, and how commands become motion. The defaults are a real A1's, on its own network."""

    host: str = wire.ROBOT_ADDRESS[0]
    port: int = wire.ROBOT_ADDRESS[1]
    local_port: int = wire.CLIENT_PORT  # ours; 0 takes a free one
    hz: float = 500.0
    command_interval: float = 0.05  # s, over which a target moves to the next
    gain_ramp: float = 0.5  # s, over which a joint that begins to track becomes stiff
    error_clip: float = 0.2  # rad; a target farther from its joint pulls no harder
    orphan_hold: float = 0.02  # s from the death of the driver's process to damping
    damp_time: float = 0.5  # s of damping before it leaves
    priority: int = 50  # of SCHED_FIFO, where the system permits; 0 does not ask for it
    estop: str = ""  # serial port of the stop box; none when empty
    estop_silence: float = SILENCE  # s without its heartbeat, after which it is lost
    latch: str = ""  # file that keeps a stop until a person resets it; none when empty
    safety: SafetyConfig = field(default_factory=SafetyConfig)

    def __post_init__(self) -> None:
        if not 50.0 <= self.hz <= 1000.0:
            raise RobotError(f"the servo runs at 50 to 1000 Hz, got {self.hz}")
        for name in ("command_interval", "gain_ramp", "orphan_hold", "damp_time"):
            value = getattr(self, name)
            if not 0 <= value <= 10.0:
                raise RobotError(f"{name} is between 0 and 10 s, got {value}")
        if not self.error_clip > 0:
            raise RobotError(f"error_clip is a positive angle, got {self.error_clip}")

    @property
    def damp_ticks(self) -> int:
        """How many damping commands it sends before it leaves; at least one."""
        return max(1, round(self.damp_time * self.hz))

    def to_json(self) -> str:
        """All of it; infinite limits, too."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServoConfig:
        """The other way."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "safety": SafetyConfig(**values["safety"])})

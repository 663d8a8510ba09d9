"""A network line that is late, uneven and loses packets, in a clock's time that the caller tells. Seeded."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

Packet = TypeVar("Packet")


@dataclass(frozen=True)
class LineConfig:
    """One direction of a line. The default is a perfect one."""

    latency: float = 0.0  # s, of every packet
    jitter: float = 0.0  # s; up to as much on top, uniformly, so that packets may overtake each other
    loss: float = 0.0  # probability that a packet never arrives

    def __post_init__(self) -> None:
        if not (0 <= self.latency < math.inf and 0 <= self.jitter < math.inf and 0 <= self.loss <= 1):
            raise ValueError(
                "a line has latency and jitter of zero or more seconds and a loss between 0 and 1, got "
                f"{self.latency}, {self.jitter} and {self.loss}"
            )


class Line(Generic[Packet]):
    """Packets go in with ``send`` and come out of ``arrived``, each in its time. Holds at most ``capacity``."""

    def __init__(self, config: LineConfig, seed: int | np.random.SeedSequence, capacity: int = 1024):
        self.config = config
        self.lost = 0  # by the configured loss
        self.refused = 0  # because the line was full
        self._rng = np.random.default_rng(seed)
        self._capacity = capacity
        self._sent = 0
        self._under_way: list[tuple[float, int, Packet]] = []  # a heap; the count keeps equal times in order

    def send(self, packet: Packet, now: float) -> None:
        """Put ``packet`` on its way at ``now`` [s]."""
        if self.config.loss and self._rng.random() < self.config.loss:
            self.lost += 1
            return
        if len(self._under_way) >= self._capacity:
            self.refused += 1
            return
        extra = self._rng.uniform(0.0, self.config.jitter) if self.config.jitter else 0.0
        self._sent += 1
        heapq.heappush(self._under_way, (now + self.config.latency + extra, self._sent, packet))

    def arrived(self, now: float) -> list[Packet]:
        """What has arrived by ``now`` [s] and was not taken yet, first come first."""
        packets = []
        while self._under_way and self._under_way[0][0] <= now:
            packets.append(heapq.heappop(self._under_way)[2])
        return packets

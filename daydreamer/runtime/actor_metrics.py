"""What an actor counts between two reports."""

from __future__ import annotations

from collections import defaultdict

from daydreamer.transport.link import LinkStatus


class ActorMetrics:
    """Sums since the last report, and a few values since the start. Times are wall seconds.

    Args:
        now: Wall time at the start.
    """

    def __init__(self, now: float):
        self.steps = 0
        self.babbled = 0  # steps since the last report
        self.faults = 0
        self.version = -1
        self.version_since = now
        self.holding = False
        self.paused = False  # by a person
        self.policy_seconds = 0.0  # of the last call
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._since, self._steps_then = now, 0

    def add(self, name: str, seconds: float) -> None:
        """Add to the sum called ``name``: 'late', 'policy', a part of the env's timing, or 'credit_wait'."""
        self._sums[name] += seconds

    def age(self, now: float) -> float:
        """Seconds since the last report."""
        return now - self._since

    def report(self, now: float, status: LinkStatus) -> dict[str, float]:
        """Metrics by name; the sums begin again."""
        fresh = self.steps - self._steps_then
        per_step = 1000.0 / max(fresh, 1)
        sums, self._sums = self._sums, defaultdict(float)
        babbled, self.babbled = self.babbled, 0
        elapsed, self._since, self._steps_then = max(self.age(now), 1e-9), now, self.steps
        return {
            "actor/steps": float(self.steps),
            "actor/steps_per_second": fresh / elapsed,
            "actor/late_ms": sums["late"] * per_step,
            "actor/policy_ms": sums["policy"] * per_step,
            "actor/sense_ms": sums["sense"] * per_step,
            "actor/estimate_ms": sums["estimate"] * per_step,
            "actor/observe_ms": sums["observe"] * per_step,
            "actor/write_ms": sums["write"] * per_step,
            "actor/credit_wait_s": sums["credit_wait"],
            "actor/babbling": babbled / max(fresh, 1),
            "actor/holding": float(self.holding),
            "actor/paused": float(self.paused),
            "policy/version": float(self.version),
            "policy/age_s": now - self.version_since,
            "link/connected": float(status.connected),
            "link/unacked": float(status.unacked),
            "link/spool_bytes": float(status.spool_bytes),
            "link/sent": float(status.sent),
            "link/acked": float(status.acked),
            "link/dropped": float(status.dropped),
            "link/ack_ms": 1000 * status.ack_seconds,
            "link/clock_offset_ms": 1000 * status.clock_offset,
            "link/clock_within_ms": 1000 * status.clock_within,
            "safety/faults": float(self.faults),
        }

"""Hands a run's metrics to another's service, from a process of its own: what is slow there slows nothing here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from daydreamer.monitor.tail import Tail
from daydreamer.runtime.run_dir import RunDir
from robots.clock import Clock

_EVERY = 1.0  # s between two looks at the file


class Service(Protocol):
    """What is used of a ``wandb`` run."""

    def log(self, data: Mapping[str, Any], step: int) -> None:
        """Take numbers at ``step``."""
        ...


def follow(
    run_dir: RunDir, service: Service, clock: Clock, stop: Callable[[], str | None], once: bool
) -> int:
    """Hand over every line of ``metrics.jsonl``, and what comes, until ``stop``; how many lines.

    Args:
        run_dir: May be empty still.
        service: Gets the robot's rows as its step, and the wall clock as ``time``.
        clock: Wall time.
        stop: Gives a reason to end.
        once: End with the file.
    """
    tail, count = Tail(run_dir.metrics), 0
    while not stop():
        for record in tail.read():
            service.log({**record.metrics, "time": record.time}, step=record.step)
            count += 1
        if once:
            break
        clock.sleep_until(clock.now() + _EVERY)
    return count

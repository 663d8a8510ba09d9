"""A console that a test writes the telemetry of, and a run directory with curves."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from daydreamer.core.telemetry import Telemetry
from daydreamer.monitor.record import Record
from daydreamer.runtime.run_dir import RunDir
from daydreamer.transport.link import LinkError
from tests.contracts.telemetry import telemetry


class FakeConsole:
    """Gives the telemetry that it is told to, and keeps the wishes."""

    def __init__(self) -> None:
        self.problem = ""
        self.newest: Telemetry | None = telemetry()
        self.wishes: list[tuple[str, str]] = []
        self.deaf = False
        self.news, self.wished = threading.Event(), threading.Event()

    def latest(self, timeout: float = 0.0) -> Telemetry | None:
        self.news.wait(min(timeout, 0.02))
        self.news.clear()
        return self.newest

    def send(self, wish: str, operator: str = "", timeout: float = 2.0) -> None:
        if self.deaf:
            raise LinkError("no answer")
        self.wishes.append((wish, operator))
        self.wished.set()

    def tell(self, **changes: Any) -> None:
        self.newest = telemetry(**changes)
        self.news.set()

    def close(self) -> None:
        self.news.set()


@pytest.fixture
def console() -> FakeConsole:
    return FakeConsole()


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    """Ten robot minutes of metrics and a few events."""
    found = RunDir(tmp_path / "run")
    found.path.mkdir()
    found.config.write_text(
        json.dumps({"name": "fake-tiny", "hz": 20.0, "learner": {"train_ratio": 4.0, "prefill": 100}})
    )
    lines = [
        Record(
            120 * k, 1000.0 + 6 * k, {"robot/minutes": k / 10, "robot/reward": 5 + k / 50, "learner/steps": k}
        )
        for k in range(101)
    ]
    found.metrics.write_bytes(b"".join(line.to_line() for line in lines))
    found.events.write_text('{"time": 1000.0, "event": "start", "rows": 0}\n')
    return found

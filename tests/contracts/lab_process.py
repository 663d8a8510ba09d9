"""A lab in a process of its own, driven from a test: see tests/robots/ros2/lab.py."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robots.ros2.topics import Topic
from tests.awaiting import PATIENCE, until

LAB = Path(__file__).parent.parent / "robots" / "ros2" / "lab.py"

# Loopback, no multicast: nothing of a test leaves this computer, and nothing of others comes in.
NETWORK = """<CycloneDDS><Domain><General><Interfaces><NetworkInterface address='127.0.0.1'/></Interfaces>
<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>9</MaxAutoParticipantIndex><Peers><Peer address='127.0.0.1'/></Peers></Discovery>
</Domain></CycloneDDS>"""


def free_domain() -> int:
    """A DDS domain in which nobody is at home on this computer, by its first ports."""
    for domain in random.sample(range(20, 100), 80):
        try:
            for port in (7410, 7411):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(("127.0.0.1", port + 250 * domain))
            return domain
        except OSError:
            continue
    raise RuntimeError("no free DDS domain")


class LabProcess:
    """Hears and says what it is told to."""

    def __init__(self, domain: int, program: list[str] | None = None):
        words = [*(program or [sys.executable, str(LAB)]), str(domain)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.times: dict[str, list[float]] = {}
        self.nodes: list[dict[str, Any]] = []
        self._done: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.eventually(lambda: self._done, "the lab begins")

    def hear(self, topic: Topic) -> None:
        self.heard.setdefault(topic.name, [])
        self._order("hear", topic.name, **_how(topic))

    def open(self, topic: Topic) -> None:
        self._order("open", topic.name, **_how(topic))

    def say(self, topic: Topic, fields: Any, times: int = 1) -> float:
        """Unix seconds at which it was said."""
        return float(self._order("say", topic.name, fields=fields, times=times)["at"])

    def reset(self) -> None:
        """Hear and say nothing any more."""
        self._order("reset", "")
        self.heard, self.times, self.nodes = {}, {}, []

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def eventually(self, condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
        __tracebackhide__ = True
        until(condition, what, timeout, self._wait)

    def _wait(self) -> None:
        if self.process.poll() is not None:
            pytest.fail(f"the lab's process has ended with {self.process.returncode}")
        time.sleep(0.01)

    def _order(self, do: str, topic: str, **more: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        before = len(self._done)
        self.process.stdin.write(json.dumps({"do": do, "topic": topic, **more}) + "\n")
        self.process.stdin.flush()
        self.eventually(lambda: len(self._done) > before, f"the lab does '{do}' on {topic}")
        return self._done[before]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if "done" in told:
                self._done.append(told)
            elif "node" in told:
                self.nodes.append(told)
            else:
                self.times.setdefault(told["heard"], []).append(told["at"])
                self.heard.setdefault(told["heard"], []).append(told["fields"])


def _how(topic: Topic) -> dict[str, Any]:
    return {"kind": topic.type, "reliable": topic.qos.reliable, "latched": topic.qos.latched}

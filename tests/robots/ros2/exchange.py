"""How fast a running bridge is, measured by the lab, a process that knows ROS 2's definitions alone (``lab.py``).

Beside a run and its bridge, in the same DDS domain and with the same CYCLONEDDS_URI:

    python tests/robots/ros2/exchange.py RUN [--seconds 60] [--presses 20] [--bridge PID]

Prints, for each topic, messages per second and how old a message is when it arrives (arrival minus its stamp, which is
the time of the reading). Then how long a stop takes from the lab's write to the actor's brake, by its own events.jsonl,
and to the word DAMP on /daydreamer/mode. Then the wall time between two control steps, by the actor's own telemetry,
while ROS 2 is quiet, while the lab floods the bridge, and while the bridge hangs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[3]))

from daydreamer.core.telemetry import Telemetry
from daydreamer.transport.console_client import ConsoleClient
from robots.ros2 import topics
from tests.contracts.lab_process import LabProcess


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--presses", type=int, default=20)
    parser.add_argument("--name", default="actor")
    parser.add_argument("--bridge", type=int, help="process id of the bridge, to hang it")
    asked = parser.parse_args()
    lab = LabProcess(int(os.environ.get("ROS_DOMAIN_ID") or 0))
    try:
        report("load average before", f"{os.getloadavg()[0]:.1f}")
        rates(lab, asked.seconds)
        lab.open(topics.STOP)
        if asked.presses:
            presses(lab, asked.run, asked.name, asked.presses)
        storm(lab, asked.run, asked.name, asked.bridge)
        report("load average after", f"{os.getloadavg()[0]:.1f}")
    finally:
        lab.close()


def rates(lab: LabProcess, seconds: float) -> None:
    for topic in topics.OUT:
        lab.hear(topic)
    lab.eventually(lambda: lab.heard[topics.JOINTS.name], "the bridge is heard")
    begin = time.time() + 1.0
    time.sleep(seconds + 1.0)
    report("node", str(lab.nodes))
    for topic in topics.OUT:
        pairs = list(zip(lab.times.get(topic.name, []), lab.heard[topic.name], strict=False))
        came = [at for at, _ in pairs if begin <= at < begin + seconds]
        line = f"{len(came) / seconds:6.2f} Hz"
        ages = [
            at - stamp["sec"] - 1e-9 * stamp["nanosec"]
            for at, fields in pairs
            if begin <= at < begin + seconds and (stamp := fields.get("header", {}).get("stamp"))
        ]
        if ages:
            line += "   age " + spread(ages)
        report(topic.name, line)


def presses(lab: LabProcess, run: Path, name: str, count: int) -> None:
    """Press, release, reset and resume, again and again."""
    mode, brake, told = topics.MODE.name, [], []
    with ConsoleClient(run / f"actor-{name}" / "console.json", hz=20.0, viewer="exchange") as viewer:
        for _ in range(count):
            lab.eventually(lambda: (t := viewer.latest(0.1)) is not None and t.mode == "NORMAL", "NORMAL")
            before, heard = len(stops(run)), len(lab.heard[mode])
            said = lab.say(topics.STOP, {"data": True})
            lab.eventually(lambda n=before: len(stops(run)) > n, "the actor is stopped")
            lab.eventually(lambda n=heard: {"data": "DAMP"} in lab.heard[mode][n:], "DAMP is told")
            brake.append(stops(run)[-1]["time"] - said)
            told.append(lab.times[mode][lab.heard[mode].index({"data": "DAMP"}, heard)] - said)
            lab.say(topics.STOP, {"data": False})
            time.sleep(0.5 + 0.05 * np.random.default_rng(len(brake)).random())
            viewer.send("reset", "the measurement", 20.0)
            viewer.send("resume", "the measurement", 20.0)
            time.sleep(0.5)
    report("stop to brake", spread(brake))
    report("stop to DAMP on ROS 2", spread(told))


def storm(lab: LabProcess, run: Path, name: str, bridge: int | None) -> None:
    with ConsoleClient(run / f"actor-{name}" / "console.json", hz=20.0, viewer="exchange") as viewer:
        report("step, quiet", spread(steps(viewer, 20.0)))
        said = [0]

        def flood() -> None:
            lab.say(topics.STOP, {"data": False}, times=500)
            said[0] += 500

        report("step, in a storm", spread(steps(viewer, 20.0, flood)))
        report("messages of the storm", f"{said[0] / 20.0:.0f} a second")
        if bridge is not None:
            os.kill(bridge, signal.SIGSTOP)
            try:
                report("step, bridge hangs", spread(steps(viewer, 20.0)))
            finally:
                os.kill(bridge, signal.SIGCONT)


def steps(viewer: ConsoleClient, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> list[float]:
    """Wall time from one control step that was seen to the next [s], as a mean where some were not seen."""
    found: list[float] = []
    before: Telemetry | None = None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        meanwhile()
        telemetry = viewer.latest(0.05)
        if telemetry is None or (before is not None and telemetry.steps <= before.steps):
            continue
        if before is not None:
            found.append((telemetry.wall - before.wall) / (telemetry.steps - before.steps))
        before = telemetry
    return found


def stops(run: Path) -> list[dict[str, float]]:
    lines = (run / "events.jsonl").read_text().splitlines()
    return [event for line in lines if (event := json.loads(line)).get("hand") == "damp"]


def spread(seconds: list[float]) -> str:
    p50, p99 = np.percentile(1000 * np.array(seconds), [50, 99])
    return f"p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   max {1000 * max(seconds):6.1f} ms   n {len(seconds)}"


def report(what: str, value: str) -> None:
    sys.stdout.write(f"{what:24} {value}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Whole jobs: real processes on loopback, and what they leave on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from daydreamer.cli.policy_source import preset_of
from daydreamer.core.specs import Specs
from daydreamer.core.transition import row_spec
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.replay import Replay
from daydreamer.transport.row_codec import RowCodec
from daydreamer.transport.spool import Spool
from tests.awaiting import until

STEP = 0.05  # s of the robot's clock, which starts at 0 in each life of the fake robot
FAKE = load("fake-tiny")


class Job:
    """Processes of one run directory."""

    def __init__(self, logdir: Path):
        self.logdir = logdir
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(
        self, *arguments: str, program: list[str] | None = None, **environment: str
    ) -> subprocess.Popen[bytes]:
        """``daydreamer ARGUMENTS`` on this run directory, its output in a file beside it."""
        output = self.logdir.with_suffix(f".{len(self.processes)}.out").open("wb")
        command = [*(program or [sys.executable, "-m", "daydreamer.cli.main"]), *arguments]
        with output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env=os.environ | {"OMP_NUM_THREADS": "1", **environment},
            )  # fmt: skip
        self.processes.append(process)
        return process

    def output(self, process: subprocess.Popen[bytes]) -> str:
        return self.logdir.with_suffix(f".{self.processes.index(process)}.out").read_text()

    def wait(self, process: subprocess.Popen[bytes], timeout: float = 250.0) -> int:
        """Exit code; a job that does not end is a failed test that shows what it said."""
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running after {timeout} s:\n{self.output(process)}\n{self.logs()}")

    def logs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.logdir.glob("*.log")))

    def lines(self, name: str) -> list[dict]:
        """Whole lines of a JSONL file of the run."""
        path = self.logdir / name
        if not path.exists():
            return []
        return [
            json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")
        ]

    def metric(self, name: str) -> float:
        """Its newest value, NaN before the first."""
        found = [line[name] for line in self.lines("metrics.jsonl") if line.get(name) is not None]
        return found[-1] if found else float("nan")

    def eventually(self, condition: Callable[[], bool], what: str, timeout: float = 250.0) -> None:
        __tracebackhide__ = True

        def told() -> str:
            outputs = "\n".join(self.output(process) for process in self.processes)
            return f"{what}\n{outputs}\n{self.logs()}"

        until(condition, told, timeout, lambda: time.sleep(0.1))

    def rows(self) -> Specs:
        """The spec of the run's rows, by what the run says of itself."""
        preset, changes = preset_of(json.loads((self.logdir / "config.yaml").read_text()))
        env = build.make_env(load(preset, changes))
        return row_spec(env.obs_spec, env.act_spec)

    def stored(self) -> dict[str, np.ndarray]:
        """The clock of every stored row by stream, in storage order."""
        found: dict[str, np.ndarray] = {}
        with Replay(self.logdir / "replay", self.rows(), FAKE.learner.capacity, seed=0) as replay:
            begin = 0
            for segment in replay._segments:
                times = replay.read(begin, begin + segment.count, keys=["time"])["time"]
                assert segment.first_seq == len(found.get(segment.stream, ())), "segments of a stream follow"
                found[segment.stream] = np.concatenate([found.get(segment.stream, np.empty(0)), times])
                begin += segment.count
        return found

    def check_rows(self) -> int:
        """Every row exactly once, in order, from the first; and none between replay and spool. Their number.

        In each life the fake robot's clock starts at 0 and each step takes 0.05 s: row k came at 0.05 k.
        """
        stored = self.stored()
        for stream, times in stored.items():
            np.testing.assert_allclose(times, STEP * np.arange(len(times)), atol=1e-6, err_msg=stream)
        row_bytes = RowCodec(self.rows()).row_bytes
        for directory in (self.logdir / "actor-actor" / "spool").glob("*/"):
            spool = Spool.reopen(directory, row_bytes)
            kept = len(stored.get(spool.stream, ()))
            assert spool.oldest <= kept, f"rows of {spool.stream} are neither stored nor kept"
        return sum(map(len, stored.values()))

    def policy_versions(self) -> NDArray[np.int64]:
        """Of the policy that made each row, -1 where there was none yet: what a robot ran, however short the run."""
        with Replay(self.logdir / "replay", self.rows(), FAKE.learner.capacity, seed=0) as replay:
            versions: NDArray[np.int64] = replay.read(0, len(replay), ["policy_version"])["policy_version"]
        return versions

    def kill_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    running = Job(tmp_path / "run")
    yield running
    running.kill_all()

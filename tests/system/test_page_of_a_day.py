"""A day of metrics: how soon the page is there, and what it weighs."""

from __future__ import annotations

import http.client
import json
import logging
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from daydreamer.web.charts import CHARTS
from daydreamer.web.server import PAGE

pytestmark = pytest.mark.system

LINES = 24 * 1800  # one every two seconds
NAMES = [
    name.replace("*", f"part{k}")
    for chart in CHARTS
    for name, _ in chart.series
    for k in range(6 if "*" in name else 1)
]
OTHERS = [f"train/loss/other{k}" for k in range(15)]


def write_a_day(path: Path) -> None:
    """About 70 names a line, as a run of the walking preset has, with numbers of full length."""
    rest = "".join(
        f',"{name}":{0.1234567890123456 + k}' for k, name in enumerate([*dict.fromkeys(NAMES), *OTHERS])
    )
    with path.open("w") as file:
        for k in range(LINES):
            file.write(f'{{"step":{40 * k},"time":{1.79e9 + 2 * k},"robot/minutes":{k / 30}{rest}}}\n')


@pytest.fixture
def port(tmp_path, own_port):
    write_a_day(tmp_path / "metrics.jsonl")
    command = [sys.executable, "-m", "daydreamer.cli.main", "monitor", str(tmp_path), "--port", str(own_port)]
    with (tmp_path / "out").open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        yield own_port, process, tmp_path
        process.terminate()


def get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    return connection.getresponse()


def until_up(port: int, process: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            get(port, "/").read()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, out.read_text()
            time.sleep(0.05)


def test_a_day_opens_at_once_in_little_memory_and_few_bytes(port):
    port, process, directory = port
    until_up(port, process, directory / "out")
    begun, cpu = time.monotonic(), cpu_seconds(process.pid)
    stream, weight = 0, 0
    with closing(get(port, "/api/stream")) as answer:
        for line in answer:
            stream += len(line)
            if (
                line.startswith(b'data: {"generation"')
                and json.loads(line[6:])["series"]["robot/minutes"][-1] > 1439
            ):
                break
    seconds, cpu = time.monotonic() - begun, cpu_seconds(process.pid) - cpu
    for part in (
        "/",
        "/api/hello",
        *(f"/page/{file.name}" for file in PAGE.iterdir() if file.suffix != ".LICENSE"),
    ):
        with closing(get(port, part)) as answer:
            weight += len(answer.read())
    peak = next(
        int(row.split()[1])
        for row in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        if "VmHWM" in row
    )
    said = (
        f"curves of 24 h after {seconds:.2f} s ({cpu:.2f} s of processor), peak {peak / 1000:.0f} MB, "
        f"page {weight / 1000:.0f} kB and curves {stream / 1000:.0f} kB"
    )
    logging.getLogger(__name__).info(said)
    assert cpu < 2.0, said  # of the processor: seconds on the wall depend on who else is there
    assert peak < 200_000, said
    assert weight + stream < 500_000, said


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

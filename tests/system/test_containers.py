"""What the images install and run, installed and run: the very same scripts, in fresh virtual environments.

Minutes and hundreds of megabytes, so only where DAYDREAMER_TEST_INSTALL=1 asks for it. No image is built here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from robots.clock import MonotonicClock

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(5400),
    pytest.mark.skipif(
        os.environ.get("DAYDREAMER_TEST_INSTALL") != "1", reason="DAYDREAMER_TEST_INSTALL=1 asks for it"
    ),
]

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 300.0  # s


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """What an image is built from: the tree without what .dockerignore leaves out."""
    folder = tmp_path_factory.mktemp("context")
    for name in ("daydreamer", "robots", "calibration", "launch"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def installed(context, tmp_path_factory):
    """Installs one kind of image; its virtual environment's programs."""
    made: dict[str, Path] = {}

    def install(what: str) -> Path:
        if what not in made:
            venv = tmp_path_factory.mktemp("venv") / what
            subprocess.run(
                [context / "launch/container/install.sh", what, venv],
                env={**os.environ, "PYTHON": sys._base_executable},
                check=True,
                timeout=3000,
            )
            made[what] = venv / "bin"
        return made[what]

    return install


def environment(programs: Path, run: Path, **settings: str) -> dict[str, str]:
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(run.parent), "OMP_NUM_THREADS": "1",
        "DAYDREAMER_PRESET": "fake-tiny", "DAYDREAMER_SPEED": "max", "DAYDREAMER_NAME": "actor",
        "DAYDREAMER_LOGDIR": str(run), **settings,
    }  # fmt: skip


@contextlib.contextmanager
def running(context, what, env):
    """The container's program, told to stop at the end as a container engine tells it."""
    process = subprocess.Popen(
        [context / "launch/container/start.sh", what], env=env, cwd="/", start_new_session=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise


def await_health(context, what, env):
    clock = MonotonicClock()
    deadline = clock.now() + PATIENCE
    while True:
        done = subprocess.run(
            [context / "launch/container/health.sh", what], env=env, capture_output=True, check=False
        )
        if done.returncode == 0:
            return
        assert clock.now() < deadline, done.stderr.decode()
        clock.sleep_until(clock.now() + 1.0)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def has(programs: Path, module: str) -> bool:
    return (
        subprocess.run(
            [programs / "python", "-c", f"import {module}"], capture_output=True, check=False
        ).returncode
        == 0
    )


def test_the_actor_has_no_torch_and_the_others_no_simulator(installed):
    assert not has(installed("actor"), "torch") and has(installed("actor"), "pybullet")
    assert not has(installed("learner"), "pybullet") and has(installed("learner"), "torch")
    assert not has(installed("monitor"), "torch") and has(installed("monitor"), "starlette")


def test_the_three_come_up_healthy_learn_and_stop(installed, context, tmp_path):
    run, link, page = tmp_path / "run", free_port(), free_port()
    keys = {half: tmp_path / f"keys-{half}" for half in ("learner", "actor")}
    for folder in keys.values():
        folder.mkdir(mode=0o700)
    make_keys = [context / "launch/container/start.sh", "keys", keys["learner"], keys["actor"]]
    for _ in range(2):  # the second time there is nothing to do
        subprocess.run(make_keys, env=environment(installed("actor"), run), check=True, timeout=120)
    learner = environment(
        installed("learner"), run, DAYDREAMER_BIND=f"127.0.0.1:{link}", DAYDREAMER_KEYS=str(keys["learner"])
    )
    actor = environment(
        installed("actor"), run, DAYDREAMER_CONNECT=f"127.0.0.1:{link}", DAYDREAMER_KEYS=str(keys["actor"])
    )
    monitor = environment(installed("monitor"), run, DAYDREAMER_PORT=page)
    with (
        running(context, "learner", learner) as one,
        running(context, "actor", actor) as two,
        running(context, "monitor", monitor),
    ):
        for what, env in (("learner", learner), ("actor", actor), ("monitor", monitor)):
            await_health(context, what, env)
        clock = MonotonicClock()
        deadline = clock.now() + PATIENCE
        metrics = run / "metrics.jsonl"
        while not (
            metrics.exists()
            and any("updates" in json.loads(line) for line in metrics.read_text().splitlines())
        ):
            assert clock.now() < deadline, "nothing was learned"
            clock.sleep_until(clock.now() + 0.5)
    assert (one.returncode, two.returncode) == (128 + signal.SIGTERM, 128 + signal.SIGTERM)

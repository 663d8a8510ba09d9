"""The files in launch/ start commands that exist, with options that they take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAUNCH = Path(__file__).parent.parent / "launch"


def show(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What ``script`` prints when asked for help, which stops it before it starts anything."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", LAUNCH / script, "--help"],
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("half", ["learner", "actor"])
def test_a_script_starts_its_half(half):
    done = show(f"{half}.sh")
    assert done.returncode == 0, done.stderr
    assert f"daydreamer {half}" in done.stdout


@pytest.mark.parametrize("half", ["learner", "actor"])
def test_settings_come_from_the_file_that_is_named(half, tmp_path):
    settings = tmp_path / "other.env"
    settings.write_text((LAUNCH / f"{half}.env").read_text("utf-8").replace("SPEED=realtime", "SPEED=warp"))
    done = show(f"{half}.sh", DAYDREAMER_ENV=str(settings))
    assert done.returncode != 0
    assert "warp" in done.stdout + done.stderr


@pytest.mark.parametrize("half", ["learner", "actor"])
def test_keys_are_passed_on_when_there_are_any(half, tmp_path):
    trace = tmp_path / "daydreamer"
    trace.write_text('#!/bin/sh\necho "$@"\n')
    trace.chmod(0o755)
    folder = tmp_path / "launch"
    folder.mkdir()
    text = (
        (LAUNCH / f"{half}.env")
        .read_text("utf-8")
        .replace("DAYDREAMER_KEYS=\n", "DAYDREAMER_KEYS=keys/lab\n")
    )
    (folder / f"{half}.env").write_text(text)
    (folder / f"{half}.sh").write_text((LAUNCH / f"{half}.sh").read_text("utf-8"))
    done = subprocess.run(
        ["bash", folder / f"{half}.sh"],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith(half)
    assert "--keys keys/lab" in done.stdout

"""Processes of ours run what this installation holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from daydreamer.runtime.supervise import this_program
from robots.program import program, words_of

ROOT = str(Path(__file__).resolve().parents[2])


# An empty entry means the current directory, too.
@pytest.mark.parametrize("path", [os.pathsep, os.pathsep + ROOT], ids=["a hole", "a hole before ours"])
@pytest.mark.parametrize(
    "command", [this_program("--help"), program("robots.a1.urdf")], ids=["daydreamer", "robots"]
)
def test_another_clone_in_the_current_directory_is_not_run(tmp_path, command, path):
    for package in ("daydreamer", "robots"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text('raise SystemExit("of another clone")\n')
    hole = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(
        command, cwd=tmp_path, env=hole, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_module_gets_its_arguments_and_is_the_main_one(tmp_path):
    (tmp_path / "shows.py").write_text("import sys; print(__name__, sys.argv[1:])\n")
    found = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        program("shows", "a b", "-c"), env=found, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "__main__ ['a b', '-c']\n"


def test_the_words_of_a_command_line():
    assert words_of(program("calendar", "2024")) == ["calendar", "2024"]
    with pytest.raises(ValueError, match="command line of program"):
        words_of([sys.executable, "-m", "calendar"])

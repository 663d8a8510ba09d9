"""Processes that are forked from one that has imported everything: like any other process, and sooner there."""

import signal
import time

import pytest

from daydreamer.runtime.faults.nursery import Nursery
from daydreamer.runtime.supervise import Child, signal_process
from robots.program import program


@pytest.fixture
def nursery(tmp_path):
    made = Nursery(["json"], tmp_path / "nursery.log")
    yield made
    made.close()
    made.close()


def end(process):
    deadline = time.monotonic() + 30
    while process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process.poll()


def test_it_runs_a_module_with_its_arguments_and_tells_its_exit_code(nursery, tmp_path):
    child = Child("calendar", program("calendar", "2024", "2"), tmp_path / "out")
    assert end(nursery.start(child)) == 0
    assert "February 2024" in (tmp_path / "out").read_text()
    wrong = Child("calendar", program("calendar", "--no-such"), tmp_path / "wrong")
    assert end(nursery.start(wrong)) == 2
    missing = Child("missing", program("no_such_module"), tmp_path / "missing")
    assert end(nursery.start(missing)) == 1
    assert "no_such_module" in (tmp_path / "missing").read_text()


def test_a_process_that_is_killed_says_so(nursery, tmp_path):
    process = nursery.start(Child("server", program("http.server", "0"), tmp_path / "out"))
    assert process.poll() is None
    signal_process_when_alone(process)
    assert end(process) == -signal.SIGKILL


def signal_process_when_alone(process):
    """It has a session of its own a moment after the fork."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        signal_process(process, signal.SIGKILL)
        time.sleep(0.01)

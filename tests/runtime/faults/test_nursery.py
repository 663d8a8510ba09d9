"""Processes that are forked from one that has imported everything: like any other process, and sooner there."""

import signal

import pytest

from daydreamer.runtime.faults.nursery import Nursery
from daydreamer.runtime.supervise import Child, signal_process
from robots.program import program
from tests.awaiting import until


@pytest.fixture
def nursery(tmp_path):
    made = Nursery(["json"], tmp_path / "nursery.log")
    yield made
    made.close()
    made.close()


def end(process):
    until(lambda: process.poll() is not None, "its end")
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
    # It has a session of its own a moment after the fork.
    until(lambda: signal_process(process, signal.SIGKILL) or process.poll() is not None, "its end")
    assert process.poll() == -signal.SIGKILL

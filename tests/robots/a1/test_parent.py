"""A parent that is killed is seen to be, also while it waits for its turn to die."""

import os
import signal
import subprocess
import sys
import time

import pytest

from robots.a1.parent import EVERY, Parent, _bits

STATUS = b"Name:\tpython\nSigQ:\t1/2\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000004002\nSigBlk:\t0\n"


def test_this_tests_own_parent_is_there():
    parent = Parent(os.getppid())
    assert not any(parent.gone() for _ in range(3 * EVERY))
    parent.close()
    assert not any(parent.gone() for _ in range(EVERY))
    parent.close()


def test_another_ones_parent_is_not_ours():
    assert Parent(-1).gone()


def test_masks_of_a_status():
    assert _bits(STATUS, b"SigPnd:") == 1 << (signal.SIGKILL - 1)
    assert _bits(STATUS, b"ShdPnd:") == 0x4002
    assert _bits(b"", b"SigPnd:") == 0


@pytest.fixture
def stopped(monkeypatch):
    """A process that is thought to be our parent."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(os, "getppid", lambda: process.pid)
    yield process
    process.kill()
    process.wait()


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_a_killed_one_is_gone_for_good(stopped):
    parent = Parent(stopped.pid)
    assert not any(parent.gone() for _ in range(EVERY))
    stopped.kill()
    deadline = time.monotonic() + 60
    while not parent.gone():
        # A zombie, which has no pending signal any more, would be seen by its child: that one has another parent then.
        if stopped.poll() is not None:
            break
        assert time.monotonic() < deadline
    stopped.wait()
    assert any(parent.gone() for _ in range(EVERY)), "what is no more is gone"
    assert parent.gone()


def test_a_pending_kill_counts_and_other_signals_do_not(monkeypatch):
    parent = Parent(os.getppid())
    text = b"SigPnd:\t0000000000000000\nShdPnd:\t0000000000004002\n"
    monkeypatch.setattr(os, "pread", lambda fd, size, at: text)
    assert not any(parent.gone() for _ in range(2 * EVERY))
    text = STATUS
    assert any(parent.gone() for _ in range(EVERY))
    text = b""
    assert parent.gone(), "nothing takes it back"


def test_where_no_status_is_shown_the_parent_alone_is_asked_for(monkeypatch):
    def hidden(path, flags):
        raise PermissionError

    monkeypatch.setattr(os, "open", hidden)
    parent = Parent(os.getppid())
    assert not any(parent.gone() for _ in range(2 * EVERY))
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert parent.gone()

"""Keys from a real pseudo-terminal, in a process of its own whose terminal it is."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from tests.awaiting import until

PROGRAM = """
import sys, threading
from daydreamer.monitor.keys import Keys
done = threading.Event()
def pressed(key):
    print(repr(key), flush=True)
    if key == "q":
        done.set()
with Keys(pressed):
    print("ready", flush=True)
    done.wait(60)
print("over", flush=True)
"""
LONG = 60.0  # s


@pytest.fixture
def terminal():
    """(descriptor, pid) of a program that reads keys from its own controlling terminal."""
    pid, descriptor = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests in the background ignores it
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM])
    yield descriptor, pid
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
    os.close(descriptor)


def says(descriptor, words, before="", again=b""):
    """All output until ``words`` stand in it; ``again`` is pressed once more after each second."""
    text, deadline = before, time.monotonic() + LONG
    while words not in text:
        assert time.monotonic() < deadline, f"no {words!r} in {text!r}"
        if select.select([descriptor], [], [], 1.0 if again else 0.1)[0]:
            text += os.read(descriptor, 4096).decode()
        elif again:
            os.write(descriptor, again)
    return text


def lines_mode(descriptor):
    return bool(termios.tcgetattr(descriptor)[3] & termios.ICANON)


def test_single_keys_come_without_enter_and_the_terminal_is_given_back(terminal):
    descriptor, pid = terminal
    says(descriptor, "ready")
    until(lambda: not lines_mode(descriptor))
    os.write(descriptor, b"p ")
    assert "'p'\r\n' '" in says(descriptor, "' '")
    os.write(descriptor, b"\x1b[A")  # an arrow, whose letter is no wish
    os.write(descriptor, b"q")
    text = says(descriptor, "over")
    assert "'A'" not in text
    os.waitpid(pid, 0)
    assert lines_mode(descriptor)


def test_ctrl_c_does_what_it_always_does(terminal):
    descriptor, pid = terminal
    says(descriptor, "ready")
    until(lambda: not lines_mode(descriptor))
    os.write(descriptor, b"\x03")
    says(descriptor, "KeyboardInterrupt", again=b"\x03")
    os.waitpid(pid, 0)
    assert lines_mode(descriptor)


def test_a_pipe_is_left_alone():
    code = PROGRAM.replace("done.wait(60)", "done.wait(0.1)")
    done = subprocess.run(
        [sys.executable, "-c", code], input="p", capture_output=True, text=True, timeout=LONG, check=False
    )
    assert done.stdout == "ready\nover\n", done.stderr

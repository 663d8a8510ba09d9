"""A calibration asks a person."""

import os
import pty
import signal
import sys

import pytest

from calibration.session import CalibrationStopped
from daydreamer.cli.calibrate import Calibrate


@pytest.mark.parametrize(
    ("answer", "why"), [(b"q\n", "told to"), (b"", "nobody answers: .* from a terminal")]
)
def test_it_ends_as_for_any_stop_when_it_is_told_to_and_where_nobody_answers(monkeypatch, answer, why):
    reader, writer = os.pipe()
    os.write(writer, answer)
    os.close(writer)
    with open(reader) as asked, pytest.raises(CalibrationStopped, match=why):
        monkeypatch.setattr("sys.stdin", asked)
        Calibrate("a1")._ask(lambda: None, "hang the robot up")


def test_ctrl_c_ends_the_wait_for_an_answer_and_enter_does_not_connect_any_more(tmp_path):
    words = ["calibrate", "a1", "--host", "127.0.0.1", "--port", "9", "--out", str(tmp_path)]
    pid, descriptor = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests in the background ignores it
        signal.alarm(300)  # s; whatever happens, the test ends
        os.execv(sys.executable, [sys.executable, "-m", "daydreamer.cli.entry", *words])
    said = ""
    try:
        while "q to stop" not in said:
            said += os.read(descriptor, 4096).decode()
        os.write(descriptor, b"\x03\n")
        while True:
            said += os.read(descriptor, 4096).decode()
    except OSError:  # it has ended
        pass
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    assert "stopped: the measurement was stopped: SIGINT" in said, said
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGINT

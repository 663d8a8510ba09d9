"""A computer that drives a robot is kept awake, by a made-up ``systemd-inhibit``."""

import os
import signal
import subprocess
import sys

import pytest

from robots.a1.awake import Awake
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_process import ServoProcess, environment
from tests.awaiting import until

# Its end is told also where it is killed, as it is when it has not let go within a second on a busy computer.
OBLIGING = """#!/bin/sh
echo "$@" >> "$INHIBITED"
for last; do :; done
exec 3<&0
(exec <&3; "$last"; echo ended >> "$INHIBITED") &
wait
"""
REFUSING = "#!/bin/sh\necho 'Failed to inhibit: Access denied' >&2\nexit 1\n"


class Logind:
    def __init__(self, directory, monkeypatch):
        self.program, self.told = directory / "systemd-inhibit", directory / "inhibited"
        monkeypatch.setenv("INHIBITED", str(self.told))
        monkeypatch.setenv("PATH", os.pathsep.join([str(directory), os.environ["PATH"]]))
        self.does(OBLIGING)

    def does(self, script):
        self.program.write_text(script)
        self.program.chmod(0o755)

    def lines(self, count):
        """The first ``count`` lines it was told, once they are there."""
        return until(
            lambda: len(found := self.read()) >= count and found[:count], lambda: f"{count} of {self.read()}"
        )

    def read(self):
        return self.told.read_text().splitlines() if self.told.exists() else []


@pytest.fixture
def logind(tmp_path, monkeypatch):
    return Logind(tmp_path, monkeypatch)


def test_it_is_kept_awake_until_it_may_sleep(logind, caplog):
    awake = Awake()
    assert "--what=sleep:idle:handle-lid-switch" in logind.lines(1)[0]
    assert len(logind.told.read_text().splitlines()) == 1
    awake.close()
    awake.close()
    assert logind.lines(2)[1] == "ended" and not caplog.records


def test_a_program_that_is_killed_keeps_no_computer_awake(logind):
    holds = "import time; from robots.a1.awake import Awake; awake = Awake(); time.sleep(600)"
    program = subprocess.Popen([sys.executable, "-c", holds], env=environment())
    logind.lines(1)
    program.send_signal(signal.SIGKILL)
    program.wait()
    assert logind.lines(2)[1] == "ended"


def test_without_that_program_there_is_a_warning_and_no_more(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    Awake().close()
    assert "may go to sleep" in caplog.text and "systemd-inhibit" in caplog.text


def test_a_refusal_is_a_warning_and_no_more(logind, caplog):
    logind.does(REFUSING)
    awake = Awake()
    until(lambda: caplog.records, "a warning")
    awake.close()
    assert "may go to sleep" in caplog.text and "Access denied" in caplog.text


@pytest.mark.parametrize("real", [True, False])
def test_the_servo_of_a_robot_whose_stops_are_kept_holds_it(logind, tmp_path, real):
    latch = str(tmp_path / "a1.stop") if real else ""
    process = ServoProcess(ServoConfig(host="127.0.0.1", port=9, local_port=0, damp_time=0.02, latch=latch))
    until(lambda: process.report() is not None, "a report")
    assert not real or logind.lines(1)
    os.kill(process.pid, signal.SIGTERM)
    process.end()
    process.free()
    assert (logind.lines(2)[1:] == ["ended"]) if real else not logind.told.exists()

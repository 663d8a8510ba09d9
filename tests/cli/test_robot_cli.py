"""``daydreamer robot`` and ``daydreamer emulate``: what a person does in the first minutes."""

import errno
import io
import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from calibration.session import Progress
from daydreamer.cli.calibrate import Screen
from daydreamer.cli.main import main
from daydreamer.cli.robot import RobotCommand
from robots.a1.driver import A1
from robots.a1.stand import MOTIONS
from robots.fake import FakeRobot
from robots.safety import latch


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return (stop.value.code or 0, *capsys.readouterr())


@pytest.mark.parametrize("what", ["read", "passive", "stand", "lie"])
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["", "dry"])
def test_each_motion_ends_damped(capsys, what, dry):
    code, out, _ = run(capsys, "robot", what, "--robot", "fake", "--seconds", "0.5", *dry)
    assert code == 0
    assert "up +1.00" in out and out.endswith("damped, and let go\n")
    assert ("(dry run)" in out) == (bool(dry) and what in ("stand", "lie"))


class Gone(io.StringIO):
    """Standard output or error until ``gone`` says that nobody is there any more."""

    def __init__(self, gone=lambda: True, error=errno.EPIPE):
        super().__init__()
        self._gone, self._error = gone, error

    def flush(self):
        if self._gone():
            raise OSError(self._error, "nobody is there")


@pytest.mark.parametrize("error", [errno.EPIPE, errno.EIO], ids=["closed pipe", "lost terminal"])
def test_a_robot_that_stands_lies_down_though_nobody_reads_of_it(monkeypatch, error):
    robot = FakeRobot()

    def stands():
        return len(robot.commands) > 0 and np.allclose(robot.commands[-1].pos, robot.info.stand_pos)

    monkeypatch.setattr("daydreamer.cli.robot.make", lambda name, **options: robot)
    monkeypatch.setattr(sys, "stdout", Gone(stands, error))
    RobotCommand("stand", "fake", seconds=0.2).run()
    stiff = [command for command in robot.commands if command.kp.any()]
    np.testing.assert_allclose(stiff[-1].pos, MOTIONS["lie"][-1].pos)


def test_a_lost_terminal_does_not_end_a_calibration_in_the_middle_of_a_motion(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Gone(error=errno.EIO))
    screen = Screen(live=True)
    screen.show(Progress("standing up", 0.5))
    screen.clear()


@pytest.mark.parametrize("seconds", ["inf", "nan", "-1"])
def test_a_time_that_is_none_is_refused_before_anything_moves(capsys, seconds):
    code, out, err = run(capsys, "robot", "stand", "--robot", "fake", "--seconds", seconds)
    assert code == 2 and "--seconds is a time of 0 s or more" in err and "connecting" not in out


def test_from_its_back_it_is_turned_over_first(capsys):
    pytest.importorskip("pybullet")
    code, out, _ = run(capsys, "robot", "stand", "--robot", "a1-sim", "--start", "back", "--seconds", "0.5")
    assert code == 0
    lines = out.splitlines()
    assert [line for line in lines if line in ("recover", "stand", "lie")] == ["recover", "stand", "lie"]
    assert "up +1.00" in out or "up +0.9" in out


def test_a_robot_that_is_not_there_is_one_line(capsys):
    code, _, err = run(capsys, "robot", "read", "--robot", "a2")
    assert code == 2 and err.startswith("error: no robot is called 'a2'")


def test_an_emulated_a1_announces_itself_and_keeps_a_log_until_ctrl_c(tmp_path):
    pytest.importorskip("pybullet")
    log = tmp_path / "robot.jsonl"
    words = ["emulate", "a1", "--port", "0", "--command-timeout", "0.1", "--loss", "0.05", "--log", str(log)]
    process = subprocess.Popen(
        [sys.executable, "-m", "daydreamer.cli.main", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        line = next(line for line in process.stdout if "listens" in line)
        port = int(line.rsplit(":", 1)[1])
        late = {"state_hold": 60.0, "state_damp": 90.0}  # on a busy computer, and no matter here
        with A1("127.0.0.1", port, local_port=0, damp_time=0.1, safety=late, patience=60.0) as robot:
            robot.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    counters = json.loads(log.read_text().splitlines()[-1])
    assert counters["commands"] > 0 and counters["beyond_limits"] == 0


def test_an_emulated_a1_that_cannot_be_is_one_line(capsys):
    pytest.importorskip("pybullet")
    code, _, err = run(capsys, "emulate", "a1", "--port", "0", "--loss", "1.5")
    assert code == 2 and "loss between 0 and 1" in err


def test_a_stop_on_disk_is_reset_by_a_named_person(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = latch.place("a1-192.168.123.10")
    code, out, _ = run(capsys, "robot", "reset", "--operator", "Ada")
    assert code == 0 and "robot 'a1' is not stopped" in out
    latch.write(file, latch.Stop("a1", "the stop button is pressed", "today", "ada on lab, process 7"))
    code, _, err = run(capsys, "robot", "passive", "--robot", "a1")
    assert code == 2 and "robot reset --robot a1 --operator NAME" in err, "before anything is sent"
    code, _, err = run(capsys, "robot", "reset")
    assert code == 2 and "name of the person" in err and file.exists()
    code, out, _ = run(capsys, "robot", "reset", "--robot", "a1", "--operator", "Ada")
    assert code == 0 and "the stop button is pressed" in out and "reset by Ada: it may move again" in out
    assert "until it is reset in that program, too" in out
    assert not file.exists()


def test_a_robot_whose_restart_is_its_reset(capsys):
    code, _, err = run(capsys, "robot", "reset", "--robot", "fake", "--operator", "Ada")
    assert code == 2 and "keeps no stop on disk" in err


def test_a_stop_box_that_is_absent_moves_nothing(capsys):
    pytest.importorskip("serial")
    code, _, err = run(capsys, "robot", "stand", "--robot", "fake", "--estop", "/dev/ttyNONE")
    assert code == 2 and "so no motor is started" in err

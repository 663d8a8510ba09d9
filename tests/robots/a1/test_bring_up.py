"""The bring-up's tests, ``tests/hardware``, leave a person's stop alone where ``DAYDREAMER_A1`` names a robot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

ROBOT = """
import os
import pytest
from robots.robot import RobotError
from robots.safety.faults import Fault

def test_a_robot_keeps_stops_and_hears_the_box(make):
    robot = make()
    config = robot._config
    assert str(robot.latch_file) == os.environ["XDG_STATE_HOME"] + "/daydreamer/a1-127.0.0.1.stop"
    assert (config.port, config.local_port, config.estop) == (9, 8080, "/dev/stop-box")
    assert config.safety == type(config.safety)()
    assert make(estop="")._config.estop == ""

class Stopped:
    def __init__(self, *faults):
        self.faults, self.operators = faults, []

    def fault_counts(self):
        return dict.fromkeys(self.faults, 1)

    def reset(self, operator):
        self.operators.append(operator)

@pytest.fixture
def a1(request):
    return Stopped(*request.param)

OWN = Fault.COMMAND_RANGE, Fault.EMERGENCY_STOP
"""
FAILS = {
    "a-test-fails": "def test_it(): assert False",
    "no-robot-answers": """
@pytest.fixture
def broken(): raise RobotError("no A1 answers")
def test_it(broken): pass""",
    "it-is-not-let-go": """
@pytest.fixture
def broken():
    yield
    raise RobotError("no A1 answers")
def test_it(broken): pass""",
    "a-person-pressed": """
@pytest.mark.parametrize("a1", [(*OWN, Fault.STOP_REMOTE)], indirect=True)
def test_it(a1, undo):
    try:
        undo(Fault.EMERGENCY_STOP)
    finally:
        assert not a1.operators""",
}
REST = """
@pytest.mark.parametrize("a1", [OWN], indirect=True)
def test_a_stop_of_ones_own(a1, undo):
    undo(Fault.EMERGENCY_STOP)
    assert a1.operators == ["the tests"]
"""


@pytest.fixture
def bring_up(tmp_path):
    """Run these words with the bring-up's conftest, in two files, against an A1 that is taken for a real one."""
    shutil.copy(ROOT / "tests/hardware/conftest.py", tmp_path)

    def run(first, second):
        (tmp_path / "1_first_test.py").write_text(ROBOT + first)
        (tmp_path / "2_second_test.py").write_text(ROBOT + second)
        told = {"DAYDREAMER_A1": "127.0.0.1:9", "DAYDREAMER_ESTOP": "/dev/stop-box"}
        places = {"XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
        pytest_ = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*pytest_, "-W", "ignore", str(tmp_path)],
            env={**os.environ, **told, **places}, cwd=tmp_path, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_robot_of_the_bring_up_keeps_stops_and_a_test_resets_its_own(bring_up):
    code, said = bring_up(REST, REST)
    assert code == 0 and "4 passed" in said, said


@pytest.mark.parametrize("fails", FAILS)
def test_the_first_failure_ends_the_bring_up(bring_up, fails):
    code, said = bring_up(FAILS[fails], REST)
    assert code != 0 and "look at the robot before anything else is tried" in said, said
    assert "2_second_test" not in said and ("1 failed" in said or "1 error" in said), said
    assert ("not reset: STOP_REMOTE" in said) == (fails == "a-person-pressed"), said

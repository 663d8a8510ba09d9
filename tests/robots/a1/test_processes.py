"""Which installation the A1's processes are of: the driver's, in whatever directory that was started."""

import os
import socket

import pytest

from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess
from robots.a1.sdk import SdkProcess
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_process import ServoProcess
from robots.robot import RobotError


@pytest.fixture(autouse=True)
def in_another_clone(tmp_path, monkeypatch):
    """A directory with a package of the same name, which says so and ends. A search path with a hole means it, too."""
    for package in (tmp_path / "robots", tmp_path / "robots" / "a1"):
        package.mkdir()
        (package / "__init__.py").write_text('raise SystemExit("of another clone")\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep + os.environ.get("PYTHONPATH", ""))


def test_the_servo_is_the_drivers_own(monkeypatch):
    monkeypatch.setattr("robots.a1.servo_process.PATIENCE", 60.0)  # time to begin
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        process = ServoProcess(ServoConfig(local_port=taken.getsockname()[1]))
        process.end()
    assert "Is another driver running" in process.last_words()
    process.free()


def test_the_bridge_of_the_vendors_module_is_the_drivers_own(monkeypatch):
    monkeypatch.setattr("robots.a1.sdk.damp_instead", lambda *address: "nobody is there")
    with pytest.raises(RobotError, match="needs the vendor's Python module 'no_such_module'"):
        SdkProcess("no_such_module", 60.0)


def test_the_emulated_robot_is_the_drivers_own():
    pytest.importorskip("pybullet")
    with pytest.raises(RobotError, match="reply is 'answer' or 'stream'"):
        EmulatorProcess(EmulatorConfig(port=0, reply="never"))

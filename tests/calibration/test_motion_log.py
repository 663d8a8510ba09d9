"""The recorded motion: what is written is read again, and what is no log is refused with a reason."""

from dataclasses import replace

import numpy as np
import pytest

from calibration import motion_log
from calibration.motion_log import MotionLog
from robots.calibration import CalibrationError


def log(readings=20, commands=5):
    rng = np.random.default_rng(0)
    read = {name: rng.normal(size=(readings, 12)) for name in motion_log.READ}
    asked = {name: rng.normal(size=(commands, 12)) for name in motion_log.ASKED}
    times = {"time": np.arange(readings) / 500, "asked_at": np.arange(commands) / 20}
    return MotionLog("a1-sim", "blue", "now", np.zeros(12), **times, **read, **asked)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "deep" / "motion.log"
    log().save(path)
    again = motion_log.load(path)
    assert (again.robot, again.robot_id, again.made) == ("a1-sim", "blue", "now")
    np.testing.assert_array_equal(again.joint_torque, log().joint_torque)
    np.testing.assert_array_equal(again.kp, log().kp)
    assert again.seconds == pytest.approx(19 / 500)


def test_a_disk_that_refuses_it_is_told(tmp_path):
    with pytest.raises(CalibrationError, match=f"cannot write {tmp_path}: Is a directory"):
        log().save(tmp_path)


def test_what_is_no_log_is_refused(tmp_path):
    path = tmp_path / "log"
    with pytest.raises(CalibrationError, match="cannot read"):
        motion_log.load(path)
    path.write_bytes(b"")
    with pytest.raises(CalibrationError, match="no motion log"):
        motion_log.load(path)
    np.save(path.with_suffix(".npy"), np.zeros(3))
    with pytest.raises(CalibrationError, match="no motion log"):
        motion_log.load(path.with_suffix(".npy"))
    path.write_text("hello")
    with pytest.raises(CalibrationError, match=r"--record FILE"):
        motion_log.load(path)
    np.savez(path.with_suffix(".npz"), a=np.zeros(3))
    with pytest.raises(CalibrationError, match="no motion log"):
        motion_log.load(path.with_suffix(".npz"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"joint_pos": np.zeros((20, 11))}, "'joint_pos' is"),
        ({"time": np.arange(20)[::-1] / 500}, "in order"),
        ({"kp": np.full((5, 12), np.nan)}, "not finite"),
    ],
)
def test_what_cannot_be_is_refused(change, told):
    with pytest.raises(CalibrationError, match=told):
        replace(log(), **change)

"""``daydreamer calibrate ROBOT --record LOG`` and ``--fit-sim LOG``: a motion of the robot, and a stand-in like it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from calibration import excite, fit_sim, guide, motion_log
from calibration.motion_log import MotionLog
from calibration.result import Result
from calibration.session import Progress, Session
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from robots.calibration import CalibrationError


def record(
    session: Session, files: guide.Files, robot: str, robot_id: str, path: Path, true_zeros: bool = False
) -> MotionLog:
    """Move the hanging robot and write ``path``; ``true_zeros`` says that its joints read true without calibration.

    Raises:
        CalibrationStopped: told to, or its safety stopped it.
        CalibrationError: the joints' zeros are not known yet, or did not pass.
        DaydreamerError: ``path`` takes no files. The robot has not moved.
    """
    if path.is_dir():
        raise DaydreamerError(f"cannot write to {path}: it is a directory. Name a file in it")
    writable_directory(path.parent)
    found = guide.begin(files, robot, robot_id)
    if not true_zeros or guide.zeros_known(found):
        session.offset = np.array(found.passed("joints").offset_rad)
    with session.ending_damped():
        log = excite.record(session, robot_id, guide.now())
    log.save(path)
    return log


def fit(
    files: guide.Files, robot: str, robot_id: str, path: Path, show: Callable[[Progress], None]
) -> Result:
    """Fit the stand-in to the log ``path``, and keep it as the part ``sim`` of the calibration.

    Raises:
        CalibrationError: no such log, or another robot's, or SciPy is absent.
    """
    log = motion_log.load(path)
    if (log.robot, log.robot_id) != (robot, robot_id):
        raise CalibrationError(
            f"{path} is of '{log.robot_id}' ({log.robot}), and the calibration of '{robot_id}' ({robot})"
        )
    found = guide.begin(files, robot, robot_id)
    if not guide.same_zeros(found, log.offset):
        raise CalibrationError(
            f"{path} was recorded with other joint zeros than {files.calibration} has now: record it anew with --record"
        )
    fitted = fit_sim.fit(log, lambda share: show(Progress("fitting the stand-in", share)))
    result = guide.judged("sim", fit_sim.result(fitted))
    guide.keep(files, found, "sim", result, log.offset)
    return result

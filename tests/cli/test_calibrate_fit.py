"""The fit of the stand-in to a recorded motion, kept beside what was measured."""

import numpy as np

from calibration import fit_sim, guide
from calibration.motion_log import ASKED, READ, MotionLog
from calibration.result import Result
from daydreamer.cli import calibrate_fit
from robots.calibration import load
from robots.calibration_parts import Joints, Sim

FITTED = Sim(0.021, 0.05, 1.0, (0.6,) * 12, (0.1,) * 12, (1.0,) * 12)


def test_a_fit_stands_on_the_zeros_that_its_motion_was_recorded_with(tmp_path, monkeypatch):
    monkeypatch.setattr(fit_sim, "fit", lambda log, watch: log)
    monkeypatch.setattr(fit_sim, "result", lambda log: Result(FITTED, "by hand"))
    files = guide.Files(tmp_path)
    found = guide.begin(files, "a1-sim", "blue")
    guide.keep(files, found, "joints", Result(Joints((0.008,) * 12), "by hand"))
    numbers = {name: np.zeros((3, 12)) for name in (*READ, *ASKED)}
    log = MotionLog(
        "a1-sim", "blue", "now", np.full(12, 0.002), time=np.arange(3.0), asked_at=np.arange(3.0), **numbers
    )
    log.save(tmp_path / "blue.motion")
    calibrate_fit.fit(files, "a1-sim", "blue", tmp_path / "blue.motion", lambda progress: None)
    assert load(files.calibration).parts["sim"].zeros_rad == (0.002,) * 12

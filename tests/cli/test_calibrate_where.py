"""The table of where the time of a control step goes."""

import pytest

from daydreamer.cli import calibrate_where
from daydreamer.core.errors import DaydreamerError
from daydreamer.monitor.record import Record
from robots.calibration import Calibration, CalibrationError, Measured
from robots.calibration_parts import Latency

LATENCY = Measured(Latency(0.0116, 0.0011, 0.0068, 0.0014), "by hand", "now", True)


def test_the_parts_of_a_step_are_added_up(tmp_path):
    reported = {"actor/policy_ms": 0.5, "actor/sense_ms": 1.0, "actor/late_ms": 0.1, "link/unacked": 2.0}
    line = Record(1, 0.0, {**reported, "actor/steps_per_second": 20.0}).to_line()
    clock = Record(2, 0.0, {"link/clock_offset_ms": -3.25, "link/clock_within_ms": 0.21}).to_line()
    (tmp_path / "metrics.jsonl").write_bytes(line * 3 + clock)
    found = Calibration("a1", "blue", "now", "test", {"latency": LATENCY})
    text = calibrate_where.table(found, calibrate_where.of_run(tmp_path))
    # 1.4 old + 1.0 + 0.5 + 0.1 late + 11.6 until there is a reading = 14.6 ms; two rows at 20 a second are 100 ms.
    assert "| from motion to motion, of 50 ms | 14.60 |" in text
    assert "not in the loop) | 100.00 |" in text
    assert "ahead of the actor's by | -3.25 | run, give or take 0.21 |" in text


def test_what_was_not_measured_is_asked_for(tmp_path):
    with pytest.raises(DaydreamerError, match="no run whose actor"):
        calibrate_where.of_run(tmp_path)
    with pytest.raises(CalibrationError, match="--only latency"):
        calibrate_where.table(Calibration("a1", "blue", "now", "test"), {"actor/policy_ms": 1.0})

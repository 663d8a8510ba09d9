"""The table of faults is whole, its proofs exist, and the page in docs is made from it."""

import re
import runpy
from pathlib import Path

import pytest

from robots.safety import faults
from robots.safety.faults import TABLE, Fault, Finding
from robots.safety.modes import Mode
from tests.robots.safety.readings import INFO

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "safety.md"


def test_every_fault_has_its_row_mildest_first():
    assert list(TABLE) == list(Fault)
    modes = [fault.mode for fault in Fault]
    assert modes == sorted(modes)
    assert all(TABLE[fault].mode is fault.row.mode is fault.mode for fault in Fault)


def test_the_modes_they_demand():
    by_mode = {mode: [fault.value for fault in Fault if fault.mode is mode] for mode in Mode}
    assert by_mode == {
        Mode.NORMAL: ["target_range", "target_step", "command_range", "motor_warm"],
        Mode.HOLD: [
            "command_senseless", "command_late", "state_late", "state_senseless", "no_rotation",
            "gravity_mismatch", "imu_frozen", "imu_jump",
        ],
        Mode.DAMP: [
            "command_lost", "state_lost", "joint_position", "joint_velocity", "joint_torque", "power", "tilt",
            "joints_frozen", "joint_jump", "write_failed", "emergency_stop", "stop_button", "stop_box_silent",
            "stop_box_unplugged", "stop_box_senseless", "stop_remote",
        ],
        Mode.OFF: ["motor_hot", "switched_off"],
    }  # fmt: skip


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_a_row_says_everything(fault):
    row = fault.row
    assert row.text and row.seen and row.within and row.clears
    file, test = row.proof.split("::")
    assert re.search(rf"def {test}\(", (HERE / file).read_text()), row.proof


def test_a_finding_for_a_person():
    assert Finding(Fault.MOTOR_HOT, 61.0, 60.0, 2).text(INFO) == (
        "a motor is too hot at FR_calf: 61 degC, the limit is 60 degC"
    )
    assert Finding(Fault.JOINT_POSITION, 0.91234567, 0.889, 0).text(INFO) == (
        "a joint is outside its limits at FR_hip: 0.9123 rad, the limit is 0.889 rad"
    )
    assert Finding(Fault.POWER, 900.0, 800.0).text(INFO) == (
        "the motors' power is too large: 900 W, the limit is 800 W"
    )
    assert Finding(Fault.EMERGENCY_STOP).text(INFO) == "someone pressed stop"
    assert Finding(Fault.COMMAND_RANGE, 99.0, 33.5, 1).text(INFO).endswith("was reduced at FR_thigh")


def test_a_finding_needs_no_figures():
    assert Finding(Fault.EMERGENCY_STOP) == Finding(Fault.EMERGENCY_STOP, value=0.0, limit=0.0, joint=-1)


@pytest.mark.parametrize(("name", "printed"), [("__main__", faults.table()), ("faults", "")])
def test_run_as_a_program_it_prints_the_table(name, printed, capsys):
    runpy.run_path(faults.__file__, run_name=name)
    assert capsys.readouterr().out == printed


def test_the_table_has_a_line_for_each_fault_and_its_figures():
    lines = faults.table().splitlines()
    assert len(lines) == 2 + len(Fault)
    assert all(line.count("|") == 8 for line in lines), "seven columns"
    assert lines[-2].startswith(
        "| `motor_hot` | a motor is too hot | 60.0 degC or more | the same reading | OFF |"
    )
    assert "more than inf (off) rad from upright" in faults.table()
    assert "{" not in faults.table()


def test_the_page_in_docs_has_the_table():
    command = "put the output of `python -m robots.safety.faults` into docs/safety.md"
    assert faults.table() in PAGE.read_text(), command

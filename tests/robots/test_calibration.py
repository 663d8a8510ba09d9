"""The calibration file: written, read back, and refused when it cannot be right."""

import json
from dataclasses import replace

import pytest

from robots.calibration import Calibration, CalibrationError, Measured, diff, load
from robots.calibration_parts import Feet, Imu, Joints

IMU = Imu((0.01, -0.02, 0.0), (0.02,) * 3, (0.1, 0.0, -0.1), (1.0, 1.01, 0.99), 0.02, -0.01, 31.0)
JOINTS = Joints(tuple(0.01 * i for i in range(12)))
FEET = Feet((1.0, 2.0, 3.0, 4.0), (1.0,) * 4, (6.0,) * 4, (3.0,) * 4, (0.0,) * 4)


def calibration(**parts):
    made = {
        name: Measured(values, "by hand", "2026-01-01T00:00:00+00:00", True) for name, values in parts.items()
    }
    return Calibration("a1-sim", "blue", "2026-01-01T00:00:00+00:00", "test 1", made)


WHOLE = calibration(imu=IMU, joints=JOINTS, feet=FEET)


def written(tmp_path, change=lambda tree: None):
    path = tmp_path / "calibration.json"
    WHOLE.save(path)
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))
    return path


def test_what_was_saved_is_read_back(tmp_path):
    assert load(written(tmp_path)) == WHOLE


def test_a_disk_that_refuses_it_is_told(tmp_path):
    with pytest.raises(CalibrationError, match=f"cannot write {tmp_path}: Is a directory"):
        WHOLE.save(tmp_path)


def test_a_part_keeps_the_zeros_it_was_measured_with(tmp_path):
    made = calibration(imu=IMU)
    made = replace(made, parts={"imu": replace(made.parts["imu"], zeros_rad=(0.01,) * 12)})
    made.save(path := tmp_path / "calibration.json")
    assert load(path) == made


def test_a_file_of_the_first_schema_is_read_and_its_parts_do_not_say_on_what_they_stand(tmp_path):
    def first(tree):
        tree["schema"] = 1
        for part in tree["parts"].values():
            del part["zeros_rad"]

    assert load(written(tmp_path, first)) == WHOLE


def test_units_stand_in_the_names(tmp_path):
    values = json.loads(written(tmp_path).read_text())["parts"]["joints"]["values"]
    assert list(values) == ["offset_rad"]


def test_a_half_written_file_does_not_replace_a_whole_one(tmp_path):
    path = written(tmp_path)
    path.with_name(path.name + ".part").write_text("{")
    assert load(path) == WHOLE


def put(tree, value, *path):
    for key in path[:-1]:
        tree = tree[key]
    tree[path[-1]] = value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: put(tree, 3, "schema"), "schema is 3, this program reads 1 and 2"),
        (lambda tree: put(tree, "spot", "robot"), "no robot is called 'spot'"),
        (lambda tree: put(tree, "", "robot_id"), "'robot_id' is a text"),
        (lambda tree: tree.pop("made"), "lacks made"),
        (lambda tree: put(tree, 1, "colour"), "'colour'"),
        (lambda tree: put(tree, {}, "parts", "joint"), "Did you mean 'joints'"),
        (lambda tree: tree["parts"]["joints"].pop("method"), "lacks method"),
        (lambda tree: put(tree, [0.0] * 11, "parts", "joints", "values", "offset_rad"), "list of 12 numbers"),
        (
            lambda tree: put(tree, 0.5, "parts", "joints", "values", "offset_rad", 3),
            r"offset_rad\[3\] is 0.5",
        ),
        (lambda tree: put(tree, "x", "parts", "imu", "values", "mounting_roll_rad"), "is a finite number"),
        (lambda tree: put(tree, True, "parts", "imu", "values", "mounting_roll_rad"), "is a finite number"),
        (lambda tree: put(tree, 1, "parts", "imu", "passed"), "passed is true or false"),
        (
            lambda tree: put(tree, [0.0], "parts", "imu", "zeros_rad"),
            r"imu\.zeros_rad is a list of 12 numbers",
        ),
        (lambda tree: tree["parts"]["imu"].pop("zeros_rad"), "lacks zeros_rad"),
    ],
)
def test_what_cannot_be_right_is_refused(tmp_path, change, said):
    with pytest.raises(CalibrationError, match=said):
        load(written(tmp_path, change))


def test_infinity_is_no_number(tmp_path):
    path = written(tmp_path)
    path.write_text(path.read_text().replace("0.02,", "Infinity,", 1))
    with pytest.raises(CalibrationError, match="finite"):
        load(path)


def test_another_robot_is_refused(tmp_path):
    with pytest.raises(CalibrationError, match="it is of robot 'a1-sim', and this one is 'a1'"):
        load(written(tmp_path), robot="a1")


def test_another_robot_of_the_same_kind_is_refused(tmp_path):
    with pytest.raises(CalibrationError, match="'blue', and this robot is 'red'"):
        load(written(tmp_path), robot_id="red")


def test_a_missing_part_is_refused_and_the_command_to_measure_it_told(tmp_path):
    with pytest.raises(CalibrationError, match="calibrate a1-sim --only motors"):
        load(written(tmp_path), parts=["motors"])


def test_a_part_that_failed_is_refused_where_it_is_needed(tmp_path):
    path = written(tmp_path, lambda tree: tree["parts"]["joints"].update(passed=False))
    assert not load(path).parts["joints"].passed, "it can be looked at"
    with pytest.raises(CalibrationError, match="'joints' of 'blue' did not pass"):
        load(path, parts=["joints"])


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json"])
def test_another_file_is_no_calibration(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match="no calibration"):
        load(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CalibrationError, match="cannot read"):
        load(tmp_path / "nothing.json")


def test_a_diff_says_what_moved_and_how_far():
    moved = replace(IMU, gyro_bias_rad_per_s=(0.01, -0.01, 0.0))
    lines = diff(WHOLE, calibration(imu=moved, joints=JOINTS))
    assert lines == ["imu.gyro_bias_rad_per_s[1]: -0.02 -> -0.01 (+0.01)", "feet: only in the first"]
    assert diff(WHOLE, WHOLE) == []

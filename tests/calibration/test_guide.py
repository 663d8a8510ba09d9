"""The whole calibration: kept after each part, gone on with, stopped at any moment, and told on one page."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from calibration import guide, svg
from calibration.result import Check, Line, Plot, Result
from calibration.session import CalibrationStopped, Session
from robots.calibration import CalibrationError, load
from robots.calibration_parts import Feet, Imu, Joints
from tests.calibration.fake_rig import FakeRig


def joints_result(passed=True, offset=0.01):
    check = Check("offset", 0.1 if passed else 1.0, 0.3, "rad", "look at it <now>")
    plot = Plot("t", "s", "rad", [Line("a", np.arange(5.0), np.arange(5.0) ** 2)])
    return Result(Joints((offset,) * 12), "by hand", (check,), (plot,), {"r": 0.1})


def feet_result(noise=1.0):
    return Result(Feet((0.0,) * 4, (noise,) * 4, (6.0,) * 4, (3.0,) * 4, (0.0,) * 4), "by hand")


def imu_result():
    none = (0.0,) * 3
    return Result(Imu(none, none, none, (1.0,) * 3, 0.0, 0.0, 30.0), "by hand")


@pytest.fixture
def two(monkeypatch):
    monkeypatch.setattr(
        guide,
        "PROCEDURES",
        {"joints": lambda session: joints_result(), "feet": lambda session: feet_result()},
    )


def begun(tmp_path):
    files = guide.Files(tmp_path / "out")
    return files, guide.begin(files, "fake", "blue")


def place(session, passed=True):
    session.place("hang")
    return joints_result(passed)


def test_what_was_measured_is_kept_and_not_measured_again(tmp_path, two, monkeypatch):
    files, found = begun(tmp_path)
    rig = FakeRig()
    monkeypatch.setitem(guide.PROCEDURES, "joints", place)
    guide.run(Session(rig), files, found, ["joints"])
    again = guide.begin(files, "fake", "blue")
    assert guide.todo(again) == ["feet"]
    assert guide.todo(again, again=True) == ["joints", "feet"]
    assert guide.todo(again, only=["joints"]) == []


def test_what_did_not_pass_is_measured_again(tmp_path, monkeypatch):
    def fails(session):
        session.place("hang")
        return joints_result(passed=False)

    monkeypatch.setattr(guide, "PROCEDURES", {"joints": fails})
    files, found = begun(tmp_path)
    guide.run(Session(FakeRig()), files, found, ["joints"])
    assert guide.todo(guide.begin(files, "fake", "blue")) == ["joints"]
    assert "look at it &lt;now&gt;" in files.report.read_text()


def test_a_stop_keeps_what_is_finished_and_leaves_the_robot_damped(tmp_path, monkeypatch):
    why = []

    def hold(session):
        session.place("hang")
        session.hold(session.info.stand_pos)
        why.append("Ctrl-C")
        session.move(session.info.stand_pos, 1.0)
        raise AssertionError("it went on")

    monkeypatch.setattr(guide, "PROCEDURES", {"joints": place, "feet": hold})
    files, found = begun(tmp_path)
    rig = FakeRig()
    session = Session(rig, stop=lambda: why[0] if why else None)
    with pytest.raises(CalibrationStopped, match="Ctrl-C"):
        guide.run(session, files, found, ["joints", "feet"])
    assert list(load(files.calibration).parts) == ["joints"]
    last = rig.robot.commands[-1]
    assert not last.kp.any() and not last.torque.any() and (last.kd > 0).all()


def test_any_error_leaves_the_robot_damped(tmp_path, monkeypatch):
    def breaks(session):
        session.place("hang")
        session.hold(session.info.stand_pos)
        raise ZeroDivisionError

    monkeypatch.setattr(guide, "PROCEDURES", {"joints": breaks})
    files, found = begun(tmp_path)
    rig = FakeRig()
    with pytest.raises(ZeroDivisionError):
        guide.run(Session(rig), files, found, ["joints"])
    assert not rig.robot.commands[-1].kp.any()


def test_nothing_else_is_measured_before_the_joints_passed(tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(
        guide,
        "PROCEDURES",
        {"joints": lambda session: place(session, passed=False), "feet": lambda session: measured.append(1)},
    )
    files, found = begun(tmp_path)
    with pytest.raises(CalibrationError, match="measure the part 'joints' first"):
        guide.todo(found, only=["feet"])
    with pytest.raises(CalibrationStopped, match="joints did not pass"):
        guide.run(Session(FakeRig()), files, found, ["joints", "feet"])
    assert not measured
    assert not guide.begin(files, "fake", "blue").parts["joints"].passed, "it is kept, as failed"
    with pytest.raises(CalibrationError, match="measure the part 'joints' first"):
        guide.todo(guide.begin(files, "fake", "blue"), only=["feet"], again=True)


def test_other_zeros_undo_what_stood_on_them(tmp_path):
    files, found = begun(tmp_path)
    found = guide.keep(files, found, "joints", joints_result())
    found = guide.keep(files, found, "feet", feet_result())
    again = guide.keep(files, found, "joints", joints_result(offset=0.011))
    assert set(again.parts) == {"joints", "feet"}, "two measurements may differ by so much"
    moved = guide.keep(files, found, "joints", joints_result(offset=0.05))
    assert set(load(files.calibration).parts) == set(moved.parts) == {"joints"}
    assert "id='feet'" not in files.report.read_text()


def test_zeros_that_did_not_pass_undo_nothing(tmp_path):
    files, found = begun(tmp_path)
    found = guide.keep(files, found, "joints", joints_result())
    found = guide.keep(files, found, "feet", feet_result())
    found = guide.keep(files, found, "imu", imu_result())
    found = guide.keep(files, found, "joints", joints_result(passed=False, offset=0.3))
    assert not guide.zeros_known(found), "and nothing is measured on them"
    found = guide.keep(files, load(files.calibration), "joints", joints_result())
    assert set(load(files.calibration).parts) == set(found.parts) == {"joints", "feet", "imu"}


def test_small_steps_of_the_zeros_add_up(tmp_path):
    files, found = begun(tmp_path)
    found = guide.keep(files, found, "joints", joints_result(offset=0.0))
    found = guide.keep(files, found, "feet", feet_result())
    found = guide.keep(files, found, "joints", joints_result(offset=0.008))
    assert set(found.parts) == {"joints", "feet"}
    found = guide.keep(files, found, "feet", feet_result())  # measured anew: it stands on 0.008 now
    found = guide.keep(files, load(files.calibration), "joints", joints_result(offset=0.016))
    assert set(found.parts) == {"joints", "feet"}
    found = guide.keep(files, load(files.calibration), "joints", joints_result(offset=0.024))
    assert set(found.parts) == {"joints"}, "0.016 rad from the zeros that the feet were measured with"


def test_parts_of_an_older_file_stand_on_the_zeros_that_it_has(tmp_path):
    files, found = begun(tmp_path)
    found = guide.keep(files, found, "joints", joints_result(offset=0.0))
    found = guide.keep(files, found, "feet", feet_result())
    tree = json.loads(files.calibration.read_text()) | {"schema": 1}
    for part in tree["parts"].values():
        del part["zeros_rad"]
    files.calibration.write_text(json.dumps(tree))
    found = guide.keep(files, guide.begin(files, "fake", "blue"), "joints", joints_result(offset=0.008))
    assert set(found.parts) == {"joints", "feet"}
    found = guide.keep(files, guide.begin(files, "fake", "blue"), "joints", joints_result(offset=0.016))
    assert set(found.parts) == {"joints"}


def test_a_part_made_of_a_recording_stands_on_the_zeros_of_that(tmp_path):
    files, found = begun(tmp_path)
    found = guide.keep(files, found, "joints", joints_result(offset=0.008))
    found = guide.keep(files, found, "feet", feet_result(), np.zeros(12))
    assert set(guide.keep(files, found, "joints", joints_result(offset=0.004)).parts) == {"joints", "feet"}
    assert set(guide.keep(files, found, "joints", joints_result(offset=0.012)).parts) == {"joints"}


def test_what_cannot_be_is_told_and_not_written(tmp_path, monkeypatch):
    told = []

    def dead(session):
        session.place("hang")
        return replace(feet_result(noise=float("nan")), residuals={"r": float("inf")})

    files, found = begun(tmp_path)
    monkeypatch.setattr(guide, "PROCEDURES", {"joints": place, "feet": dead})
    guide.run(
        Session(FakeRig()), files, found, ["joints", "feet"], lambda name, result: told.append((name, result))
    )
    (_, joints), (_, feet) = told
    assert joints.passed and not feet.passed
    assert "feet.noise[0] is a finite number" in feet.checks[-1].advice
    assert list(guide.begin(files, "fake", "blue").parts) == ["joints"], "the file can still be read"
    page = files.report.read_text()
    assert "feet.noise[0] is a finite number" in page and "✗ fail" in page.split("<table>")[0]
    assert json.loads(guide.summary({"feet": feet}))["feet"]["values"]["noise"] == [None] * 4


def test_a_page_that_the_disk_refuses_is_told_and_the_file_is_there(tmp_path):
    files, found = begun(tmp_path)
    files.report.mkdir(parents=True)
    with pytest.raises(CalibrationError, match=r"cannot write .*report.html: Is a directory"):
        guide.keep(files, found, "joints", joints_result())
    assert list(load(files.calibration).parts) == ["joints"]


def test_the_page_does_not_call_a_half_a_whole(tmp_path, two):
    files, found = begun(tmp_path)
    found = guide.keep(files, found, "joints", joints_result())
    assert "to be measured" in files.report.read_text().split("<table>")[0]
    guide.keep(files, found, "feet", feet_result())
    assert "✓ pass" in files.report.read_text().split("<table>")[0]


def test_a_robot_that_its_safety_has_stopped_is_not_measured_on(tmp_path):
    rig = FakeRig()
    session = Session(rig)
    session.place("hang")
    rig.robot.stopped = ""
    rig.robot.temperature = np.full(12, 70.0)  # hot: the guard switches off
    with pytest.raises(CalibrationStopped, match="OFF"):
        session.move(session.info.stand_pos, 1.0)


def test_a_calibration_of_another_robot_is_not_gone_on_with(tmp_path, two):
    files, found = begun(tmp_path)
    found.save(files.calibration)
    with pytest.raises(CalibrationError, match="'blue', and this robot is 'red'"):
        guide.begin(files, "fake", "red")


def test_an_unknown_procedure_is_told(tmp_path):
    _, found = begun(tmp_path)
    with pytest.raises(CalibrationError, match="no procedure is called 'knees'"):
        guide.todo(found, ["knees"])


def test_the_summary_is_json():
    tree = json.loads(guide.summary({"joints": joints_result()}))
    assert tree["joints"]["passed"] and tree["joints"]["values"]["offset_rad"] == [0.01] * 12


@pytest.mark.parametrize("log", [False, True])
def test_a_plot_is_an_svg_element(log):
    plot = Plot(
        "a < b",
        "x",
        "y",
        [Line("one", np.arange(3000.0), np.arange(3000.0)), Line("none", np.zeros(0), np.zeros(0))],
        log,
    )
    drawn = svg.draw(plot)
    assert ElementTree.fromstring(drawn).tag == "svg"
    assert len(drawn) < 20_000, "thinned"


def test_a_plot_leaves_out_what_is_no_number():
    drawn = svg.draw(
        Plot("t", "x", "y", [Line("a", np.array([0.0, 1.0, 2.0]), np.array([1.0, np.nan, np.inf]))])
    )
    assert "nan" not in drawn and "inf" not in drawn

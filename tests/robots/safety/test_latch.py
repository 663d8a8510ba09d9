"""A stop on disk: written whole, refused by, and reset by a named person."""

import errno
import json
import os
import stat
from dataclasses import FrozenInstanceError

import pytest

from robots.robot import RobotError, RobotStopped
from robots.safety import latch
from robots.safety.faults import Fault
from robots.safety.latch import Stop
from robots.safety.modes import Mode

STOP = Stop("a1", "the stop button is pressed", "2026-02-03T04:05:06+01:00", "ada on lab, process 7")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "home" / "state" / "a1.stop"


def test_what_outlives_a_restart_is_all_that_damps_but_a_program_that_fell_silent():
    kept = {fault for fault in Fault if latch.outlives(fault, commanded=True)}
    assert kept == {fault for fault in Fault if fault.mode in (Mode.DAMP, Mode.OFF)} - {Fault.COMMAND_LOST}


def test_what_a_person_does_outlives_it_also_when_nothing_was_moved():
    kept = [fault.value for fault in Fault if latch.outlives(fault, commanded=False)]
    assert kept == [
        "emergency_stop", "stop_button", "stop_box_silent", "stop_box_unplugged", "stop_box_senseless",
        "stop_remote", "switched_off",
    ]  # fmt: skip


def test_what_is_written_is_read(file):
    assert latch.read(file) is None
    latch.write(file, STOP)
    assert latch.read(file) == STOP
    assert [path.name for path in file.parent.iterdir()] == ["a1.stop"], "nothing else is left"


def test_the_newest_stop_takes_the_place_of_an_older_one(file):
    latch.write(file, STOP)
    newer = Stop("a1", "a motor is too hot", STOP.when, STOP.who)
    latch.write(file, newer)
    assert latch.read(file) == newer


def test_it_is_in_the_file_before_the_disk_is_asked_to_keep_it(file, monkeypatch):
    seen = []
    monkeypatch.setattr("os.fsync", lambda fd: seen.append(os.fstat(fd).st_size))
    latch.write(file, STOP)
    assert seen[0] == file.stat().st_size > 100


def test_the_figures():
    assert (latch.RETRY, latch.LAST_CHANCE) == (0.5, 2.0)
    with pytest.raises(FrozenInstanceError):
        STOP.why = "nothing"


def test_a_stop_for_a_person():
    assert STOP.text() == (
        "robot 'a1' was stopped at 2026-02-03T04:05:06+01:00, driven by ada on lab, process 7: "
        "the stop button is pressed"
    )


def test_a_stopped_robot_is_refused_with_what_to_do(file):
    for _ in range(2):
        latch.refuse(file, "do this")
    latch.write(file, STOP)
    with pytest.raises(RobotStopped, match=r"the stop button is pressed\. Look at the robot.*: do this$"):
        latch.refuse(file, "do this")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"robot": "a1"}', '{"x": 1}', "null", "\x00" * 40])
def test_a_file_that_makes_no_sense_is_a_stop(file, text):
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert latch.read(file).why.startswith("nobody knows why, as ")
    with pytest.raises(RobotStopped, match=r"a1\.stop cannot be read"):
        latch.refuse(file, "")


def test_of_a_long_file_the_beginning_is_told(file):
    file.parent.mkdir(parents=True)
    file.write_text("x" * 100)
    assert f"'{80 * 'x'}')" in latch.read(file).why


def test_bytes_that_are_no_text_are_a_stop(file):
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe")
    assert "cannot be read" in latch.read(file).text()


def test_a_stop_that_comes_while_another_is_being_reset_stays(file, monkeypatch):
    newer = Stop("a1", "someone pressed stop", "2026-02-03T04:06:00+01:00", STOP.who)
    latch.write(file, STOP)

    def press():
        latch.write(file, newer)
        return "now"

    monkeypatch.setattr("robots.safety.latch.present", press)
    with pytest.raises(RobotError, match=r"stopped anew.*someone pressed stop"):
        latch.reset(file, "Ada")
    monkeypatch.undo()
    assert latch.read(file) == newer
    assert {path.name for path in file.parent.iterdir()} == {"a1.stop", "a1.history.jsonl"}
    assert latch.reset(file, "Ada") == newer and latch.read(file) is None
    assert [path.name for path in file.parent.iterdir()] == ["a1.history.jsonl"]


def test_what_cannot_be_opened_is_a_stop(file):
    file.mkdir(parents=True)
    assert "cannot be read" in latch.read(file).text()


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_where_no_stop_could_be_kept_the_robot_stays_still(file, monkeypatch, number):
    def refused(fd):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", refused)
    with pytest.raises(RobotError, match=f"could not be kept.*{os.strerror(number)}") as caught:
        latch.refuse(file, "")
    assert not isinstance(caught.value, RobotStopped)


def test_a_disk_that_is_full_by_then_keeps_a_stop_all_the_same(file, monkeypatch):
    latch.refuse(file, "")  # before the robot moves

    def full(path, mode="r", *how):
        if mode == "wb":
            raise OSError(errno.ENOSPC, "No space left on device")
        return open(path, mode, *how)

    with monkeypatch.context() as patch:
        patch.setattr(latch, "open", full, raising=False)
        latch.write(file, STOP)
    assert latch.read(file) == STOP
    assert [path.name for path in file.parent.iterdir()] == ["a1.stop"]


def test_a_directory_that_may_not_be_made_keeps_the_robot_still(file, monkeypatch):
    def forbidden(self, **how):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", forbidden)
    with pytest.raises(RobotError, match=r"could not be kept.*Permission denied"):
        latch.refuse(file, "")


def test_a_directory_that_cannot_be_made_keeps_the_robot_still(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(RobotError, match="cannot be"):
        latch.refuse(tmp_path / "state" / "deep" / "a1.stop", "")


def test_a_reset_needs_a_name_and_is_remembered(file):
    latch.write(file, STOP)
    with pytest.raises(RobotError, match="name of the person"):
        latch.reset(file, " ")
    assert latch.read(file) == STOP
    assert latch.reset(file, "Ada") == STOP
    assert latch.read(file) is None
    (line,) = (file.parent / "a1.history.jsonl").read_text().splitlines()
    remembered = json.loads(line)
    assert (remembered["why"], remembered["reset_by"]) == (STOP.why, "Ada")
    assert remembered["reset_at"] >= "2026"


def test_there_may_be_nothing_to_reset(file):
    assert latch.reset(file, "Ada") is None
    assert not file.parent.exists()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_no_file_is_left_open(file):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        latch.write(file, STOP)
        latch.reset(file, "Ada")
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_disk_keeps_the_file_and_its_absence(file, monkeypatch):
    kept = []
    monkeypatch.setattr("os.fsync", lambda fd: kept.append(stat.S_ISDIR(os.fstat(fd).st_mode)))
    latch.write(file, STOP)
    assert kept == [False, True], "the file, then its name"
    latch.reset(file, "Ada")
    assert kept == [False, True, True]


def test_two_people_may_reset_it_at_once(file, monkeypatch):
    file.parent.mkdir(parents=True)
    monkeypatch.setattr(latch, "read", lambda path: STOP)  # and then the other one has removed it
    assert latch.reset(file, "Ada") == STOP


def test_the_history_grows_by_a_line_for_each(file):
    for _ in range(3):
        latch.write(file, STOP)
        latch.reset(file, "Ada")
    assert len((file.parent / "a1.history.jsonl").read_text().splitlines()) == 3


def test_a_reset_that_the_disk_refuses_is_told(file, monkeypatch):
    latch.write(file, STOP)
    (file.parent / "a1.history.jsonl").mkdir()
    with pytest.raises(RobotError, match="cannot be reset"):
        latch.reset(file, "Ada")
    assert latch.read(file) == STOP


def test_a_write_that_the_disk_refuses_leaves_what_was(file, monkeypatch):
    latch.write(file, STOP)

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        latch.write(file, Stop("a1", "other", "", ""))
    assert latch.read(file) == STOP
    assert {path.name for path in file.parent.iterdir()} == {"a1.stop", "a1.stop.spare"}


def test_the_usual_place(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert latch.place("a1-192.168.123.10") == tmp_path / "daydreamer" / "a1-192.168.123.10.stop"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert str(latch.place("a1")) == "/home/ada/.local/state/daydreamer/a1.stop"


def test_a_user_without_a_name_has_a_number(monkeypatch):
    def nameless():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert latch.this_process().startswith("user ")

"""What a computer grants."""

import pytest

from daydreamer.doctor import computer
from daydreamer.doctor.check import Level
from robots.clock import ManualClock


def test_one_core_is_noted():
    assert computer.cores(1).level is Level.NOTE
    assert computer.cores(2).level is Level.OK


@pytest.mark.parametrize(
    ("governors", "level"),
    [([], Level.OK), (["performance"], Level.OK), (["performance", "powersave"], Level.NOTE)],
)
def test_a_governor_that_saves_power_is_noted(tmp_path, governors, level):
    for core, governor in enumerate(governors):
        folder = tmp_path / f"cpu{core}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
    check = computer.governor(tmp_path)
    assert check.level is level
    assert ("cpupower" in check.do) is (level is Level.NOTE)


def test_real_time_rights_are_tried_and_told():
    check = computer.realtime()
    assert (check.level is Level.OK) == ("are granted" in check.found)
    assert check.level is Level.OK or "rtprio" in check.do


@pytest.mark.parametrize(
    ("script", "level"), [("exit 0", Level.OK), ("echo no >&2; exit 1", Level.NOTE), ("", Level.NOTE)]
)
def test_a_computer_that_may_go_to_sleep_is_noted(tmp_path, monkeypatch, script, level):
    if script:
        (tmp_path / "systemd-inhibit").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "systemd-inhibit").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    check = computer.awake()
    assert check.level is level and ("lid" in check.do) is (level is Level.NOTE)


class LateClock(ManualClock):
    """Wakes ``late`` seconds after it should."""

    def __init__(self, late: float):
        super().__init__()
        self._late = late

    def sleep_until(self, deadline: float) -> None:
        super().sleep_until(deadline + self._late)


@pytest.mark.parametrize(("late", "level"), [(0.0002, Level.OK), (0.0015, Level.NOTE)])
def test_a_timer_that_wakes_late_is_noted(late, level):
    check = computer.timer(LateClock(late))
    assert check.level is level


def test_a_slow_clock_source_is_noted(tmp_path):
    (tmp_path / "current_clocksource").write_text("hpet\n")
    assert computer.clock_source(tmp_path).level is Level.NOTE
    (tmp_path / "current_clocksource").write_text("tsc\n")
    assert computer.clock_source(tmp_path).level is Level.OK


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_a_run_cannot_be_where_a_file_is(tmp_path, place):
    (tmp_path / "file").touch()
    check = computer.disk(tmp_path / place)
    assert (
        check.level is Level.PROBLEM and "nothing can be written to" in check.found and "--logdir" in check.do
    )


def test_the_clock_of_the_system_can_be_asked():
    assert computer.wall_clock().level in (Level.OK, Level.NOTE)


def test_the_disk_is_that_of_the_run_even_before_there_is_one(tmp_path):
    check = computer.disk(tmp_path / "runs" / "new")
    assert str(tmp_path) in check.found and "GiB" in check.found


@pytest.mark.parametrize(
    ("free", "level"), [(10 << 30, Level.OK), (1 << 30, Level.NOTE), (1 << 20, Level.PROBLEM)]
)
def test_little_disk_is_noted_and_none_is_a_problem(tmp_path, monkeypatch, free, level):
    import shutil

    monkeypatch.setattr(computer.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, free))
    assert computer.disk(tmp_path).level is level

"""What people want of a robot, kept on a disk that may be slow, full, or hold nonsense."""

import errno
import threading

import pytest

from daydreamer.runtime import wanted_file
from daydreamer.runtime.hands import Wanted
from daydreamer.runtime.wanted_file import WantedFile


@pytest.mark.parametrize("wanted", Wanted)
def test_what_was_kept_is_read(tmp_path, wanted):
    path = tmp_path / "wanted"
    assert WantedFile.read(path) is Wanted.RUN
    file = WantedFile(path)
    file.keep(wanted)
    file.close()
    assert WantedFile.read(path) is wanted


@pytest.mark.parametrize("content", [b"", b"ru", b"\xff"])
def test_what_cannot_be_read_lets_nothing_move(tmp_path, content):
    (tmp_path / "wanted").write_bytes(content)
    assert WantedFile.read(tmp_path / "wanted") is Wanted.LIMP


def test_nobody_waits_for_the_disk_and_the_newest_wish_is_written(tmp_path, monkeypatch):
    busy, go = threading.Event(), threading.Event()
    write = wanted_file.write

    def slow(path, wanted):
        busy.set()
        assert go.wait(60)
        write(path, wanted)

    monkeypatch.setattr(wanted_file, "write", slow)
    file = WantedFile(tmp_path / "wanted")
    file.keep(Wanted.PAUSE)
    assert busy.wait(60)
    for wanted in (Wanted.RUN, Wanted.LIMP):
        file.keep(wanted)  # returns at once
    go.set()
    file.close()
    assert WantedFile.read(tmp_path / "wanted") is Wanted.LIMP


def test_a_disk_that_refuses_is_told_of_and_tried_again(tmp_path, monkeypatch, caplog):
    write, refused = wanted_file.write, threading.Event()

    def full(path, wanted):
        monkeypatch.setattr(wanted_file, "write", write)
        refused.set()
        raise OSError("No space left on device")

    monkeypatch.setattr(wanted_file, "write", full)
    file = WantedFile(tmp_path / "wanted")
    file.keep(Wanted.PAUSE)
    assert refused.wait(60)
    file.close()
    assert "No space left" in caplog.text
    assert WantedFile.read(tmp_path / "wanted") is Wanted.PAUSE, "written before it ended"


@pytest.mark.parametrize("before", [None, Wanted.RUN])
def test_a_disk_that_is_full_by_then_keeps_a_wish_all_the_same(tmp_path, monkeypatch, before):
    file = WantedFile(tmp_path / "wanted")
    if before is not None:
        wanted_file.write(tmp_path / "wanted", before)
        wanted_file._reserve(tmp_path / "wanted")

    def full(path, mode="r", *how):
        if "r" not in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return open(path, mode, *how)

    with monkeypatch.context() as patch:
        patch.setattr(wanted_file, "open", full, raising=False)
        file.keep(Wanted.PAUSE)
        file.close()
    assert WantedFile.read(tmp_path / "wanted") is Wanted.PAUSE


def test_without_any_room_a_robot_is_driven_all_the_same_and_people_are_told(tmp_path, caplog):
    file = WantedFile(tmp_path / "absent" / "wanted")
    file.close()
    assert "may be forgotten" in caplog.text

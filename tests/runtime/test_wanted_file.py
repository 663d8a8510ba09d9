"""What people want of a robot, kept on a disk that may be slow, full, or hold nonsense."""

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
    write = wanted_file.write_atomically

    def slow(path, data):
        busy.set()
        go.wait(10)
        write(path, data)

    monkeypatch.setattr(wanted_file, "write_atomically", slow)
    file = WantedFile(tmp_path / "wanted")
    file.keep(Wanted.PAUSE)
    assert busy.wait(10)
    for wanted in (Wanted.RUN, Wanted.LIMP):
        file.keep(wanted)  # returns at once
    go.set()
    file.close()
    assert WantedFile.read(tmp_path / "wanted") is Wanted.LIMP


def test_a_disk_that_refuses_is_told_of_and_tried_again(tmp_path, monkeypatch, caplog):
    write, refused = wanted_file.write_atomically, threading.Event()

    def full(path, data):
        monkeypatch.setattr(wanted_file, "write_atomically", write)
        refused.set()
        raise OSError("No space left on device")

    monkeypatch.setattr(wanted_file, "write_atomically", full)
    file = WantedFile(tmp_path / "wanted")
    file.keep(Wanted.PAUSE)
    assert refused.wait(10)
    file.close()
    assert "No space left" in caplog.text
    assert WantedFile.read(tmp_path / "wanted") is Wanted.PAUSE, "written before it ended"

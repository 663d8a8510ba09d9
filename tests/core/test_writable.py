"""A place to write to is made, or refused; a full disk is neither."""

import errno
import tempfile

import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory


def test_a_directory_is_made_and_left_empty(tmp_path):
    made = writable_directory(tmp_path / "new" / "run", 0o700)
    assert made.is_dir() and made.stat().st_mode & 0o777 == 0o700 and not list(made.iterdir())


@pytest.mark.parametrize(
    ("place", "why"),
    [("file", "it is a file"), ("file/run", "Not a directory"), ("/proc/run", "No such file")],
)
def test_a_place_that_takes_no_files_is_refused(tmp_path, place, why):
    (tmp_path / "file").touch()
    with pytest.raises(DaydreamerError, match=f"cannot write to .*: {why}"):
        writable_directory(tmp_path / place)


def test_a_full_disk_is_left_to_whoever_writes_since_there_may_be_room_again(tmp_path, monkeypatch):
    def full(dir):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert writable_directory(tmp_path) == tmp_path

import errno

import pytest

from daydreamer.core.errors import CheckpointError
from daydreamer.runtime.checkpoint import Checkpoint, Checkpoints


def checkpoint(n=0):
    return Checkpoint(b"agent %d" % n, b"policy %d" % n, {"updates": n, "rng": {"state": 2**100}})


def test_what_was_saved_last_is_loaded(tmp_path):
    store = Checkpoints(tmp_path / "checkpoints")
    assert store.load() is None
    store.save(1, checkpoint(1))
    store.save(2, checkpoint(2))
    assert Checkpoints(tmp_path / "checkpoints").load() == checkpoint(2)


def test_the_newest_three_are_kept(tmp_path):
    store = Checkpoints(tmp_path, keep=3)
    for n in range(6):
        store.save(n, checkpoint(n))
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{n:012d}" for n in (3, 4, 5)] + ["latest"]


@pytest.mark.parametrize("name", ["agent.bin", "policy.onnx", "state.json", "manifest.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_an_error_that_says_what_to_do(tmp_path, name, harm):
    store = Checkpoints(tmp_path)
    store.save(1, checkpoint(1))
    place = store.save(2, checkpoint(2)) / name
    data = place.read_bytes()
    if harm == "flip":
        place.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    elif harm == "cut":
        place.write_bytes(data[:-1])
    else:
        place.unlink()
    with pytest.raises(CheckpointError, match="echo -n 000000000001 > "):
        store.load()


def test_going_back_to_an_older_one_as_the_error_says(tmp_path):
    store = Checkpoints(tmp_path)
    for n in (1, 2):
        store.save(n, checkpoint(n))
    (tmp_path / "latest").write_text("000000000001")
    assert store.load() == checkpoint(1)
    store.save(2, checkpoint(7))  # the step of the abandoned life comes again, with other content
    assert store.load() == checkpoint(7)


def test_checkpoints_without_a_pointer_are_an_error_not_a_fresh_start(tmp_path):
    store = Checkpoints(tmp_path)
    store.save(3, checkpoint(3))
    (tmp_path / "latest").unlink()
    with pytest.raises(CheckpointError, match="latest"):
        store.load()


def test_a_pointer_to_nothing_is_an_error(tmp_path):
    (tmp_path / "latest").write_text("000000000009")
    with pytest.raises(CheckpointError, match="begin anew"):
        Checkpoints(tmp_path).load()


def test_what_a_person_has_put_beside_the_checkpoints_stays(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=1)
    checkpoints.save(1, checkpoint(1))
    kept = (checkpoints.directory / "000000000001").rename(checkpoints.directory / "000000000001-good")
    checkpoints.save(2, checkpoint(2))
    checkpoints.save(3, checkpoint(3))
    assert (kept / "agent.bin").exists()
    assert sorted(path.name for path in checkpoints.directory.iterdir()) == [
        "000000000001-good", "000000000003", "latest",
    ]  # fmt: skip


def test_a_kill_while_saving_leaves_the_one_before(tmp_path, monkeypatch):
    store = Checkpoints(tmp_path)
    store.save(1, checkpoint(1))

    def killed(*_):
        raise KeyboardInterrupt

    for step, name in enumerate(("_write", "sync_directory", "write_atomically"), start=2):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(f"daydreamer.runtime.checkpoint.{name}", killed)
            store.save(step, checkpoint(step))
        assert store.load() == checkpoint(1)
    store.save(9, checkpoint(9))
    assert store.load() == checkpoint(9)
    assert not list(tmp_path.glob("*.partial"))


def test_a_full_disk_is_not_kept_full_by_what_it_refused(tmp_path, monkeypatch):
    store = Checkpoints(tmp_path)
    store.save(1, checkpoint(1))
    (tmp_path / "000000000009.partial").mkdir()  # of a life that was killed

    def full(path, data):
        path.write_bytes(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr("daydreamer.runtime.checkpoint._write", full)
        store.save(2, checkpoint(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000000001", "latest"]
    assert store.load() == checkpoint(1)

"""The thread that takes stops to the disk, which the loop never waits for, and what it tells when the disk does not."""

import threading

import pytest

from robots.safety import latch
from robots.safety.latch import Keeper, Stop
from tests.awaiting import until

STOP = Stop("a1", "the stop button is pressed", "2026-02-03T04:05:06+01:00", "ada on lab, process 7")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "home" / "state" / "a1.stop"


def test_a_keeper_writes_what_stopped_the_robot(file):
    keeper = Keeper(file, "a1")
    keeper.keep("the stop button is pressed")
    assert keeper.close(60.0)
    kept = latch.read(file)
    assert (kept.robot, kept.why) == ("a1", "the stop button is pressed")
    assert "process" in kept.who and kept.when[:2] == "20"


def test_a_keeper_goes_on_keeping_and_ends_when_it_is_closed(file):
    keeper = Keeper(file, "a1")
    for why in ("first", "second", "third"):
        keeper.keep(why)
        until(lambda: is_idle(keeper))
        assert latch.read(file).why == why
    worker = keeper._thread
    assert worker.is_alive() and worker.daemon, "a program that forgets to close it ends all the same"
    assert keeper.close(60.0)
    assert not worker.is_alive()


def is_idle(keeper):
    """Whether its thread has done all and waits for more."""
    return not keeper._pending and len(keeper._news._waiters) == 1


def test_a_keeper_forgets_after_a_reset(file):
    keeper = Keeper(file, "a1")
    keeper.keep("a motor is too hot")
    until(lambda: is_idle(keeper))
    assert latch.read(file) is not None
    keeper.forget("Ada")
    until(lambda: is_idle(keeper))
    assert latch.read(file) is None
    keeper.forget("Ada")
    assert keeper.close(60.0), "there may be nothing to forget"
    assert '"reset_by": "Ada"' in (file.parent / "a1.history.jsonl").read_text()


def test_a_keeper_that_never_had_to_write_leaves_no_trace(file):
    before = threading.active_count()
    keeper = Keeper(file, "a1")
    assert keeper.close(60.0)
    assert threading.active_count() == before
    assert not file.parent.exists()


def test_the_last_word_counts_however_slow_the_disk(file, monkeypatch):
    slow, go = threading.Event(), threading.Event()
    really = latch.write

    def hesitate(path, stop):
        slow.set()
        assert go.wait(60)
        really(path, stop)

    monkeypatch.setattr(latch, "write", hesitate)
    keeper = Keeper(file, "a1")
    keeper.keep("first")
    assert slow.wait(60)
    keeper.keep("second")  # returns while the disk is still busy with the first
    keeper.keep("third")
    go.set()
    assert keeper.close(60.0)
    assert latch.read(file).why == "third"


def test_a_disk_that_refuses_is_asked_again(file, monkeypatch):
    monkeypatch.setattr(latch, "RETRY", 0.01)
    really, refusals = latch.write, [OSError(28, "full"), OSError(28, "full")]

    def grudging(path, stop):
        if refusals:
            raise refusals.pop()
        really(path, stop)

    monkeypatch.setattr(latch, "write", grudging)
    keeper = Keeper(file, "a1")
    keeper.keep("hot")
    assert keeper.close(60.0)
    assert latch.read(file).why == "hot"


def test_a_disk_that_never_takes_it_does_not_hold_anyone_up(file, monkeypatch):
    tries = []

    def full(path, stop):
        tries.append(stop.why)
        raise OSError(28, "full")

    monkeypatch.setattr(latch, "write", full)
    monkeypatch.setattr(latch, "RETRY", 60.0)
    keeper = Keeper(file, "a1")
    keeper.keep("hot")
    until(lambda: keeper._news._waiters)
    assert not keeper.close(0.05)
    assert len(tries) <= 2, "and is not asked all the time"


def test_what_the_disk_has_not_taken_is_told_with_its_reason(file, monkeypatch):
    monkeypatch.setattr(latch, "RETRY", 0.01)
    really = latch.write

    def read_only(path, stop):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(latch, "write", read_only)
    keeper = Keeper(file, "a1")
    assert not keeper.owes and keeper.failure == ""
    keeper.keep("hot")
    assert keeper.owes
    until(lambda: keeper._refusal)
    told = keeper.failure
    assert told.startswith("robot 'a1' was stopped at 20") and "hot" in told
    assert told.endswith(f"could not be written to {file} (Read-only file system): a restart forgets it")
    monkeypatch.setattr(latch, "write", really)
    until(lambda: is_idle(keeper))
    assert not keeper.owes and keeper.failure == ""
    assert keeper.close(60.0)


def test_a_disk_that_hangs_is_told_too(file, monkeypatch):
    slow, go = threading.Event(), threading.Event()
    monkeypatch.setattr(latch, "write", lambda path, stop: (slow.set(), go.wait(60)))
    keeper = Keeper(file, "a1")
    keeper.keep("hot")
    assert slow.wait(60)
    assert not keeper.close(0.01) and keeper.owes and "(the disk does not answer)" in keeper.failure
    go.set()
    assert keeper.close(60.0)


def test_a_stop_that_cannot_be_removed_is_not_owed_and_told_all_the_same(file, monkeypatch):
    latch.write(file, STOP)
    (file.parent / "a1.history.jsonl").mkdir()
    keeper = Keeper(file, "a1")
    keeper.forget("Ada")
    until(lambda: keeper._refusal)
    assert not keeper.owes and keeper.failure.startswith(
        f"the stop in {file} was reset and could not be removed"
    )
    assert keeper.failure.endswith("the robot stays refused") and not keeper.close(0.01)
    (file.parent / "a1.history.jsonl").rmdir()
    assert keeper.close(60.0) and latch.read(file) is None


def test_after_a_reset_there_is_room_for_the_next_stop(file):
    latch.refuse(file, "")
    keeper = Keeper(file, "a1")
    keeper.keep("hot")
    until(lambda: is_idle(keeper))
    keeper.forget("Ada")
    assert keeper.close(60.0)
    assert (file.parent / "a1.stop.spare").stat().st_size == latch.ROOM

"""The ledger counts what it says: worked by hand on a small replay and a small spool."""

import numpy as np
import pytest

from daydreamer.core.specs import ArraySpec
from daydreamer.replay import Replay
from daydreamer.runtime.faults.journal import Journal
from daydreamer.runtime.faults.ledger import Ledger, balance
from daydreamer.runtime.faults.stage import Life, on_disk
from daydreamer.transport.spool import Spool

SPEC = {"time": ArraySpec((), "float64"), "is_first": ArraySpec((), "bool")}
ROW_BYTES = 8
STREAM = "actor-1700000000000-0a1b2c3d"


@pytest.fixture
def journal(tmp_path):
    """Ten rows, at 100.0, 100.1, ..."""
    made = Journal(tmp_path / f"{STREAM}.journal", rows=100)
    for i in range(10):
        made.add(100.0 + i / 10)
    return made


def store(directory, journal, first, end, shift=0.0):
    times = journal.times()[first:end] + shift
    with Replay(directory / "replay", SPEC, 1000, 0) as replay:
        rows = {"time": times, "is_first": np.zeros(len(times), bool)}
        replay.append(rows, journal.stream, first, after_gap=True)


def spooled(directory, first, end):
    spool = Spool(directory / STREAM, STREAM, b"spec")
    spool.append([b"%08d" % i for i in range(end)])
    spool.acknowledge(first)
    spool._writer.close(durable=False)
    return directory


def test_all_is_well(tmp_path, journal):
    store(tmp_path / "learner", journal, 0, 10)
    found = balance([Life(journal)], [tmp_path / "learner"], [], ROW_BYTES)
    assert found == Ledger(produced=10, unsaved=0, acknowledged=10, stored=10, waiting=0, lost=0, doubled=0)


def test_a_row_that_is_nowhere_is_lost(tmp_path, journal):
    store(tmp_path / "learner", journal, 0, 4)
    store(tmp_path / "learner", journal, 5, 10)
    found = balance([Life(journal)], [tmp_path / "learner"], [], ROW_BYTES)
    assert (found.stored, found.lost, found.acknowledged) == (9, 1, 9)


def test_rows_of_two_learners_are_counted_once(tmp_path, journal):
    store(tmp_path / "learner", journal, 0, 7)
    store(tmp_path / "other", journal, 5, 10)
    found = balance([Life(journal)], [tmp_path / "learner", tmp_path / "other"], [], ROW_BYTES)
    assert (found.stored, found.lost, found.doubled) == (10, 0, 0)


def test_rows_still_in_the_spool_wait(tmp_path, journal):
    store(tmp_path / "learner", journal, 0, 6)
    found = balance([Life(journal)], [tmp_path / "learner"], [spooled(tmp_path / "spool", 0, 10)], ROW_BYTES)
    assert (found.stored, found.waiting, found.lost, found.acknowledged) == (6, 4, 0, 6)


def test_rows_behind_a_damaged_one_wait_and_it_alone_is_lost(tmp_path, journal):
    spool = spooled(tmp_path / "spool", 0, 10)
    (log,) = (spool / STREAM).glob("*.log")
    log.write_bytes(log.read_bytes().replace(b"00000004", b"0000000X"))
    found = balance([Life(journal)], [], [spool], ROW_BYTES)
    assert (found.waiting, found.lost) == (9, 1)
    (log,) = (spool / STREAM).glob("*.log")
    assert log.read_bytes().endswith(b"00000009"), "whoever counts takes nothing away"


def test_rows_in_the_memory_of_a_killed_actor_are_told_apart(tmp_path, journal):
    store(tmp_path / "learner", journal, 0, 8)
    found = balance([Life(journal, saved=8)], [tmp_path / "learner"], [], ROW_BYTES)
    assert (found.unsaved, found.lost, found.acknowledged) == (2, 0, 8)


def test_the_same_rows_under_two_names_are_doubled(tmp_path, journal):
    store(tmp_path / "learner", journal, 0, 10)
    twice = Journal(tmp_path / "actor-1700000000001-00000000.journal", rows=100)
    for time in journal.times()[:3]:
        twice.add(time)
    store(tmp_path / "learner", twice, 0, 3)
    assert balance([Life(journal), Life(twice)], [tmp_path / "learner"], [], ROW_BYTES).doubled == 3


def test_a_row_under_a_number_that_is_not_its_own_is_doubled(tmp_path, journal):
    store(tmp_path / "learner", journal, 0, 10, shift=0.1)
    assert balance([Life(journal)], [tmp_path / "learner"], [], ROW_BYTES).doubled == 10


def test_what_was_on_disk_is_read_from_the_spool(tmp_path, journal):
    assert on_disk(spooled(tmp_path / "spool", 2, 6), journal) == 6
    assert on_disk(tmp_path / "nothing", journal) == 0
    journal.set_acked(10)
    assert on_disk(tmp_path / "nothing", journal) == 10, "removed, as all was acknowledged"


def test_a_journal_survives_its_process_and_keeps_time(tmp_path, journal):
    journal.called(3_000, 50_000)
    journal.called(1_000, 9_000)
    again = Journal(journal.path)
    assert (again.sent, again.times()[-1], again.stream) == (10, pytest.approx(100.9), STREAM)
    assert (again.wait_max, again.wall_max) == (3e-6, 5e-5)
    assert again.histogram.sum() == 2 and again.histogram[12] == 1  # 3,000 ns < 2^12

"""A replay directory read, checked and repaired as it lies on the disk."""

import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.record_log import FRAME_SIZE
from daydreamer.replay import ReplayLocked
from daydreamer.replay.archive import Archive


@pytest.fixture
def stored(opened, rows, tmp_path):
    """Rows 0 to 9 of "a" in segments of 4, closed; the directory and the size of a frame."""
    replay = opened(segment_rows=4)
    replay.append(rows(0, 10), "a", 0)
    replay.close()
    return tmp_path / "replay", FRAME_SIZE + replay._layout.row_bytes


def change(path, place, bit=1):
    data = bytearray(path.read_bytes())
    data[place] ^= bit
    path.write_bytes(data)


def first_row(path):
    """Where the first row's frame begins: behind the magic (8) and the header's frame (8) and text."""
    return 16 + int.from_bytes(path.read_bytes()[8:12], "little")


def test_what_was_stored_is_read_back_in_order_without_the_preset(stored):
    directory, _ = stored
    archive = Archive(directory.parent)  # a run's directory
    assert [(part.stream, part.first_seq, len(part.rows)) for part in archive.parts()] == [
        ("a", 0, 4), ("a", 4, 4), ("a", 8, 2),
    ]  # fmt: skip
    assert [int(value) for part in archive.parts() for value in part.rows["value"][:, 0]] == list(range(10))


def test_a_sound_directory_is_whole(stored):
    reports = list(Archive(stored[0]).verify())
    assert all(report.whole and report.sealed for report in reports)
    assert [report.rows for report in reports] == [4, 4, 2]


def test_a_torn_tail_is_reported_and_cut_off_when_told_to(stored):
    directory, _ = stored
    path = directory / "00000003.rows"
    whole = path.read_bytes()
    path.write_bytes(whole + b"torn!")
    (report,) = [report for report in Archive(directory).verify() if not report.whole]
    assert (report.path, report.torn_bytes, report.rows) == (path, 5, 2)
    assert path.read_bytes() == whole + b"torn!", "verifying changes nothing"
    list(Archive(directory).repair())
    assert path.read_bytes() == whole


def test_a_file_whose_process_was_killed_is_whole_and_gets_its_seal(stored):
    directory, frame = stored
    path = directory / "00000003.rows"
    path.write_bytes(path.read_bytes()[: first_row(path) + frame + 7])  # one row, and a part of the next
    (report,) = [report for report in Archive(directory).verify() if not report.sealed]
    assert (report.rows, report.torn_bytes, report.lost) == (1, 7, 0)
    list(Archive(directory).repair())
    reports = list(Archive(directory).verify())
    assert all(report.whole and report.sealed for report in reports)
    assert [report.rows for report in reports] == [4, 4, 1]


def test_damage_in_the_middle_is_named_and_what_lies_behind_it_is_read(stored):
    directory, frame = stored
    change(directory / "00000002.rows", first_row(directory / "00000002.rows") + frame + 12)  # row 5
    archive = Archive(directory)
    (report,) = [report for report in archive.verify() if not report.whole]
    assert (report.damaged, report.lost, report.rows) == (((5, 6),), 1, 3)
    values = [int(value) for part in archive.parts() for value in part.rows["value"][:, 0]]
    assert values == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    list(archive.repair())
    assert [report.lost for report in Archive(directory).verify()] == [0, 1, 0], "it is not hidden"


def test_a_repair_costs_no_good_row_of_a_damaged_file_whose_process_was_killed(stored):
    directory, frame = stored
    path = directory / "00000002.rows"
    path.write_bytes(path.read_bytes()[: first_row(path) + 4 * frame])  # no seal
    change(path, first_row(path) + frame + 12)  # row 5
    list(Archive(directory).repair())
    reports = list(Archive(directory).verify())
    assert [(report.rows, report.lost, report.sealed) for report in reports][1] == (3, 1, True)
    values = [int(value) for part in Archive(directory).parts() for value in part.rows["value"][:, 0]]
    assert values == [0, 1, 2, 3, 4, 6, 7, 8, 9]


def test_rows_that_were_cut_off_behind_the_seal_are_missed(stored):
    directory, frame = stored
    path = directory / "00000001.rows"
    data = path.read_bytes()
    last = first_row(path) + 3 * frame
    path.write_bytes(data[:last] + data[last + frame :])  # the seal follows the third row
    (report,) = [report for report in Archive(directory).verify() if not report.whole]
    assert (report.missing, report.rows) == (1, 3)


def test_records_that_are_good_but_not_those_that_were_sealed_are_noticed(stored):
    directory, frame = stored
    path, other = directory / "00000001.rows", directory / "00000002.rows"
    data, first = path.read_bytes(), first_row(path)
    strange = other.read_bytes()[first_row(other) :][:frame]
    path.write_bytes(data[:first] + strange + data[first + frame :])
    (report,) = [report for report in Archive(directory).verify() if not report.whole]
    assert "of the whole file" in report.error


def test_a_file_that_is_none_is_told_and_the_others_are_read(stored):
    directory, _ = stored
    (directory / "00000001.rows").write_bytes(b"nothing of ours")
    reports = list(Archive(directory).verify())
    assert [bool(report.error) for report in reports] == [True, False, False]


def test_no_repair_while_a_learner_has_the_directory(stored, opened):
    opened(segment_rows=4)
    with pytest.raises(ReplayLocked):
        list(Archive(stored[0]).repair())
    assert len(list(Archive(stored[0]).verify())) == 3


def test_where_there_is_no_replay_it_says_what_was_expected(tmp_path):
    with pytest.raises(DaydreamerError, match="holds no replay"):
        Archive(tmp_path)

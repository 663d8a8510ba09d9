"""A power cut in the middle of a commit: later rows of it are on the disk, and earlier ones are not."""

import numpy as np
import pytest

from daydreamer.core.record_log import FRAME_SIZE, RecordWriter
from daydreamer.replay.archive import Archive


@pytest.fixture
def power_cut(opened, rows, tmp_path):
    """10 acknowledged rows of "a", and 20 of a commit in which the power went: 12 to 14 did not reach the disk."""
    replay = opened()
    replay.append(rows(0, 10), "a", 0)
    replay.append(rows(10, 20), "a", 10)
    path = tmp_path / "replay" / "00000001.rows"
    data, row = bytearray(path.read_bytes()), FRAME_SIZE + replay._layout.row_bytes
    replay.close()
    start = len(data) - 30 * row
    data[start + 12 * row : start + 15 * row] = bytes(3 * row)
    path.write_bytes(data)
    return tmp_path / "replay"


@pytest.mark.parametrize("repair", [False, True])
def test_a_hole_that_a_power_cut_left_is_filled(opened, rows, values, exported, power_cut, repair):
    if repair:
        list(Archive(power_cut).repair())
    replay = opened()
    good = [*range(12), *range(15, 30)]
    assert values(replay) == exported(power_cut) == good, "what is there can be used"
    assert replay.next_seq("a") == 12, "its actor must keep rows 12 to 14, and so all from 12 on"
    assert replay.append(rows(10, 4), "a", 10) == 2  # and the power goes again
    replay.close()
    again = opened()
    assert values(again) == exported(power_cut) == list(range(14))
    assert (again.next_seq("a"), again.collected) == (14, 14)
    assert again.append(rows(14, 16), "a", 14) == 16
    again.close()
    assert values(again) == values(opened()) == exported(power_cut) == list(range(30))
    assert np.flatnonzero(again.read(0, 30)["is_first"]).tolist() == [0]


def test_a_hole_is_filled_at_once(opened, rows, values, exported, power_cut):
    replay = opened()
    assert replay.append(rows(12, 18), "a", 12) == 18
    assert values(replay) == exported(power_cut) == list(range(30)), "nothing is there twice"
    assert (replay.next_seq("a"), replay.collected) == (30, 30)
    assert np.flatnonzero(replay.read(0, 30)["is_first"]).tolist() == [0]


def test_a_file_that_was_begun_behind_a_hole_and_has_no_rows_costs_none(
    opened, rows, values, exported, power_cut
):
    replay = opened()
    RecordWriter(power_cut / "00000002.rows", replay._layout.header("a", 12)).close()  # the power goes again
    good = [*range(12), *range(15, 30)]
    assert exported(power_cut) == good
    replay.close()
    assert values(opened()) == good


@pytest.mark.parametrize("oldest", [30, 20])
def test_what_is_behind_a_hole_stays_when_the_actor_has_it_no_more(
    opened, rows, values, exported, power_cut, oldest
):
    replay = opened()
    assert replay.append(rows(oldest, 33 - oldest), "a", oldest, after_gap=True) == 33 - oldest
    replay.close()
    list(Archive(power_cut).repair())
    again = opened()
    good = [*range(12), *range(15, 33)]
    assert values(replay) == values(again) == exported(power_cut) == good
    assert again.next_seq("a") == 33 and replay.collected == again.collected == 30


def test_a_hole_in_rows_of_which_it_is_written_down_that_they_were_durable_costs_no_others(
    opened, rows, values, exported, power_cut
):
    (power_cut / "streams.json").write_text('{"streams": {"a": 20}, "rows": 0, "through": 0}')
    replay = opened()
    assert replay.next_seq("a") == 20
    assert replay.append(rows(20, 10), "a", 20) == 10
    assert values(replay) == [*range(12), *range(15, 30)]

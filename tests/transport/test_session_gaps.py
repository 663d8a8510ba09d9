"""Rows keep their numbers whatever happens to them: other learners, full spools, damage, and second processes."""

import pytest

from daydreamer.transport.actor_session import SILENCE, WINDOW
from daydreamer.transport.spool import Spool
from tests.contracts.link_contract import row
from tests.transport.wire import CODEC, EARLIER, LATER, STREAM, make, spool


def test_another_learner_gets_what_is_kept_as_the_same_stream_when_nothing_is_missing(tmp_path):
    kept = spool(tmp_path, rows=30)
    make([kept]).connect().exchange()
    assert kept.acked == 30  # by the first learner; the file is still there
    second = make([kept])
    second.connect().exchange()
    assert second.store.rewards == {STREAM: [float(i) for i in range(30)]}


def grow(kept, first, end):
    for i in range(first, end):
        kept.append([CODEC.encode(row(i))])


def test_another_learner_gets_what_is_kept_under_the_same_numbers(tmp_path, caplog):
    kept = spool(tmp_path, rows=30, segment_bytes=200)  # few rows a segment
    make([kept]).connect().exchange()
    oldest = kept.oldest
    assert oldest > 0
    grow(kept, 30, 40)
    second = make([kept])
    second.connect().exchange()
    assert second.store.numbers == {STREAM: list(range(oldest, 40))}
    assert second.store.rewards == {STREAM: [float(i) for i in range(oldest, 40)]}
    assert f"no longer has rows 0 to {oldest - 1}" in caplog.text
    assert kept.unacked == 0


def test_an_actor_that_goes_to_another_learner_and_back_leaves_no_row_twice_and_none_out(tmp_path):
    kept = spool(tmp_path, rows=30, segment_bytes=200)
    first, second = make([kept]), make([kept])
    first.connect().exchange()
    grow(kept, 30, 47)
    second.connect().exchange()
    grow(kept, 47, 60)
    again = make([kept], store=first.store)
    again.connect().exchange()
    assert again.store.numbers[STREAM] == sorted(set(again.store.numbers[STREAM]))
    assert sorted(set(first.store.numbers[STREAM] + second.store.numbers[STREAM])) == list(range(60))
    assert again.store.rewards[STREAM] == [float(i) for i in again.store.numbers[STREAM]]


def test_rows_that_the_spool_dropped_leave_a_gap_and_the_stream_goes_on(tmp_path):
    # A head of 20 bytes and records of 29: seven fill a segment of 200.
    kept = spool(tmp_path, rows=40, segment_bytes=200)
    wire = make([kept])
    assert wire.actor.make_room() == 7
    wire.connect().exchange()
    assert wire.store.numbers == {STREAM: list(range(7, 40))}
    assert kept.oldest == 35
    grow(kept, 40, 44)
    assert wire.actor.make_room() == 2  # of rows 35 to 41, those after 39 were not acknowledged
    assert wire.actor.dropped == 9
    wire.exchange()
    assert wire.store.numbers == {STREAM: [*range(7, 40), 42, 43]}


def test_rows_dropped_while_connected_are_skipped_and_those_in_flight_not_forgotten(tmp_path):
    kept = spool(tmp_path, rows=14, segment_bytes=200)  # segments of 7
    wire = make([kept]).connect()
    wire.acknowledge = False
    wire.exchange()  # 14 rows are in flight
    grow(kept, 14, 35)
    assert [wire.actor.make_room() for _ in range(3)] == [7, 7, 7]
    assert wire.actor.dropped == 21
    wire.exchange()
    assert wire.store.numbers == {STREAM: [*range(14), *range(21, 35)]}
    wire.learner.acknowledge(STREAM, 14)
    wire.down()
    assert wire.actor.unacked == 14
    wire.learner.acknowledge(STREAM, 35)
    wire.down()
    assert wire.actor.unacked == 0


def test_a_hole_wider_than_the_window_is_crossed(tmp_path):
    kept = spool(tmp_path, rows=WINDOW + 300, segment_bytes=3000)
    wire = make([kept]).connect()
    wire.up()
    while kept.oldest < WINDOW + 200:
        wire.actor.make_room()
    oldest = kept.oldest
    wire.exchange()
    assert wire.store.numbers[STREAM] == list(range(oldest, WINDOW + 300))
    assert wire.actor.unacked == 0


@pytest.mark.parametrize("present", [100, WINDOW + 1100])  # fewer rows than the earlier life, and more
def test_an_earlier_life_dropped_before_all_of_it_was_sent_costs_the_present_one_nothing(tmp_path, present):
    spool(tmp_path, EARLIER, rows=WINDOW + 1000).close()
    earlier = Spool.reopen(tmp_path / EARLIER, CODEC.row_bytes)
    wire = make([earlier, spool(tmp_path, LATER, rows=present)]).connect()
    wire.up(), wire.down()
    wire.acknowledge = False
    wire.up()  # a window of rows is in flight, the others are not sent
    assert wire.actor.make_room() == WINDOW + 1000
    wire.acknowledge = True
    wire.exchange(10)
    assert wire.store.numbers == {EARLIER: list(range(WINDOW)), LATER: list(range(present))}
    assert wire.actor.unacked == 0


def test_damage_in_the_middle_of_an_earlier_life_costs_the_damaged_rows_only(tmp_path):
    earlier = spool(tmp_path, EARLIER, rows=20)
    earlier.close()
    path = earlier.directory / f"{0:012d}.log"
    data = bytearray(path.read_bytes())
    data[20 + 29 * 7 + 10] ^= 1  # in row 7, behind a head of 20 bytes
    path.write_bytes(data)
    again = Spool.reopen(earlier.directory, CODEC.row_bytes)
    assert again.unacked == 19
    wire = make([again, spool(tmp_path)]).connect()
    wire.exchange(6)
    assert wire.store.numbers[EARLIER] == [i for i in range(20) if i != 7]
    assert not earlier.directory.exists()


def test_a_second_process_of_the_same_name_supersedes_the_first_which_is_told(tmp_path, caplog):
    old = make([spool(tmp_path, rows=3)]).connect()
    old.exchange()
    new = make([spool(tmp_path, LATER, rows=3)], store=old.store)
    new.learner = old.learner
    new.connect(b"\0second").exchange()
    old.down()
    new.exchange()
    assert "superseded: another process speaks as actor 'spot'" in old.actor.refused
    assert "superseded" in caplog.text
    # The first comes back: refused while the second is here.
    old.connect(b"\0third").exchange()
    assert "a newer process speaks as actor 'spot'" in old.actor.given_up(0.0)
    assert new.actor.connected
    # The second falls silent; the first may have its name again.
    old.now = SILENCE + 0.1
    old.learner.tick(old.now)
    old.connect(b"\0fourth").exchange()
    assert old.actor.connected
    assert old.store.numbers == {STREAM: [0, 1, 2], LATER: [0, 1, 2]}


def test_rows_that_cannot_be_stored_are_told_to_their_actor(tmp_path):
    kept = spool(tmp_path, rows=3)
    wire = make([kept]).connect()
    wire.acknowledge = False
    wire.exchange()
    wire.learner.refuse_stream(STREAM, "row 0 was expected", 0.0)
    wire.down()
    assert wire.actor.refused == "row 0 was expected"
    assert kept.unacked == 3

"""The protocol itself, both halves in one thread, over a wire that the test cuts, delays and damages by hand."""

import math
import re

import numpy as np
import pytest

from daydreamer.core.errors import Corrupt
from daydreamer.core.pack import dumps
from daydreamer.transport.actor_session import SILENCE, WINDOW
from daydreamer.transport.link import PolicyMessage
from daydreamer.transport.messages import (
    CHUNK_BYTES,
    SCHEMA,
    Ack,
    ActorPing,
    Hello,
    LearnerPing,
    PolicyChunk,
    Refuse,
    RowBatch,
    Stop,
    Welcome,
    decode,
    encode,
)
from tests.contracts.link_contract import SPEC, DurableRows, row
from tests.transport.wire import CODEC, EARLIER, STREAM, make, spool


def kinds(messages):
    return [type(message) for message in messages]


def test_the_first_words(tmp_path):
    wire = make([spool(tmp_path)]).connect()
    wire.learner.set_credit(50)
    assert wire.exchange() == [
        Hello(
            "spot",
            STREAM,
            {k: s.to_dict() for k, s in SPEC.items()},
            wire.learner.actors(0)["spot"].software,
            "",
            wire.actor._life,
            0,
        ),
        Welcome(STREAM, 0, 50),
    ]
    assert wire.actor.connected


def test_rows_go_up_in_batches_and_come_back_as_acknowledgements(tmp_path):
    wire = make([spool(tmp_path, rows=100)]).connect()
    said = wire.exchange()
    assert kinds(said) == [Hello, Welcome, RowBatch, RowBatch, Ack, Ack]
    assert [m.first_seq for m in said if isinstance(m, RowBatch)] == [0, 64]
    assert [m.next_seq for m in said if isinstance(m, Ack)] == [64, 100]
    assert wire.actor.unacked == 0


def test_the_time_from_sending_rows_to_their_acknowledgement_is_known(tmp_path):
    wire = make([spool(tmp_path, rows=10)]).connect()
    wire.acknowledge = False
    wire.exchange()
    assert math.isnan(wire.actor.ack_seconds)
    wire.now += 0.25
    wire.learner.acknowledge(STREAM, 10)
    wire.exchange()
    assert wire.actor.ack_seconds == pytest.approx(0.25)


def test_no_more_rows_are_in_flight_than_the_window(tmp_path):
    wire = make([spool(tmp_path, rows=WINDOW + 300)]).connect()
    wire.acknowledge = False
    wire.exchange()
    assert wire.store.count == WINDOW
    wire.learner.acknowledge(STREAM, 100)
    wire.exchange()
    assert wire.store.count == WINDOW + 100


def test_after_a_reconnect_rows_go_on_where_the_learner_wants(tmp_path):
    wire = make([spool(tmp_path, rows=100)]).connect()
    wire.acknowledge = False
    wire.up()
    wire.down()
    wire.up()  # all rows go out, the acknowledgement never comes back
    del wire.store.rewards[STREAM][70:], wire.store.numbers[STREAM][70:]  # and 30 of them were not durable
    wire.acknowledge = True
    said = wire.connect(b"\0second").exchange()
    assert [m.first_seq for m in said if isinstance(m, RowBatch)] == [70]
    assert wire.store.rewards[STREAM] == [float(i) for i in range(100)]
    assert wire.actor.unacked == 0


@pytest.mark.parametrize("sent_before_it_arrives", [False, True])
def test_rows_of_an_earlier_connection_that_become_durable_after_the_welcome_are_no_lie(
    tmp_path, sent_before_it_arrives
):
    wire = make([spool(tmp_path, rows=300)]).connect()
    durable = [0]
    wire.learner._next_seq = lambda stream: durable[0]  # what came still waits for the disk
    wire.acknowledge = False
    wire.exchange(1)
    wire.up()
    wire.connect(b"\0second").up()  # the hello, and so the welcome at row 0
    if sent_before_it_arrives:
        wire.down()
    durable[0] = 200
    wire.learner.acknowledge(STREAM, 200)
    wire.exchange()  # both arrive together, or rows from 0 on are underway
    assert wire.actor.connected and wire.actor.refused is None and wire.actor.unacked == 100
    wire.learner.acknowledge(STREAM, 300)
    wire.exchange()
    assert wire.actor.unacked == 0


def test_an_acknowledgement_beyond_the_last_row_is_a_lie(tmp_path):
    wire = make([spool(tmp_path, rows=3)]).connect()
    wire.exchange()
    with pytest.raises(Corrupt, match="never sent"):
        wire.actor.receive(encode(Ack(STREAM, 4, 0)), wire.now)


def test_the_streams_of_earlier_lives_go_first_and_their_files_go_away(tmp_path):
    earlier, present = spool(tmp_path, EARLIER, rows=70), spool(tmp_path, rows=3)
    wire = make([earlier, present]).connect()
    said = wire.exchange(6)
    assert [m.stream for m in said if isinstance(m, Hello)] == [EARLIER, STREAM]
    assert list(wire.store.rewards) == [EARLIER, STREAM]
    assert (len(wire.store.rewards[EARLIER]), len(wire.store.rewards[STREAM])) == (70, 3)
    assert not earlier.directory.exists()
    assert wire.actor.unacked == 0


def test_an_acknowledgement_of_an_earlier_stream_takes_no_row_of_the_present_one(tmp_path):
    wire = make([spool(tmp_path, EARLIER, rows=70), spool(tmp_path, rows=50)]).connect()
    wire.exchange(2)
    wire.acknowledge = False
    wire.exchange()
    assert {stream: len(rows) for stream, rows in wire.store.rewards.items()} == {EARLIER: 70, STREAM: 50}
    assert (wire.actor.connected, wire.actor.unacked) == (True, 50)
    wire.actor.receive(encode(Ack(EARLIER, 40, 0)), wire.now)  # it was long on its way
    assert wire.actor.unacked == 50


def test_an_earlier_stream_of_which_a_power_cut_took_rows_is_done_with(tmp_path):
    store = DurableRows()
    store.rewards[EARLIER] = [float(i) for i in range(10)]  # the learner has more than the disk kept
    store.numbers[EARLIER] = list(range(10))
    wire = make([spool(tmp_path, EARLIER, rows=6), spool(tmp_path, rows=1)], store=store).connect()
    wire.exchange(6)
    assert (len(store.rewards[EARLIER]), len(store.rewards[STREAM])) == (10, 1)


def test_a_policy_is_cut_so_that_acknowledgements_get_through(tmp_path):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    wire.learner.publish(PolicyMessage.of(1, b"x" * (2 * CHUNK_BYTES + 1)))
    parts = wire.down()
    assert kinds(parts) == [PolicyChunk] * 3
    assert [len(part.data) for part in parts] == [CHUNK_BYTES, CHUNK_BYTES, 1]
    assert wire.actor.take_policy().data == b"x" * (2 * CHUNK_BYTES + 1)
    assert wire.up() == [ActorPing(parts[0].policy, False)]  # "I have it", at once


def test_a_newer_policy_waits_for_the_one_on_its_way_and_those_between_are_skipped(tmp_path):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    wire.learner.publish(PolicyMessage.of(1, b"one"))
    assert kinds(wire.down()) == [PolicyChunk]
    for version in (2, 3):
        wire.learner.publish(PolicyMessage.of(version, b"version %d" % version))
        assert wire.down() == []
    wire.up()
    assert [m.version for m in wire.down()] == [3]
    wire.exchange()
    assert wire.actor.take_policy().version == 3


def test_a_policy_that_the_actor_has_is_not_sent_again(tmp_path):
    kept = spool(tmp_path)
    wire = make([kept]).connect()
    wire.learner.publish(PolicyMessage.of(1, b"one"))
    wire.exchange()
    again = make([kept])
    again.actor = wire.actor
    again.learner.publish(PolicyMessage.of(1, b"one"))  # the learner was started again
    assert PolicyChunk not in kinds(again.connect().exchange())
    again.learner.publish(PolicyMessage.of(1, b"same version, other weights"))
    assert PolicyChunk in kinds(again.exchange())


def chunk(version=1, data=b"abc", size=6, offset=0, policy="ab" * 32):
    return PolicyChunk(version, policy, size, offset, data)


@pytest.mark.parametrize(
    "parts",
    [
        [chunk(offset=3)],  # no beginning
        [chunk(), chunk(offset=4)],  # a hole
        [chunk(), chunk(offset=3, data=b"defg")],  # too much
        [chunk(), chunk(offset=3, policy="cd" * 32)],  # of another policy
        [chunk(), chunk(offset=3, data=b"def")],  # complete, with another digest
    ],
)
def test_a_policy_that_is_not_what_it_says_never_reaches_the_robot(tmp_path, parts):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    with pytest.raises(Corrupt, match="policy 1"):
        for part in parts:
            wire.actor.receive(encode(part), 0.0)
    assert wire.actor.take_policy() is None


def test_half_a_policy_is_forgotten_with_its_connection(tmp_path):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    wire.actor.receive(encode(chunk()), 0.0)
    wire.connect(b"\0second").exchange()
    with pytest.raises(Corrupt, match="its beginning never came"):
        wire.actor.receive(encode(chunk(offset=3)), 0.0)


def test_both_sides_speak_twice_a_second(tmp_path):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    assert wire.actor.wait(0.0) == wire.learner.wait(0.0) == 0.5
    wire.now = 0.4
    assert wire.exchange() == []
    wire.now = 0.5
    assert wire.exchange() == [ActorPing("", False), LearnerPing(0)]


def test_a_changed_credit_is_told_soon_but_not_at_every_change(tmp_path):
    wire = make([spool(tmp_path)], durable_rows=5).connect()
    wire.exchange()
    wire.now = 0.2
    for total in (10, 11, 12):
        wire.learner.set_credit(total)
        wire.exchange()
    assert wire.actor.allowance == 5  # 10 - 5, told at once
    assert wire.learner.wait(0.2) == pytest.approx(0.05)
    wire.now = 0.25
    assert wire.exchange() == [LearnerPing(7)]


def test_a_silent_learner_is_given_up(tmp_path):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    assert wire.actor.given_up(SILENCE) is None
    assert "no answer" in wire.actor.given_up(SILENCE + 0.1)


def test_a_silent_actor_is_forgotten_and_what_it_then_says_is_not_read(tmp_path):
    wire = make([spool(tmp_path, rows=1)]).connect()
    wire.exchange()
    wire.now = SILENCE + 0.1
    wire.learner.tick(wire.now)
    assert not wire.learner.actors(wire.now)["spot"].connected
    assert wire.learner.receive(wire.identity, encode(RowBatch(1, CODEC.encode(row(1)))), wire.now) is None
    assert wire.learner.outbox == []
    wire.connect(b"\0second").exchange()
    assert wire.learner.actors(wire.now)["spot"].connected


def test_a_silent_actor_is_not_connected_although_nobody_looks_after_the_session(tmp_path):
    wire = make([spool(tmp_path, rows=1)]).connect()
    wire.exchange()
    assert wire.learner.actors(SILENCE)["spot"].connected
    status = wire.learner.actors(10.0)["spot"]  # no tick since: the thread that calls it hangs
    assert (status.connected, status.age) == (False, 10.0)
    wire.now = 10.0
    wire.exchange()
    assert wire.learner.actors(10.0)["spot"].connected, "what had come meanwhile was read first"


def test_a_reconnect_takes_the_stream_from_the_old_connection(tmp_path):
    wire = make([spool(tmp_path, rows=1)]).connect()
    wire.exchange()
    wire.connect(b"\0second").exchange()
    # The old connection is half open; what still comes out of it is not read.
    assert wire.learner.receive(b"\0first", encode(RowBatch(1, CODEC.encode(row(1)))), 0.0) is None


def test_stop_is_said_until_the_actor_knows(tmp_path):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    wire.learner.stop("enough")
    wire.learner.tick(0.0)
    wire.learner.outbox.clear()  # lost
    assert not wire.learner.all_know
    wire.now = 0.5
    assert Stop("enough") in wire.exchange()
    assert wire.actor.stopped == "enough"
    assert wire.learner.all_know
    wire.now = 1.0
    assert Stop not in kinds(wire.exchange())


GOOD = CODEC.encode(row(0))
NAN = CODEC.encode(row(0)).replace(np.float32(-0.5).tobytes(), np.float32(np.nan).tobytes())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "bytes"),
        (b"GET / HTTP/1.1\r\n\r\n", "beginning with"),
        (dumps([99, "rows", {}]), "same version"),
        (dumps([SCHEMA, "dance", {}]), "dance"),
        (encode(RowBatch(5, GOOD)), "row 0 of .* was due, row 5 came"),
        (encode(RowBatch(0, GOOD[:-1])), "rows of"),
        (encode(RowBatch(0, NAN)), "not finite"),
        (encode(RowBatch(0, GOOD * 65)), "at most 64 rows"),
        (encode(Ack(STREAM, 1, 1)), "does not send Ack"),
        (encode(Hello("spot", STREAM, {"x": {}}, "0", "")), "dtype"),
    ],
)
def test_a_connection_that_breaks_the_rules_is_told_why_and_not_read_again(tmp_path, data, why):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    assert wire.learner.receive(wire.identity, data, 0.0) is None
    ((identity, answer),) = wire.learner.outbox
    assert identity == wire.identity
    assert isinstance(decode(answer), Refuse)
    assert re.search(why, decode(answer).reason)
    wire.down()
    assert "refused" in wire.actor.given_up(0.0)
    assert wire.learner.receive(wire.identity, encode(RowBatch(0, GOOD)), 0.0) is None
    wire.connect(b"\0second").exchange()  # a new connection begins with a clean sheet
    assert wire.actor.connected
    assert wire.actor.refused is None


def test_strangers_cannot_make_the_learner_remember_without_end(tmp_path):
    wire = make([spool(tmp_path)]).connect()
    for i in range(5000):
        wire.learner.receive(b"%d" % i, b"noise", 0.0)
        wire.learner.outbox.clear()
    for i in range(70):
        hello = Hello(
            f"a{i}", f"a{i}-1700000000000-00000000", {k: s.to_dict() for k, s in SPEC.items()}, "0", ""
        )
        wire.learner.receive(b"actor%d" % i, encode(hello), 0.0)
    assert len(wire.learner._refused) <= 1024
    assert len(wire.learner.actors(0.0)) == 64
    assert "64 actors" in decode(wire.learner.outbox[-1][1]).reason


@pytest.mark.parametrize(
    "message", [Ack(STREAM, 5, 1), ActorPing("", False), RowBatch(0, b"x")], ids=lambda m: type(m).__name__
)
def test_an_actor_does_not_believe_a_learner_that_breaks_the_rules(tmp_path, message):
    wire = make([spool(tmp_path)]).connect()
    wire.exchange()
    with pytest.raises(Corrupt):
        wire.actor.receive(encode(message), 0.0)


def test_rows_of_an_earlier_life_that_are_refused_do_not_hold_up_the_present(tmp_path, caplog):
    earlier = spool(tmp_path, EARLIER, rows=2)
    wire = make([earlier, spool(tmp_path, rows=1)])
    for attempt in range(3):
        wire.connect(b"\0%d" % attempt)
        wire.up()
        wire.down()
        wire.actor.receive(encode(Refuse("bad rows")), 0.0)
    wire.connect(b"\0last").exchange()
    assert wire.store.rewards == {STREAM: [0.0]}
    assert earlier.directory.exists()
    assert EARLIER in caplog.text

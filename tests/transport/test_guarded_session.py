"""The guard before the protocol: a key is one actor's, and no connection costs more than its share."""

import logging
import re

import pytest

from daydreamer.transport import guarded_session
from daydreamer.transport.guarded_session import GuardedSession
from daydreamer.transport.messages import ActorPing, Hello, Refuse, RowBatch, Welcome, decode, encode
from daydreamer.transport.row_codec import RowCodec
from daydreamer.transport.seldom import Seldom
from tests.contracts.link_contract import SPEC, row

CODEC = RowCodec(SPEC)
SPOT, REX = b"\0spot", b"\0rex."


def hello(actor, stream_of=None, begun=1_700_000_000_000):
    spec = {name: one.to_dict() for name, one in SPEC.items()}
    return encode(Hello(actor, f"{stream_of or actor}-{begun}-0a1b2c3d", spec, "0", ""))


def rows(first, count):
    return encode(RowBatch(first, b"".join(CODEC.encode(row(i)) for i in range(first, first + count))))


def said(session):
    words, session.outbox = session.outbox, []
    return [decode(data) for _, data in words]


@pytest.fixture
def session():
    return GuardedSession(CODEC, lambda stream: 0, 0, Seldom(logging.getLogger("t")))


def test_a_key_speaks_for_its_own_actor(session):
    session.hear(SPOT, "spot", hello("spot"), 0.0)
    assert isinstance(said(session)[0], Welcome)
    assert len(session.hear(SPOT, "spot", rows(0, 3), 0.0)) == 3


@pytest.mark.parametrize(
    ("actor", "stream_of", "reason"),
    [
        ("spot", "spot", r"key is the one of 'rex'.*cannot speak as 'spot'.*keys new DIR --actors spot"),
        ("rex", "spot", r"actor 'rex' sends the stream spot-.*--name spot"),
    ],
)
def test_a_key_cannot_speak_for_another_actor_nor_send_its_streams(session, actor, stream_of, reason):
    session.hear(SPOT, "spot", hello("spot"), 0.0)
    said(session)
    assert session.hear(REX, "rex", hello(actor, stream_of), 0.0) is None
    (answer,) = said(session)
    assert isinstance(answer, Refuse)
    assert re.search(reason, answer.reason)
    assert session.hear(REX, "rex", rows(0, 1), 0.0) is None
    # The one whose name was taken in vain has noticed nothing.
    assert len(session.hear(SPOT, "spot", rows(0, 2), 0.0)) == 2
    assert session.actors(0.0).keys() == {"spot"}


def test_a_routing_id_that_was_anothers_is_worth_nothing(session):
    session.hear(SPOT, "spot", hello("spot"), 0.0)
    assert session.hear(SPOT, "rex", rows(0, 2), 0.0) is None
    assert len(session.hear(SPOT, "spot", rows(0, 2), 0.0)) == 2


def test_without_keys_any_name_may_be_used(session):
    session.hear(SPOT, None, hello("spot"), 0.0)
    session.hear(REX, None, hello("rex"), 0.0)
    assert session.actors(0.0).keys() == {"spot", "rex"}


def test_a_connection_that_sends_too_fast_is_refused_once_and_not_read_again(session):
    ping = encode(ActorPing("", False))
    session.hear(SPOT, "spot", hello("spot"), 0.0)
    said(session)
    for _ in range(int(guarded_session.BURST)):  # the hello was one message, so the last is one too many
        session.hear(SPOT, "spot", ping, 0.0)
    (answer,) = said(session)
    assert "2000 messages a second" in answer.reason
    assert not session.knows(SPOT)
    session.hear(SPOT, "spot", ping, 100.0)
    assert said(session) == []


def test_a_connection_at_the_limit_goes_on_for_ever(session):
    ping = encode(ActorPing("", False))
    session.hear(SPOT, "spot", hello("spot"), 0.0)
    for i in range(6 * int(guarded_session.BURST)):
        session.hear(SPOT, "spot", ping, i / guarded_session.MESSAGES_PER_SECOND)
    assert session.knows(SPOT)


def test_rows_beyond_the_window_are_refused_until_earlier_ones_are_durable(session):
    session.hear(SPOT, "spot", hello("spot"), 0.0)
    stream = said(session)[0].stream
    for first in range(0, 1024, 64):  # the window, to the last row
        assert len(session.hear(SPOT, "spot", rows(first, 64), 0.0)) == 64
    session.acknowledge(stream, 64)
    assert len(session.hear(SPOT, "spot", rows(1024, 64), 0.0)) == 64
    assert session.hear(SPOT, "spot", rows(1088, 1), 0.0) is None
    assert "1024 rows came without an acknowledgement" in said(session)[-1].reason


def stream(begun):
    return f"spot-{begun}-0a1b2c3d"


def test_a_connection_goes_on_to_another_stream_when_the_rows_of_its_present_one_are_durable(session):
    session.hear(SPOT, "spot", hello("spot", begun=1_000_000_000_001), 0.0)
    session.hear(SPOT, "spot", rows(0, 1), 0.0)
    said(session)
    session.acknowledge(stream(1_000_000_000_001), 1)
    session.hear(SPOT, "spot", hello("spot", begun=1_000_000_000_002), 0.0)
    assert isinstance(said(session)[-1], Welcome)
    session.hear(SPOT, "spot", rows(0, 1), 0.0)
    session.hear(SPOT, "spot", hello("spot", begun=1_000_000_000_003), 0.0)
    assert "may come after them" in said(session)[-1].reason


@pytest.mark.parametrize("refused", [False, True])
def test_two_streams_of_an_actor_may_wait_for_the_disk_however_often_it_connects(session, refused):
    for number in (1, 2):  # a life that was killed, and the next one without its spool
        session.hear(b"%d" % number, "spot", hello("spot", begun=1_000_000_000_000 + number), 0.0)
        assert len(session.hear(b"%d" % number, "spot", rows(0, 64), 0.0)) == 64
    said(session)
    session.hear(b"3", "spot", hello("spot", begun=1_000_000_000_003), 0.0)
    assert "may come after them" in said(session)[-1].reason
    session.hear(REX, "rex", hello("rex"), 0.0)
    assert isinstance(said(session)[-1], Welcome), "nobody else's affair"
    if refused:  # by the replay: they wait no more either
        session.refuse_stream(stream(1_000_000_000_001), "a gap", 0.0)
    else:
        session.acknowledge(stream(1_000_000_000_001), 64)
    session.hear(b"4", "spot", hello("spot", begun=1_000_000_000_003), 0.0)
    assert isinstance(said(session)[-1], Welcome)


def test_an_owner_whose_key_is_taken_away_is_shut_out(session):
    for identity, name in ((SPOT, "spot"), (REX, "rex")):
        session.hear(identity, name, hello(name), 0.0)
    said(session)
    session.shut_out(lambda name: name != "rex", 1.0)
    (answer,) = said(session)
    assert "'rex' is no longer allowed" in answer.reason
    assert session.knows(SPOT) and not session.knows(REX)


def test_a_connection_of_a_key_that_was_taken_away_cannot_begin(session):
    assert session.hear(REX, "", hello("rex"), 0.0) is None
    (answer,) = said(session)
    assert isinstance(answer, Refuse) and "no longer allowed" in answer.reason
    session.hear(REX, "", hello("rex"), 1.0)
    assert said(session) == [] and session.actors(1.0) == {}


def test_streams_that_never_gave_a_row_are_forgotten(session):
    for i in range(50):
        spec = {name: one.to_dict() for name, one in SPEC.items()}
        session.hear(b"%d" % i, None, encode(Hello("spot", f"spot-{i:013d}-0a1b2c3d", spec, "0", "")), 0.0)
    assert len(session._streams) == 1

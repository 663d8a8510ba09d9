"""The two ends over real sockets on loopback keep the contract of every link."""

import time

import pytest

from daydreamer.transport.actor_link import ActorLink
from daydreamer.transport.auth import load_actor_keys, load_learner_keys, new_keys
from daydreamer.transport.learner_link import LearnerLink
from tests.contracts.link_contract import SPEC, LinkContract, Pair, eventually, row


def make_pair(tmp_path, keys=None):
    ends, ports = [], [9]  # nobody listens on the discard port

    def learner(next_seq=lambda stream: 0, **settings):
        mine = load_learner_keys(keys) if keys else None
        ends.append(LearnerLink("127.0.0.1:0", SPEC, next_seq, keys=mine, **settings))
        ports.append(ends[-1].port)
        return ends[-1]

    def actor(name, spec=SPEC, **settings):
        address = f"127.0.0.1:{ports[-1]}"
        mine = load_actor_keys(keys, name) if keys else None
        spool = tmp_path / f"spool-{name}-{len(ends)}"
        ends.append(ActorLink(address, name, spec, spool, keys=mine, **settings))
        return ends[-1]

    def close():
        for end in ends:
            if isinstance(end, ActorLink):
                end.close(0.0)
        for end in ends:
            end.close()

    return Pair(learner, actor), close


@pytest.mark.usefixtures("patient_peers")
class TestZmqLink(LinkContract):
    @pytest.fixture
    def pair(self, tmp_path):
        pair, close = make_pair(tmp_path)
        yield pair
        close()


@pytest.mark.usefixtures("patient_peers")
class TestZmqLinkWithKeys(LinkContract):
    @pytest.fixture
    def pair(self, tmp_path):
        new_keys(tmp_path / "keys", ["spot", "rex", "late", "alone"])
        pair, close = make_pair(tmp_path, tmp_path / "keys")
        yield pair
        close()


def test_a_learner_whose_clock_is_ahead_is_found_to_be_as_far_ahead(tmp_path):
    pair, close = make_pair(tmp_path)
    learner = pair.learner(wall_clock=lambda: time.time() + 7.25)
    actor = pair.actor("spot")
    actor.start()
    eventually(lambda: actor.status().clock_offset > 0, each=lambda: learner.receive(0.01))
    status = actor.status()
    close()
    assert 0 < status.clock_within < 7.0
    # A microsecond more: these are seconds since 1970 as 64-bit floats, and two calls of one clock.
    assert abs(status.clock_offset - 7.25) <= status.clock_within + 1e-6


def test_an_actor_with_other_settings_is_told_which(tmp_path):
    pair, close = make_pair(tmp_path)
    learner = pair.learner(terms={"hz": "20.0", "delay.mode": '"ahead"'})
    same = pair.actor("same", terms={"delay.mode": '"ahead"', "hz": "20.0"})
    other = pair.actor("other", terms={"hz": "50.0", "task.fall": "0.5"})
    for actor in (same, other):
        actor.start()
    try:
        eventually(lambda: same.status().connected, each=lambda: learner.receive(0.01))
        eventually(lambda: other.status().refused, each=lambda: learner.receive(0.01))
        said = other.status().refused
        assert not other.status().connected
        for line in (
            "hz: 20.0 here, 50.0 at the actor",
            'delay.mode: "ahead" here, unknown at the actor',
            "task.fall: unknown here, 0.5 at the actor",
        ):
            assert line in said
    finally:
        close()


def test_rows_made_with_other_settings_are_not_sent_by_a_later_life(tmp_path, caplog):
    pair, close = make_pair(tmp_path)
    learner = pair.learner(terms={"hz": "20.0"})
    address, spool = f"127.0.0.1:{learner.port}", tmp_path / "spool"

    def a_life(**settings):
        actor = ActorLink(address, "spot", SPEC, spool, **settings)
        actor.start()
        actor.send(row(0))
        return actor

    a_life(terms={"hz": "50.0"}).close(0.5)  # refused, its row stays on the disk
    came = []
    actor = a_life(terms={"hz": "20.0"})
    try:
        eventually(lambda: came, each=lambda: came.extend(learner.receive(0.01)))
        assert [got.stream for got in came] == [actor.stream], "the row of this life alone"
        assert "made with other settings" in caplog.text
    finally:
        actor.close(0.0)
        close()

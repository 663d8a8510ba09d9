"""The two ends over real sockets on loopback keep the contract of every link."""

import pytest

from daydreamer.transport.actor_link import ActorLink
from daydreamer.transport.auth import load_actor_keys, load_learner_keys, new_keys
from daydreamer.transport.learner_link import LearnerLink
from tests.contracts.link_contract import SPEC, LinkContract, Pair


def make_pair(tmp_path, keys=None):
    ends, ports = [], [9]  # nobody listens on the discard port

    def learner(next_seq=lambda stream: 0, **settings):
        mine = load_learner_keys(keys) if keys else None
        ends.append(LearnerLink("127.0.0.1:0", SPEC, next_seq, keys=mine, **settings))
        ports.append(ends[-1].port)
        return ends[-1]

    def actor(name, spec=SPEC):
        address = f"127.0.0.1:{ports[-1]}"
        mine = load_actor_keys(keys, name) if keys else None
        ends.append(ActorLink(address, name, spec, tmp_path / f"spool-{name}-{len(ends)}", keys=mine))
        return ends[-1]

    def close():
        for end in ends:
            if isinstance(end, ActorLink):
                end.close(0.0)
        for end in ends:
            end.close()

    return Pair(learner, actor), close


class TestZmqLink(LinkContract):
    @pytest.fixture
    def pair(self, tmp_path):
        pair, close = make_pair(tmp_path)
        yield pair
        close()


class TestZmqLinkWithKeys(LinkContract):
    @pytest.fixture
    def pair(self, tmp_path):
        new_keys(tmp_path / "keys", ["spot", "rex", "late", "alone"])
        pair, close = make_pair(tmp_path, tmp_path / "keys")
        yield pair
        close()

"""The in-process pair keeps the contract of every link."""

import pytest

from daydreamer.transport.link import SpoolFull
from daydreamer.transport.local_link import LocalActor, LocalLearner
from tests.contracts.link_contract import SPEC, LinkContract, Pair, row


class TestLocalLink(LinkContract):
    @pytest.fixture
    def pair(self):
        learners = []

        def learner(**settings):
            learners.append(LocalLearner(SPEC, **settings))
            return learners[-1]

        def actor(name, spec=SPEC):
            return LocalActor(learners[-1] if learners else LocalLearner(spec), name, spec)

        return Pair(learner, actor)


def test_a_full_actor_says_so():
    actor = LocalActor(LocalLearner(SPEC), "spot", SPEC, most_rows=2)
    actor.start()
    actor.send(row(0))
    actor.send(row(1))
    assert actor.status().full
    with pytest.raises(SpoolFull):
        actor.send(row(2))

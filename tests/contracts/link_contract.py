"""What every link promises, whatever lies between its ends. A link's own test gives a ``Pair`` and inherits these.

``eventually`` is the only wait: it polls a real condition and gives up after a deadline, which is long: it bounds how
late a failure is told, not how fast a computer has to be.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from daydreamer.core.errors import Corrupt, SpecMismatch
from daydreamer.core.specs import ArraySpec
from daydreamer.transport.link import ActorEnd, LearnerEnd, LinkError, PolicyMessage
from tests.awaiting import PATIENCE, until

SPEC = {
    "action": ArraySpec((2,), low=-1.0, high=1.0),
    "reward": ArraySpec(),
    "is_first": ArraySpec((), "bool"),
    "time": ArraySpec((), "float64", unit="s"),
}


def row(i: int) -> dict[str, Any]:
    return {
        "action": np.array([0.5, -0.5], np.float32),
        "reward": np.array(i, np.float32),
        "is_first": np.array(i == 0),
        "time": np.array(0.05 * i),
    }


class DurableRows:
    """Stands for replay: appends in order, drops what it has, and knows how each stream goes on."""

    def __init__(self) -> None:
        self.rewards: dict[str, list[float]] = {}
        self.numbers: dict[str, list[int]] = {}

    def next_seq(self, stream: str) -> int:
        return self.numbers[stream][-1] + 1 if self.numbers.get(stream) else 0

    def append(self, rows: Any) -> int:
        expected = max(self.next_seq(rows.stream), rows.first_seq if rows.after_gap else 0)
        assert rows.first_seq <= expected, f"rows {expected} to {rows.first_seq} are missing"
        fresh = rows.columns["reward"][expected - rows.first_seq :].tolist()
        self.rewards.setdefault(rows.stream, []).extend(fresh)
        self.numbers.setdefault(rows.stream, []).extend(range(expected, expected + len(fresh)))
        return self.next_seq(rows.stream)

    @property
    def count(self) -> int:
        return sum(map(len, self.rewards.values()))


def pump(learner: LearnerEnd, store: DurableRows, seconds: float = 0.01) -> None:
    """One round of a learner: receive, make durable, acknowledge."""
    for rows in learner.receive(seconds):
        learner.acknowledge(rows.stream, store.append(rows))


def eventually(
    condition: Callable[[], Any], each: Callable[[], Any] = lambda: time.sleep(0.01), within: float = PATIENCE
) -> Any:
    """Call ``each`` until ``condition`` holds; its value. Fails after ``within`` [s]."""
    __tracebackhide__ = True
    return until(condition, within=within, meanwhile=each)


@dataclass
class Pair:
    """Makes ends that speak to each other; the test file that makes it also closes them."""

    learner: Callable[..., LearnerEnd]  # (next_seq=..., durable_rows=...)
    actor: Callable[..., ActorEnd]  # (name, spec=SPEC), not started


class LinkContract:
    """Subclass it with a fixture ``pair``."""

    @pytest.fixture
    def store(self) -> DurableRows:
        return DurableRows()

    @pytest.fixture
    def learner(self, pair: Pair, store: DurableRows) -> LearnerEnd:
        return pair.learner(next_seq=store.next_seq)

    @pytest.fixture
    def actor(self, pair: Pair, learner: LearnerEnd) -> ActorEnd:
        actor = pair.actor("spot")
        actor.start()
        eventually(lambda: actor.status().connected, lambda: learner.receive(0.01))
        return actor

    def test_rows_arrive_in_order_each_once(self, learner, actor, store):
        assert [actor.send(row(i)) for i in range(200)] == list(range(200))
        eventually(lambda: store.count == 200, lambda: pump(learner, store))
        assert store.rewards == {actor.stream: [float(i) for i in range(200)]}

    def test_rows_arrive_as_columns_of_the_spec(self, learner, actor):
        for i in range(3):
            actor.send(row(i))
        came = []
        eventually(lambda: sum(map(len, came)) == 3, lambda: came.extend(learner.receive(0.01)))
        first = came[0]
        assert (first.actor, first.stream, first.first_seq) == ("spot", actor.stream, 0)
        for name, spec in SPEC.items():
            assert first.columns[name].shape == (len(first), *spec.shape)
            assert first.columns[name].dtype == spec.dtype

    def test_receive_without_rows_returns_after_its_timeout(self, learner):
        began = time.monotonic()
        assert learner.receive(0.05) == []
        assert 0.04 <= time.monotonic() - began < 30.0

    def test_a_row_counts_as_unacknowledged_until_the_learner_says_it_is_durable(self, learner, actor, store):
        for i in range(5):
            actor.send(row(i))
        came = []
        eventually(lambda: sum(map(len, came)) == 5, lambda: came.extend(learner.receive(0.01)))
        assert (actor.status().sent, actor.status().unacked, actor.status().acked) == (5, 5, 0)
        learner.acknowledge(actor.stream, 3)
        eventually(lambda: actor.status().unacked == 2, lambda: learner.receive(0.01))
        assert actor.status().acked == 3

    def test_acknowledging_a_stream_never_heard_of_is_an_error(self, learner):
        with pytest.raises(ValueError, match="no-such"):
            learner.acknowledge("no-such-0000000000000-00000000", 1)

    def test_a_row_that_does_not_fit_is_refused_at_once(self, actor):
        with pytest.raises(SpecMismatch, match="'action'"):
            actor.send({**row(0), "action": np.array([0.0, 2.0], np.float32)})
        with pytest.raises(SpecMismatch, match="'reward'"):
            actor.send({**row(0), "reward": np.array(np.nan, np.float32)})
        assert actor.status().sent == 0

    def test_rows_are_sent_between_start_and_close_only(self, pair, learner):
        actor = pair.actor("spot")
        with pytest.raises(LinkError):
            actor.send(row(0))
        actor.start()
        actor.close(0.0)
        actor.close(0.0)
        with pytest.raises(LinkError):
            actor.send(row(0))

    def test_there_is_no_policy_before_the_first(self, learner, actor):
        assert actor.policy() is None

    def test_a_policy_arrives_whole_and_once(self, learner, actor):
        data = np.random.default_rng(0).bytes(3_000_000)
        learner.publish(PolicyMessage.of(7, data))
        policy = eventually(actor.policy, lambda: learner.receive(0.01))
        assert (policy.version, policy.data) == (7, data)
        assert policy.digest == hashlib.sha256(data).hexdigest()
        for _ in range(5):
            learner.receive(0.01)
        assert actor.policy() is None

    def test_only_the_newest_policy_matters(self, learner, actor):
        for version in range(20):
            learner.publish(PolicyMessage.of(version, b"weights %d" % version))
        eventually(lambda: (p := actor.policy()) and p.version == 19, lambda: learner.receive(0.01))

    def test_a_late_actor_gets_the_newest_policy(self, pair, learner):
        learner.publish(PolicyMessage.of(1, b"old"))
        learner.publish(PolicyMessage.of(2, b"new"))
        learner.receive(0.01)
        actor = pair.actor("late")
        actor.start()
        assert eventually(actor.policy, lambda: learner.receive(0.01)).version == 2

    def test_a_policy_whose_digest_is_wrong_is_not_published(self, learner):
        with pytest.raises(Corrupt, match="SHA-256"):
            learner.publish(PolicyMessage(1, b"weights", "0" * 64))
        with pytest.raises(Corrupt, match="bytes"):
            learner.publish(PolicyMessage.of(1, b""))

    def test_credit_is_what_is_allowed_less_what_is_sent(self, learner, actor, store):
        learner.set_credit(10)
        eventually(lambda: actor.credit() == 10, lambda: learner.receive(0.01))
        for i in range(4):
            actor.send(row(i))
        assert actor.credit() == 6  # at once, before the learner knows
        eventually(lambda: store.count == 4, lambda: pump(learner, store))
        eventually(lambda: actor.status().acked == 4, lambda: learner.receive(0.01))
        assert actor.credit() == 6  # 10 allowed, 4 durable
        learner.set_credit(3)
        eventually(lambda: actor.credit() == -1, lambda: learner.receive(0.01))

    def test_credit_counts_rows_of_earlier_lives(self, pair):
        learner = pair.learner(durable_rows=100)
        learner.set_credit(130)
        actor = pair.actor("spot")
        assert actor.credit() == 0  # the learner was never reached
        actor.start()
        eventually(lambda: actor.credit() == 30, lambda: learner.receive(0.01))

    def test_the_newest_report_reaches_the_learner(self, learner, actor):
        actor.report({"actor/late_ms": 0.25, "robot/up": float("nan")})
        eventually(learner.reports, lambda: learner.receive(0.01))
        assert learner.reports() == {"spot": {"actor/late_ms": 0.25}}
        actor.report({"actor/late_ms": 0.5})
        eventually(lambda: learner.reports()["spot"]["actor/late_ms"] == 0.5, lambda: learner.receive(0.01))

    def test_the_learner_knows_its_actors(self, pair, learner, actor, store):
        other = pair.actor("rex")
        other.start()
        eventually(lambda: other.status().connected, lambda: learner.receive(0.01))
        actor.send(row(0))
        other.send(row(0))
        eventually(lambda: store.count == 2, lambda: pump(learner, store))

        def heard_lately():
            return all(status.connected and status.age < 3.0 for status in learner.actors().values())

        eventually(heard_lately, lambda: pump(learner, store))
        known = learner.actors()
        assert known.keys() == {"spot", "rex"} and all(status.rows == 1 for status in known.values())
        assert known["spot"].stream == actor.stream != other.stream

    def test_stop_reaches_every_actor_those_that_come_later_too(self, pair, learner, actor):
        assert actor.status().stopped is None
        learner.stop("enough rows")
        late = pair.actor("late")
        late.start()
        for one in (actor, late):
            eventually(lambda one=one: one.status().stopped == "enough rows", lambda: learner.receive(0.01))

    def test_other_specs_are_refused_with_both_sides_printed(self, pair, learner):
        actor = pair.actor("spot", {**SPEC, "action": ArraySpec((3,), low=-1.0, high=1.0)})
        actor.start()
        reason = eventually(lambda: actor.status().refused, lambda: learner.receive(0.01))
        assert "float32[2] in [-1.0, 1.0]" in reason
        assert "float32[3] in [-1.0, 1.0]" in reason
        assert not actor.status().connected

    def test_closing_waits_for_rows_to_be_durable(self, learner, actor, store):
        import threading

        for i in range(10):
            actor.send(row(i))
        closing = threading.Thread(target=actor.close, args=(60.0,))
        closing.start()
        eventually(lambda: not closing.is_alive(), lambda: pump(learner, store))
        assert store.count == 10
        assert actor.status().unacked == 0

    def test_closing_without_a_learner_ends(self, pair):
        actor = pair.actor("alone")
        actor.close(0.1)
        with pytest.raises(LinkError):
            actor.send(row(0))

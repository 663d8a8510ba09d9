"""Sixteen robots into one learner: streams stay apart, and one that misbehaves hurts nobody but itself."""

import contextlib
import threading

import numpy as np
import pytest
import zmq

from daydreamer.core.specs import ArraySpec
from daydreamer.transport import guarded_session
from daydreamer.transport.actor_link import ActorLink
from daydreamer.transport.auth import load_actor_keys, load_learner_keys, new_keys
from daydreamer.transport.learner_link import LearnerLink
from daydreamer.transport.messages import ActorPing, Hello, RowBatch, encode
from daydreamer.transport.row_codec import RowCodec
from tests.contracts.link_contract import SPEC, DurableRows, eventually, row

HONEST = 15
ROWS = 40


def says_hello(line):
    spec = {name: one.to_dict() for name, one in SPEC.items()}
    line.send(encode(Hello("bad", "bad-1700000000000-0a1b2c3d", spec, "0", "")))


def floods(line, ended):
    """Says hello, then pings as fast as it can, read or not."""
    says_hello(line)
    ping = encode(ActorPing("", False))
    while not ended.is_set():
        with contextlib.suppress(zmq.Again):
            line.send(ping)


def overruns(line, ended):
    """Sends rows that fit, and does not wait for acknowledgements."""
    says_hello(line)
    records = b"".join(RowCodec(SPEC).encode(row(i)) for i in range(64))
    first = 0
    while not ended.is_set():
        with contextlib.suppress(zmq.Again):
            line.send(encode(RowBatch(first, records)))
            first += 64


def stalls(line, ended):
    """Says hello, and nothing more; reads nothing."""
    says_hello(line)
    ended.wait(60.0)


def misfits(line, ended):
    """Its rows are of another spec, and it tries again and again."""
    spec = {name: one.to_dict() for name, one in {**SPEC, "action": ArraySpec((3,))}.items()}
    hello = encode(Hello("bad", "bad-1700000000000-0a1b2c3d", spec, "0", ""))
    while not ended.wait(0.005):
        with contextlib.suppress(zmq.Again):
            line.send(hello)


class Fleet:
    def __init__(self, directory, port, keys):
        self.actors = []
        for i in range(HONEST):
            mine = load_actor_keys(keys, f"robot{i}")
            self.actors.append(
                ActorLink(f"127.0.0.1:{port}", f"robot{i}", SPEC, directory / f"{i}", keys=mine)
            )
            self.actors[-1].start()

    @property
    def connected(self):
        return all(actor.status().connected for actor in self.actors)

    @property
    def acknowledged(self):
        return all(actor.status().acked == actor.status().sent for actor in self.actors)


@pytest.mark.usefixtures("patient_peers")
@pytest.mark.parametrize("misbehaves", [floods, overruns, stalls, misfits])
def test_fifteen_robots_notice_nothing_of_one_that_misbehaves(tmp_path, misbehaves, monkeypatch):
    # A busy computer does not let anybody send 2,000 messages a second; an honest robot sends some ten.
    monkeypatch.setattr(guarded_session, "MESSAGES_PER_SECOND", 100.0)
    monkeypatch.setattr(guarded_session, "BURST", 400.0)
    keys, store = tmp_path / "keys", DurableRows()
    new_keys(keys, ["bad", *(f"robot{i}" for i in range(HONEST))])
    learner = LearnerLink("127.0.0.1:0", SPEC, store.next_seq, keys=load_learner_keys(keys))
    context, ended = zmq.Context(), threading.Event()

    def bad():
        with context.socket(zmq.DEALER) as line:
            line.setsockopt(zmq.LINGER, 0)
            line.setsockopt(zmq.SNDTIMEO, 100)
            load_actor_keys(keys, "bad").apply(line)
            line.connect(f"tcp://127.0.0.1:{learner.port}")
            misbehaves(line, ended)

    def turn():
        for rows in learner.receive(0.01):
            if rows.actor != "bad":  # its rows are never made durable
                learner.acknowledge(rows.stream, store.append(rows))

    thread = threading.Thread(target=bad)
    fleet = Fleet(tmp_path, learner.port, keys)
    try:
        eventually(lambda: fleet.connected, turn)
        thread.start()
        for i in range(ROWS):
            for number, actor in enumerate(fleet.actors):
                actor.send({**row(i), "reward": np.array(1000 * number + i, np.float32)})
            turn()
        eventually(lambda: fleet.acknowledged, turn)
        assert fleet.connected
        for number, actor in enumerate(fleet.actors):
            assert store.rewards[actor.stream] == [float(1000 * number + i) for i in range(ROWS)]
        known = learner.actors()
        assert all(known[f"robot{i}"].rows == ROWS for i in range(HONEST))
        if misbehaves is not stalls:
            eventually(lambda: "bad" not in known or not learner.actors()["bad"].connected, turn)
    finally:
        ended.set()
        if thread.ident:
            thread.join(60.0)
        for actor in fleet.actors:
            actor.close(0.0)
        learner.close()
        context.destroy(linger=0)

"""Both halves of the protocol in one thread, over a wire that a test cuts, delays and damages by hand."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from daydreamer.transport.actor_session import ActorSession
from daydreamer.transport.learner_session import LearnerSession
from daydreamer.transport.messages import decode
from daydreamer.transport.row_codec import RowCodec
from daydreamer.transport.seldom import Seldom
from daydreamer.transport.spool import Spool
from tests.contracts.link_contract import SPEC, DurableRows, row

CODEC = RowCodec(SPEC)
STREAM = "spot-1700000000000-0a1b2c3d"
EARLIER = "spot-1600000000000-0a1b2c3d"
LATER = "spot-1800000000000-0a1b2c3d"


@dataclass
class Wire:
    """One actor, one learner, and time; ``exchange`` carries all that both have to say."""

    actor: ActorSession
    learner: LearnerSession
    store: DurableRows = field(default_factory=DurableRows)
    now: float = 0.0
    identity: bytes = b"\0first"
    acknowledge: bool = True

    def connect(self, identity=b"\0first"):
        self.identity = identity
        self.actor.disconnect()
        self.actor.connect(self.now)
        return self

    def up(self):
        said = self.actor.outgoing(self.now)
        for data in said:
            rows = self.learner.receive(self.identity, data, self.now)
            if rows is not None:
                end = self.store.append(rows)
                if self.acknowledge:
                    self.learner.acknowledge(rows.stream, end)
        return [decode(data) for data in said]

    def down(self):
        self.learner.tick(self.now)
        said = self.learner.outbox
        self.learner.outbox = [(identity, data) for identity, data in said if identity != self.identity]
        mine = [data for identity, data in said if identity == self.identity]
        for data in mine:
            self.actor.receive(data, self.now)
        return [decode(data) for data in mine]

    def exchange(self, rounds=4):
        said = []
        for _ in range(rounds):
            said += self.up() + self.down()
        return said


def spool(tmp_path, stream=STREAM, rows=0, segment_bytes=1 << 20):
    new = Spool(tmp_path / stream, stream, b"spec", segment_bytes)
    for i in range(rows):
        new.append([CODEC.encode(row(i))])
    return new


def make(spools, learner_spec=SPEC, store=None, durable_rows=0):
    actor = ActorSession("spot", SPEC, CODEC.row_bytes, spools)
    store = store or DurableRows()
    seldom = Seldom(logging.getLogger("test"))
    return Wire(actor, LearnerSession(RowCodec(learner_spec), store.next_seq, durable_rows, seldom), store)

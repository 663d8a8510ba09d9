"""Garbage for every socket of the link: nothing breaks, memory does not grow, the legitimate actor notices nothing.

The short form sends some thousands of frames. In full, about two minutes:

    FUZZ_FRAMES=100000 pytest tests/transport/test_fuzz.py
"""

import contextlib
import logging
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daydreamer.core.errors import Corrupt, SpecMismatch
from daydreamer.transport.actor_link import ActorLink
from daydreamer.transport.actor_session import ActorSession
from daydreamer.transport.auth import load_actor_keys, load_learner_keys, new_keys
from daydreamer.transport.guarded_session import GuardedSession
from daydreamer.transport.learner_link import LearnerLink
from daydreamer.transport.messages import decode
from daydreamer.transport.seldom import Seldom
from daydreamer.transport.spool import Spool
from tests.contracts.link_contract import SPEC, DurableRows, eventually, pump, row
from tests.transport.fuzzer import CODEC, actor_frames, damage, hello, learner_frames

FRAMES = int(os.environ.get("FUZZ_FRAMES", "4000"))  # in all
LONGEST = 120.0  # s, of one storm
GROWTH = 24 << 20  # bytes that a process may grow while it is shouted at: allocators do not give all back
SHARES = {"learner's half": 0.4, "actor's half": 0.3, "actor": 0.2, "raw": 0.05, "raw with keys": 0.05}
FALSE_LEARNER = min(100, FRAMES // 40)  # frames more: the actor comes back for them more and more slowly


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def storm(kind, port, frames, seed=0):
    """The fuzzer at work on ``port``; on leaving, it is checked that it sent all it should."""
    command = [sys.executable, "-m", "tests.transport.fuzzer", kind, str(port), str(frames), str(seed)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as fuzzer:
        try:
            yield fuzzer
            assert int(fuzzer.communicate(timeout=LONGEST)[0]) >= frames
        finally:
            fuzzer.kill()


@given(st.binary(max_size=2000))
@settings(max_examples=300, deadline=None)
def test_no_bytes_are_more_than_corrupt(data):
    with contextlib.suppress(Corrupt):
        decode(data)
    with contextlib.suppress(Corrupt, SpecMismatch):
        decode(b"ddp\n\1\0\0\0" + len(data).to_bytes(8, "little") + data)


def test_damaged_frames_do_no_harm_to_the_learners_half(caplog):
    caplog.set_level(logging.CRITICAL)
    dice = random.Random(0)
    session = GuardedSession(CODEC, lambda stream: 0, 0, Seldom(logging.getLogger(__name__)))
    known = actor_frames(0) + learner_frames("spot-1700000000000-0a1b2c3d")
    frames, settled = int(FRAMES * SHARES["learner's half"]), 0
    for i in range(frames):
        identity = i.to_bytes(4, "little")
        session.hear(identity, None, hello(i % 1000), 0.0)
        session.hear(identity, None, damage(dice.choice(known), dice, known), 0.0)
        session.outbox.clear()
        if i % 500 == 0:
            session.tick(10.0 + i)  # all fall silent
        if i == frames // 4:
            settled = resident()
    assert resident() - settled < GROWTH
    assert len(session.actors(0.0)) <= 64


def test_damaged_frames_do_no_harm_to_the_actors_half(tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    dice = random.Random(0)
    stream = "spot-1700000000000-0a1b2c3d"
    spool = Spool(tmp_path / stream, stream, b"spec")
    session = ActorSession("spot", SPEC, CODEC.row_bytes, [spool])
    known = learner_frames(stream) + actor_frames(0)
    frames, settled = int(FRAMES * SHARES["actor's half"]), 0
    for i in range(frames):
        session.connect(float(i))
        with contextlib.suppress(Corrupt):
            session.receive(known[0], float(i))
            session.receive(damage(dice.choice(known), dice, known), float(i))
        session.outgoing(float(i))
        session.disconnect()
        if i == frames // 4:
            settled = resident()
    assert resident() - settled < GROWTH
    policy = session.take_policy()
    assert policy is None or policy.data == b"weights"  # whole, or not at all
    session.close()


class Job:
    """A learner and its legitimate actor, which go on whatever comes."""

    def __init__(self, directory, keys=None):
        self.store = DurableRows()
        mine = load_learner_keys(keys) if keys else None
        self.learner = LearnerLink("127.0.0.1:0", SPEC, self.spoken_for, keys=mine)
        self.actor = ActorLink(
            f"127.0.0.1:{self.learner.port}", "spot", SPEC, directory / "spool",
            keys=load_actor_keys(keys, "spot") if keys else None,
        )  # fmt: skip
        self.sent = self.heard = 0
        hear = self.learner._session.hear

        def count(*message):
            self.heard += 1
            return hear(*message)

        self.learner._session.hear = count
        self.actor.start()
        eventually(lambda: self.actor.status().connected, self.turn)

    def spoken_for(self, stream):
        return self.store.next_seq(stream) if stream == self.actor.stream else 0

    def turn(self):
        for rows in self.learner.receive(0.005):
            if rows.stream == self.actor.stream:
                self.learner.acknowledge(rows.stream, self.store.append(rows))

    def step(self):
        self.actor.send(row(self.sent))
        self.sent += 1
        self.turn()
        assert self.actor.status().connected

    def finish(self):
        eventually(lambda: self.actor.status().unacked == 0, self.turn)
        assert self.store.rewards == {self.actor.stream: [float(i) for i in range(self.sent)]}

    def close(self):
        self.actor.close(0.0)
        self.learner.close()


@pytest.mark.usefixtures("patient_peers")
@pytest.mark.parametrize("kind", ["actor", "raw", "raw with keys"])
def test_a_learner_that_is_shouted_at_serves_its_actor(tmp_path, caplog, kind):
    caplog.set_level(logging.CRITICAL)
    keys = tmp_path / "keys" if kind.endswith("keys") else None
    if keys:
        new_keys(keys, ["spot"])
    job = Job(tmp_path, keys)
    try:
        settled, began = None, time.monotonic()
        with storm(kind.split()[0], job.learner.port, int(FRAMES * SHARES[kind])) as fuzzer:
            while fuzzer.poll() is None:
                assert time.monotonic() - began < LONGEST
                job.step()
                if settled is None and time.monotonic() - began > 0.5:
                    settled = resident()
        assert resident() - (settled or resident()) < GROWTH
        job.finish()
        if kind == "actor":  # they did arrive, but for what a closed line swallowed
            assert job.heard > FRAMES * SHARES[kind] / 2
    finally:
        job.close()


def test_an_actor_that_a_false_learner_shouts_at_finds_the_right_one(tmp_path, caplog, own_port):
    caplog.set_level(logging.CRITICAL)
    actor = ActorLink(f"127.0.0.1:{own_port}", "spot", SPEC, tmp_path)
    actor.start()
    store, waits = DurableRows(), []
    try:
        settled, began = None, time.monotonic()
        with storm("learner", own_port, FALSE_LEARNER) as fuzzer:
            while fuzzer.poll() is None:
                before = time.monotonic()
                assert before - began < LONGEST
                actor.send(row(0))
                waits.append(time.monotonic() - before)  # most of them none, however busy the computer is
                threading.Event().wait(0.01)
                if settled is None and before - began > 0.5:
                    settled = resident()
        assert resident() - (settled or resident()) < GROWTH
        learner = LearnerLink(f"127.0.0.1:{own_port}", SPEC, store.next_seq)
        eventually(lambda: actor.status().connected, lambda: pump(learner, store))
        actor.send(row(1))
        eventually(lambda: actor.status().unacked == 0, lambda: pump(learner, store))
        learner.close()
    finally:
        actor.close(0.0)
    assert (
        sorted(waits)[len(waits) // 2] < 0.05
    )  # the control loop never waited for it: no answer comes so soon

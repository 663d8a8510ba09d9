"""A stranger who shouts, in a process of its own: recorded frames, damaged, sent to a socket of ours.

    python fuzzer.py KIND PORT FRAMES SEED

actor     speaks as an actor to the learner at PORT; a hello before each handful, so that its frames are read
learner   listens on PORT as a learner, and answers whoever comes
raw       bytes of ZeroMQ's own protocol, damaged, and plain text, to whatever listens at PORT

It ends when its frames are sent, and says how many that were.
"""

from __future__ import annotations

import contextlib
import random
import socket
import sys
import time

import zmq

from daydreamer.core.pack import dumps
from daydreamer.transport.link import PolicyMessage
from daydreamer.transport.messages import (
    Ack,
    ActorPing,
    Hello,
    LearnerPing,
    PolicyChunk,
    Refuse,
    Report,
    RowBatch,
    Stop,
    Welcome,
    encode,
)
from daydreamer.transport.row_codec import RowCodec
from tests.contracts.link_contract import SPEC, row

CODEC = RowCodec(SPEC)
HANDFUL = 20  # frames of one connection
DIGEST = PolicyMessage.of(1, b"weights").digest


def hello(i: int) -> bytes:
    spec = {name: one.to_dict() for name, one in SPEC.items()}
    return encode(Hello(f"fuzz{i % 8}", f"fuzz{i % 8}-{i % 10**13:013d}-0a1b2c3d", spec, "0", ""))


def actor_frames(i: int) -> list[bytes]:
    rows = [b"".join(CODEC.encode(row(k)) for k in range(n)) for n in (1, 7)]
    return [
        hello(i), encode(RowBatch(0, rows[0])), encode(RowBatch(0, rows[1])), encode(ActorPing(DIGEST, False)),
        encode(Report({"actor/late_ms": 0.5, "link/sent": 3.0})), dumps([2, "hello", {"row_spec": {"a": 1}}]),
    ]  # fmt: skip


def learner_frames(stream: str) -> list[bytes]:
    return [
        encode(Welcome(stream, 0, 100)), encode(Ack(stream, 0, 100)), encode(LearnerPing(7)),
        encode(PolicyChunk(1, DIGEST, 7, 0, b"weights")), encode(PolicyChunk(2, DIGEST, 1 << 27, 0, bytes(999))),
        encode(Stop("enough")), encode(Refuse("another spec")),
    ]  # fmt: skip


def damage(data: bytes, dice: random.Random, others: list[bytes]) -> bytes:
    """``data`` with one to four things wrong with it; now and then none."""
    out = bytearray(data)
    for _ in range(dice.randrange(5)):
        at = dice.randrange(len(out) + 1)
        what = dice.randrange(8)
        if what == 0 and at < len(out):
            out[at] ^= 1 << dice.randrange(8)
        elif what == 1:
            del out[at : at + dice.randrange(1, 40)]
        elif what == 2:
            out[at:at] = dice.randbytes(dice.randrange(1, 40))
        elif what == 3:
            out[at:at] = out[at : at + 200] * dice.randrange(1, 20)
        elif what == 4:
            del out[at:]
        elif what == 5:
            other = dice.choice(others)
            out[at:] = other[dice.randrange(len(other)) :]
        elif what == 6:
            out[at : at + 8] = dice.choice(
                [b"\xff" * 8, bytes(8), b"\x7f" + b"\xff" * 7, b"\xdd\xff\xff\xff\xff"]
            )
        else:
            out[at : at + 4] = b"\x91" * dice.randrange(4, 3000)  # lists in lists
    return bytes(out)


def as_actor(port: int, frames: int, dice: random.Random) -> int:
    context, sent = zmq.Context(), 0
    while sent < frames:
        with context.socket(zmq.DEALER) as line:
            line.setsockopt(zmq.LINGER, 2000)
            line.setsockopt(zmq.SNDTIMEO, 500)
            if dice.random() < 0.1:
                line.setsockopt(zmq.ROUTING_ID, dice.randbytes(dice.randrange(1, 9)).replace(b"\0", b"\1"))
            line.connect(f"tcp://127.0.0.1:{port}")
            known = actor_frames(sent)
            with contextlib.suppress(zmq.Again):  # it does not read us any more
                line.send(known[0])
                line.poll(20_000)  # welcomed, or refused: from here on what is sent arrives
                for _ in range(HANDFUL):
                    sent += 1
                    frame = damage(dice.choice(known), dice, known)
                    line.send_multipart([frame] * (1 + (dice.random() < 0.05)))
    context.destroy(linger=2000)
    return sent


def as_learner(port: int, frames: int, dice: random.Random) -> int:
    context, sent = zmq.Context(), 0
    line = context.socket(zmq.ROUTER)
    line.setsockopt(zmq.LINGER, 0)
    line.setsockopt(zmq.RCVTIMEO, 500)
    line.bind(f"tcp://127.0.0.1:{port}")
    give_up = time.monotonic() + 120
    while sent < frames and time.monotonic() < give_up:
        try:
            identity, *parts = line.recv_multipart()
        except zmq.Again:
            continue
        stream = b"".join(parts).partition(b"stream")[2][2:].partition(b"\xa8")[0].decode("latin1")
        known = learner_frames(stream[:36])
        if dice.random() < 0.8:
            line.send_multipart([identity, known[0]])
        for _ in range(HANDFUL):
            sent += 1
            frame = damage(dice.choice(known), dice, known)
            line.send_multipart([identity, *[frame] * (1 + (dice.random() < 0.05))])
    context.destroy(linger=0)
    return sent


GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01"
READY = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0"


def as_raw(port: int, frames: int, dice: random.Random) -> int:
    known = [
        GREETING
        + mechanism.ljust(20, b"\0")
        + bytes(32)
        + b"\x04"
        + bytes([len(READY)])
        + READY
        + b"\0\5hello"
        for mechanism in (b"NULL", b"PLAIN", b"CURVE")
    ]
    known += [b"GET / HTTP/1.1\r\nHost: robot\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", bytes(64)]
    sent = 0
    while sent < frames:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5.0) as line:
            line.settimeout(0.2)
            for _ in range(HANDFUL):
                sent += 1
                line.sendall(damage(dice.choice(known), dice, known))
    return sent


KINDS = {"actor": as_actor, "learner": as_learner, "raw": as_raw}


if __name__ == "__main__":
    kind, port, frames, seed = sys.argv[1], *map(int, sys.argv[2:])
    sys.stdout.write(f"{KINDS[kind](port, frames, random.Random(seed))}\n")

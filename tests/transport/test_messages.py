"""Every message survives the wire; nothing that is not a message survives the check."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydreamer.core.errors import Corrupt
from daydreamer.core.pack import dumps
from daydreamer.transport.messages import (
    SCHEMA,
    Ack,
    ActorPing,
    Hello,
    LearnerPing,
    OtherSchema,
    PolicyChunk,
    Refuse,
    Report,
    RowBatch,
    Stop,
    Welcome,
    decode,
    encode,
)

STREAM = "spot-1700000000000-0a1b2c3d"
DIGEST = "ab" * 32

EXAMPLES = [
    Hello("spot", STREAM, {"reward": {"shape": [], "dtype": "float32"}}, "0.1.0", ""),
    Hello("spot", STREAM, {}, "0.1.0", "", "ab", 3, {"hz": "20.0"}),
    Welcome(STREAM, 12, -3),
    Refuse("no"),
    RowBatch(0, b"rows"),
    Ack(STREAM, 12, 100),
    PolicyChunk(3, DIGEST, 10, 5, b"12345"),
    Report({"robot/up": 0.5}),
    ActorPing(DIGEST, True),
    LearnerPing(7),
    Stop("done"),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda m: type(m).__name__)
def test_a_message_comes_back(message):
    assert decode(encode(message)) == message


@given(st.sampled_from(EXAMPLES), st.data())
def test_a_damaged_message_is_corrupt_or_a_message_never_a_crash(message, data):
    blob = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(blob))
    except Corrupt:
        return


@given(st.recursive(st.none() | st.integers(-9, 9) | st.text(max_size=9), st.lists, max_leaves=6))
def test_a_tree_that_is_no_message_is_corrupt(tree):
    with pytest.raises(Corrupt):
        decode(dumps(tree))


def body(message):
    return {name: getattr(message, name) for name in message.__dataclass_fields__}


HELLO, ACK, CHUNK = body(EXAMPLES[0]), body(EXAMPLES[4]), body(EXAMPLES[5])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("hello", {**HELLO, "actor": "../../etc"}),
        ("hello", {**HELLO, "actor": "a" * 65}),
        ("hello", {**HELLO, "actor": "spot\n"}),
        ("hello", {**HELLO, "stream": "spot"}),
        ("hello", {**HELLO, "stream": "../spot-1700000000000-0a1b2c3d"}),
        ("hello", {**HELLO, "stream": 5}),
        ("hello", {**HELLO, "policy": "zz"}),
        ("hello", {**HELLO, "row_spec": []}),
        ("hello", {"actor": "spot"}),
        ("hello", {**HELLO, "more": 1}),
        ("hello", None),
        ("ack", {**ACK, "next_seq": -1}),
        ("ack", {**ACK, "next_seq": True}),
        ("ack", {**ACK, "next_seq": 2**63}),
        ("ack", {**ACK, "credit": 0.5}),
        ("policy", {**CHUNK, "size": 0}),
        ("policy", {**CHUNK, "size": 1 << 40}),
        ("policy", {**CHUNK, "data": "text"}),
        ("policy", {**CHUNK, "data": b""}),
        ("report", {"metrics": {"x": float("nan")}}),
        ("report", {"metrics": {"x": 1}}),
        ("report", {"metrics": {"x" * 200: 1.0}}),
        ("report", {"metrics": {str(i): 1.0 for i in range(513)}}),
        ("rows", {"first_seq": 0, "records": []}),
        ("stop", {"reason": "a" * 100_000}),
        ("ping/actor", {"policy": "", "stopped": 1}),
        ("dance", {}),
    ],
)
def test_a_field_out_of_its_range_is_corrupt(kind, fields):
    with pytest.raises(Corrupt):
        decode(dumps([SCHEMA, kind, fields]))


def test_another_schema_says_what_to_do():
    with pytest.raises(OtherSchema, match="same version"):
        decode(dumps([SCHEMA + 1, "hello", {"unknown": "fields"}]))


def test_a_refusal_is_read_whatever_the_schema():
    assert decode(dumps([99, "refuse", {"reason": "speak protocol 99"}])) == Refuse("speak protocol 99")


@pytest.mark.parametrize("schema", [np.array([1, 2]), np.array([]), 1.0, True, None, [1]])
def test_a_schema_that_is_no_number_is_corrupt(schema):
    with pytest.raises(Corrupt):
        decode(dumps([schema, "hello", HELLO]))

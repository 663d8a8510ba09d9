"""Packing gives back what was put in, shares memory, and refuses everything else."""

import contextlib

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from daydreamer.core.errors import Corrupt
from daydreamer.core.pack import DTYPES, dumps, loads, pack, unpack

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | hnp.arrays(
        st.sampled_from(sorted(DTYPES)), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    )
)
trees = st.recursive(
    leaves, lambda t: st.lists(t, max_size=3) | st.dictionaries(st.text(max_size=5), t, max_size=3)
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and a == b


@given(trees)
def test_what_goes_in_comes_out(tree):
    assert same(tree, unpack(pack(tree)))
    assert same(tree, loads(dumps(tree)))


@given(trees, st.data())
def test_a_blob_cut_anywhere_is_corrupt_never_a_crash(tree, data):
    blob = dumps(tree)
    cut = data.draw(st.integers(0, len(blob) - 1))
    with pytest.raises(Corrupt):
        loads(blob[:cut])


@given(st.binary(max_size=60), trees, st.data())
def test_altered_bytes_are_either_read_or_corrupt(noise, tree, data):
    blob = bytearray(dumps(tree))
    at = data.draw(st.integers(0, len(blob)))
    blob[at : at + len(noise)] = noise
    with contextlib.suppress(Corrupt):
        loads(bytes(blob))


def test_arrays_are_views_and_read_only():
    sent = np.arange(6, dtype=np.float32).reshape(2, 3)
    frames = pack({"x": sent})
    assert np.shares_memory(np.frombuffer(frames[1], np.uint8), sent)
    got = unpack(frames)["x"]
    assert np.shares_memory(got, sent)
    assert not got.flags.writeable


def test_strides_and_byte_order_do_not_matter():
    sent = {
        "big": np.arange(4, dtype=">f4"),
        "every_other": np.arange(10)[::2],
        "column": np.eye(3, dtype="f4").T,
    }
    got = loads(dumps(sent))
    for name, value in sent.items():
        np.testing.assert_array_equal(got[name], value)
    assert got["big"].dtype == np.dtype("<f4")


def test_numpy_scalars_and_tuples_become_plain():
    assert loads(dumps({"a": np.float32(0.5), "b": (np.int64(3), np.bool_(True))})) == {
        "a": 0.5,
        "b": [3, True],
    }


@pytest.mark.parametrize(
    "value", [object(), np.array(["text"]), np.array([object()]), np.zeros(2, complex), {1, 2}]
)
def test_what_is_not_plain_cannot_be_packed(value):
    with pytest.raises(TypeError):
        pack({"x": value})


def test_what_could_not_be_read_again_cannot_be_packed():
    deep = 1
    for _ in range(33):
        deep = [deep]
    for tree in (deep, {1: 2}, msgpack.Timestamp(1)):
        with pytest.raises(TypeError, match="not packable"):
            pack(tree)
    assert loads(dumps(deep[0])) == deep[0]


def array_header(*header):
    return msgpack.packb({"x": msgpack.ExtType(1, msgpack.packb(list(header)))})


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"\xc1"],
        [array_header("float32", [2])],  # no buffer
        [array_header("float32", [2]), b"\0" * 7],  # 8 bytes wanted
        [array_header("float32", [2]), b"\0" * 8, b""],  # a buffer too many
        [array_header("object", [1]), b"\0" * 8],
        [array_header("float32", [-1]), b""],
        [array_header("float32", [1.0]), b"\0" * 4],
        [array_header("float32", [2**40, 2**40]), b""],  # never allocated
        [array_header("float32", [0, 2**40, 2**40]), b""],
        [array_header("uint8", [1] * 17), b"\0"],
        [array_header("float32"), b""],
        [array_header("bool", [2]), b"\0\2"],
        [array_header(["float32"], [1]), b"\0" * 4],
        [msgpack.packb(msgpack.ExtType(5, b""))],
        [msgpack.packb(msgpack.ExtType(1, b"\xc1"))],
        [msgpack.packb(msgpack.Timestamp(1))],
        [msgpack.packb({b"bytes": 1})],
        [b"\x81\x01\x01"],  # {1: 1}
        [b"\xdd\xff\xff\xff\xff"],  # a list of 2**32 - 1, none of them there
        [b"\x91" * 40 + b"\x01"],  # 40 lists deep
        [b"\x91" * 5000 + b"\x01"],
        [b"\xa2\xff\xff"],  # not UTF-8
    ],
)
def test_bad_frames_are_corrupt(frames):
    with pytest.raises(Corrupt):
        unpack(frames)


def test_a_blob_of_another_kind_says_so():
    with pytest.raises(Corrupt, match="beginning with"):
        loads(b"\x80\x04\x95pickle?")
    with pytest.raises(Corrupt, match="frames announced"):
        loads(b"ddp\n\xff\xff\xff\xff")

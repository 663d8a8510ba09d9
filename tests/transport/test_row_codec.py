"""A row becomes the same number of bytes each time, and what does not fit the spec gets neither in nor out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydreamer.core.errors import SpecMismatch
from daydreamer.core.specs import ArraySpec
from daydreamer.transport.row_codec import RowCodec, specs_from_tree, specs_to_bytes

SPECS = {
    "image": ArraySpec((2, 2, 3), "uint8"),
    "action": ArraySpec((2,), low=-1.0, high=1.0),
    "reward": ArraySpec(),
    "is_first": ArraySpec((), "bool"),
    "time": ArraySpec((), "float64"),
    "policy_version": ArraySpec((), "int64", low=-1),
}


def row(i=0, **other):
    values = {
        "image": np.full((2, 2, 3), i % 256, np.uint8),
        "action": np.array([0.5, -1.0], np.float32),
        "reward": np.array(i, np.float32),
        "is_first": np.array(i == 0),
        "time": np.array(0.05 * i),
        "policy_version": np.array(i - 1),
    }
    return {**values, **other}


def test_a_row_is_as_many_bytes_as_its_values():
    # 12 image + 2 * 4 action + 4 reward + 1 flag + 8 time + 8 version = 41
    assert RowCodec(SPECS).row_bytes == 41
    assert len(RowCodec(SPECS).encode(row())) == 41


@given(st.integers(1, 70))
def test_rows_come_back_as_columns(count):
    codec = RowCodec(SPECS)
    columns = codec.decode(b"".join(codec.encode(row(i)) for i in range(count)))
    assert columns.keys() == SPECS.keys()
    for name, spec in SPECS.items():
        expected = np.stack([row(i)[name] for i in range(count)])
        assert columns[name].dtype == spec.dtype
        np.testing.assert_array_equal(columns[name], expected)


def test_numpy_scalars_are_rows_too():
    codec = RowCodec({"reward": ArraySpec()})
    assert codec.encode({"reward": np.float32(2.5)}) == np.float32(2.5).tobytes()


def test_rounding_at_a_bound_is_no_mistake():
    codec = RowCodec(SPECS)
    edge = np.array([1.000001, -1.000001], np.float32)
    codec.decode(codec.encode(row(action=edge)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("action", np.zeros(3, np.float32)),
        ("action", np.zeros(2)),
        ("action", [0.0, 0.0]),
        ("action", np.array([0.0, 1.1], np.float32)),
        ("action", np.array([np.nan, 0.0], np.float32)),
        ("reward", np.array(np.inf, np.float32)),
        ("reward", 1.0),
        ("time", np.array(-np.inf)),
        ("policy_version", np.array(-2)),
        ("is_first", np.array(1, np.uint8)),
    ],
)
def test_a_value_that_does_not_fit_is_named(key, value):
    with pytest.raises(SpecMismatch, match=f"'{key}'"):
        RowCodec(SPECS).encode(row(**{key: value}))


def test_missing_and_unexpected_keys_are_named():
    codec = RowCodec(SPECS)
    without = {name: value for name, value in row().items() if name != "reward"}
    with pytest.raises(SpecMismatch, match=r"missing \['reward'\]"):
        codec.encode(without)
    with pytest.raises(SpecMismatch, match=r"not expected \['lidar'\]"):
        codec.encode(row(lidar=np.zeros(1)))


@pytest.mark.parametrize("size", [0, 40, 42, 81])
def test_records_of_another_size_are_refused(size):
    with pytest.raises(SpecMismatch, match="rows of 41 bytes"):
        RowCodec(SPECS).decode(b"\0" * size)


def test_bytes_that_are_no_values_of_the_spec_are_refused():
    bools = RowCodec({"is_first": ArraySpec((), "bool")})
    with pytest.raises(SpecMismatch, match="bool"):
        bools.decode(b"\0\2")
    floats = RowCodec({"reward": ArraySpec()})
    with pytest.raises(SpecMismatch, match="'reward': not finite"):
        floats.decode(np.array([0.0, np.nan], np.float32).tobytes())
    bounded = RowCodec({"action": ArraySpec((), low=-1, high=1)})
    with pytest.raises(SpecMismatch, match="is above its upper bound"):
        bounded.decode(np.float32(2.0).tobytes())


def test_specs_go_to_bytes_and_back_the_same_whatever_their_order():
    import json

    backwards = dict(reversed(SPECS.items()))
    assert specs_to_bytes(SPECS) == specs_to_bytes(backwards)
    assert specs_from_tree(json.loads(specs_to_bytes(SPECS))) == SPECS


@pytest.mark.parametrize(
    "tree",
    [
        None,
        [],
        {"x": 1},
        {1: {}},
        {"x": {"shape": "?"}},
        {"x": {"shape": [1], "dtype": "object"}},
        {"x": {"dtype": "int8", "shape": [1], "y": 2}},
        {"x": {"dtype": "int8", "shape": [float("inf")]}},
        {"x": {"dtype": "int8", "shape": np.zeros((2, 2))}},
        {"x": {"dtype": [], "shape": [1]}},
        {"x": {"dtype": np.zeros(2), "shape": [1]}},
        {"x": {"dtype": "int8", "shape": [1], "low": np.zeros(2)}},
        {"x": {"dtype": "int8", "shape": [1], "high": "much"}},
    ],
)
def test_what_describes_no_specs_is_refused(tree):
    with pytest.raises(SpecMismatch):
        specs_from_tree(tree)

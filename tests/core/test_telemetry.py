"""Telemetry: what one end writes, the other reads, and nothing else passes."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from daydreamer.core import pack
from daydreamer.core.errors import Corrupt
from daydreamer.core.telemetry import VERSION, OtherVersion, Telemetry
from tests.contracts.telemetry import telemetry


@pytest.fixture
def made():
    return telemetry(
        faults=("a motor is warm",), velocity_body=np.full(3, np.nan), foot_contact=np.array([True, False, True, True]),
        reward=9,
    )  # fmt: skip


def same(one, other):
    for field in fields(Telemetry):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b, field.name


@pytest.mark.parametrize("truth", [np.array([1.0, 2.0, 0.3]), None])
def test_what_is_written_is_read(made, truth):
    made = replace(made, truth_position=truth)
    read = Telemetry.from_bytes(made.to_bytes())
    same(made, read)
    assert math.isnan(read.velocity_body[0]) and not read.joint_pos.flags.writeable


def changed(made, **changes):
    tree = pack.loads(made.to_bytes())
    return pack.dumps({**tree, **changes})


@pytest.mark.parametrize("version", [VERSION + 1, "3", np.zeros(2)])
def test_another_version_is_said_to_be_one(made, version):
    with pytest.raises(OtherVersion, match="same daydreamer on both sides"):
        Telemetry.from_bytes(changed(made, telemetry=version))


@pytest.mark.parametrize(
    "changes",
    [
        {"activity": "dancing"},
        {"mode": 3},
        {"steps": 1.5},
        {"simulated": 1},
        {"link": {"connected": "yes"}},
        {"faults": "text"},
        {"extra": 1},
        {"sizes": {"joint_pos": 2}},
        {"sizes": {"joint_pos": -1}},
        {"sizes": None},
        {"numbers": np.zeros(3)},
        {"numbers": np.zeros(3, np.float32)},
        {"joint_names": ["one"]},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(made, changes):
    with pytest.raises(Corrupt):
        Telemetry.from_bytes(changed(made, **changes))


def test_what_is_no_telemetry_is_refused(made):
    for blob in (b"", b"nonsense", pack.dumps({"a": 1}), made.to_bytes()[:-1]):
        with pytest.raises(Corrupt):
            Telemetry.from_bytes(blob)

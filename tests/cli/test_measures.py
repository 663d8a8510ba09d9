from dataclasses import replace

import pytest

from daydreamer.cli import measures
from daydreamer.core.specs import ArraySpec, validate
from daydreamer.presets.registry import load


def test_made_up_rows_fit_their_spec():
    spec = {"a": ArraySpec((3,), low=-1.0, high=1.0), "b": ArraySpec((), "bool"), "c": ArraySpec((2, 2))}
    rows = measures.made_up_rows(spec, 5)
    stacked = {key: replace(array, shape=(5, *array.shape)) for key, array in spec.items()}
    validate(stacked, rows)


@pytest.mark.parametrize("part", ["policy", "robot", "replay", "protocol"])
def test_each_part_can_be_measured(part):
    found = measures.PARTS[part](load("fake-tiny"), 0.05)
    assert found and all(value > 0 for value in found.values())

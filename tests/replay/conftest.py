"""Small rows whose ``value`` says who they are: ``tag * 1000 + seq``."""

import numpy as np
import pytest

from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS, row_spec
from daydreamer.replay import Replay
from daydreamer.replay.archive import Archive

OBS = {"value": ArraySpec((2,), "float32"), "log/up": ArraySpec((), "float32"), **FLAGS}
SPEC = row_spec(OBS, {"action": ArraySpec((1,), "float32", -1, 1)})


def make_rows(first, count, tag=0, spec=SPEC):
    rows = {key: np.zeros((count, *s.shape), s.dtype) for key, s in spec.items()}
    rows["value"][:] = (tag * 1000 + np.arange(first, first + count))[:, None]
    return rows


@pytest.fixture
def spec():
    return dict(SPEC)


@pytest.fixture
def rows():
    return make_rows


@pytest.fixture
def opened(tmp_path):
    """Opens replays in one directory and closes what is left open."""
    replays = []

    def open_replay(capacity=1000, seed=0, spec=SPEC, **options):
        replays.append(Replay(tmp_path / "replay", spec, capacity, seed, **options))
        return replays[-1]

    yield open_replay
    for replay in replays:
        replay.close()


@pytest.fixture
def values():
    """The identities of all rows, in storage order."""
    return lambda replay: replay.read(0, len(replay), ["value"])["value"][:, 0].astype(int).tolist()


@pytest.fixture
def exported():
    """The identities of all rows of a directory as an export has them."""
    return lambda path: [int(v) for part in Archive(path).parts() for v in part.rows["value"][:, 0]]

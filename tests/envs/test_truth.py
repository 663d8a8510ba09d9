import math

import numpy as np
import pytest

from daydreamer.core import specs
from daydreamer.envs.truth import TRUTH, truth_log


def truth(quat, velocity=(0.0, 0.0, 0.0)) -> dict[str, np.ndarray]:
    return {
        "quat_xyzw": np.array(quat),
        "velocity": np.array(velocity),
        "position": np.array([1.0, 2.0, 0.3]),
    }


HALF = math.sqrt(0.5)


def test_it_fits_its_spec():
    specs.validate(TRUTH, truth_log(truth([0.0, 0.0, 0.0, 1.0])))


def test_forward_is_where_the_body_faces():
    # A quarter turn to the left: the body faces along the world's y.
    logged = truth_log(truth([0.0, 0.0, HALF, HALF], velocity=[0.1, 0.5, 0.2]))
    assert logged["log/truth/forward_speed"] == pytest.approx(0.5)
    assert logged["log/truth/up"] == pytest.approx(1.0)
    np.testing.assert_allclose(logged["log/truth/position"], [1.0, 2.0, 0.3], rtol=1e-6)


def test_upside_down():
    # Half a turn about x: up is down, forward stays forward.
    logged = truth_log(truth([1.0, 0.0, 0.0, 0.0], velocity=[0.3, 0.0, 0.0]))
    assert logged["log/truth/up"] == pytest.approx(-1.0)
    assert logged["log/truth/forward_speed"] == pytest.approx(0.3)


def test_a_nose_straight_up_faces_nowhere():
    logged = truth_log(truth([0.0, -HALF, 0.0, HALF], velocity=[0.3, 0.0, 0.0]))
    assert logged["log/truth/up"] == pytest.approx(0.0, abs=1e-6)
    assert logged["log/truth/forward_speed"] == 0.0

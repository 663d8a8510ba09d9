import cmath
import math

import numpy as np
import pytest

from daydreamer.envs.tasks.filter import LowPass


def gain(low_pass: LowPass, hz: float, rate_hz: float) -> float:
    """|H(e^jw)| of its coefficients."""
    z = cmath.exp(-2j * math.pi * hz / rate_hz)
    b, a = low_pass.b, low_pass.a
    return abs((b[0] + b[1] * z + b[2] * z * z) / (a[0] + a[1] * z + a[2] * z * z))


def test_coefficients_where_they_can_be_worked_by_hand():
    # At a quarter of the rate k = tan(pi / 4) = 1, so n = 2 + sqrt(2):
    # b = (1, 2, 1) / n, a1 = 2 (1 - 1) / n = 0, a2 = (2 - sqrt(2)) / (2 + sqrt(2)) = 3 - 2 sqrt(2)
    low_pass = LowPass(5.0, 20.0)
    n = 2 + math.sqrt(2)
    assert low_pass.b == pytest.approx((1 / n, 2 / n, 1 / n))
    assert low_pass.a == pytest.approx((1.0, 0.0, 3 - 2 * math.sqrt(2)))


def test_coefficients_at_the_walking_tasks_rate():
    # k = tan(0.075 pi) = 0.2400788, k^2 = 0.0576378, n = 1 + 0.3395227 + 0.0576378 = 1.3971605
    # b0 = 0.0576378 / n, a1 = -2 * 0.9423622 / n, a2 = (1 - 0.3395227 + 0.0576378) / n
    low_pass = LowPass(1.5, 20.0)
    assert low_pass.b == pytest.approx((0.0412535, 0.0825071, 0.0412535), abs=1e-6)
    assert low_pass.a == pytest.approx((1.0, -1.3489677, 0.5139819), abs=1e-6)


def test_gain_is_one_at_rest_minus_3_db_at_the_cutoff_and_zero_at_half_the_rate():
    low_pass = LowPass(1.5, 20.0)
    assert gain(low_pass, 0.0, 20.0) == pytest.approx(1.0)
    assert gain(low_pass, 1.5, 20.0) == pytest.approx(1 / math.sqrt(2))
    assert gain(low_pass, 10.0, 20.0) == pytest.approx(0.0, abs=1e-9)


def test_a_sine_at_the_cutoff_comes_out_at_its_gain():
    low_pass = LowPass(1.5, 20.0)
    low_pass.reset(np.zeros(()))
    # 40 samples hold exactly three periods; the first 200 are the filter settling.
    out = [float(low_pass(np.array(math.sin(2 * math.pi * 1.5 * n / 20.0)))) for n in range(240)]
    mean_square = sum(y * y for y in out[200:]) / 40
    assert mean_square == pytest.approx(0.5 * 0.5)  # sine's 1/2, times the gain squared


def test_first_outputs_after_a_step():
    low_pass = LowPass(5.0, 20.0)
    low_pass.reset(np.zeros(1))
    n, a2 = 2 + math.sqrt(2), 3 - 2 * math.sqrt(2)
    assert low_pass(np.ones(1))[0] == pytest.approx(1 / n)
    assert low_pass(np.ones(1))[0] == pytest.approx(3 / n)
    assert low_pass(np.ones(1))[0] == pytest.approx(4 / n - a2 * (1 / n))


def test_reset_holds_its_value_until_told_otherwise():
    low_pass = LowPass(1.5, 20.0)
    pose = np.array([0.1, 0.9, -1.8])
    low_pass.reset(pose)
    for _ in range(5):
        np.testing.assert_allclose(low_pass(pose), pose, rtol=1e-12)


def test_it_keeps_no_hold_on_arrays_of_others():
    low_pass = LowPass(1.5, 20.0)
    pose = np.ones(2)
    low_pass.reset(pose)
    pose[:] = 7.0
    np.testing.assert_allclose(low_pass(np.ones(2)), np.ones(2))


@pytest.mark.parametrize("cutoff", [0.0, -1.0, 10.0, 12.0])
def test_a_cutoff_beyond_half_the_rate_is_refused(cutoff):
    with pytest.raises(ValueError, match=r"between 0 and 10\.0 Hz"):
        LowPass(cutoff, 20.0)

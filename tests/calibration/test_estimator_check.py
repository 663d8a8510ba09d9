"""The velocity estimate against the truth, on the two motions that matter most."""

import pytest

from calibration.estimator_check import MOTIONS, score

BY_NAME = {motion.name: motion for motion in MOTIONS}


@pytest.mark.parametrize("name", ["walking", "lifted"])
def test_the_estimate_is_near_and_does_not_claim_to_be_nearer(name):
    found = score(BY_NAME[name], seconds=3.0)
    assert found.rmse.max() < 0.08
    assert found.inside >= 0.9

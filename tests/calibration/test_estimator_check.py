"""The velocity estimate against the truth, on the motions that matter most."""

import numpy as np

from calibration.estimator_check import MOTIONS, score

BY_NAME = {motion.name: motion for motion in MOTIONS}


def test_walking_is_followed_with_packets_lost_and_the_filter_knows_how_well():
    found = score(BY_NAME["walking"], seconds=3.5, lost=0.1)
    assert found.finite
    assert found.rmse.max() < 0.08
    assert 1.0 < found.innovation < 6.0, "3 is honest"
    assert found.innovation_inside > 0.8
    assert found.slips_imagined < 0.3, "what was said before a lost packet is old"


def test_being_lifted_is_noticed():
    found = score(BY_NAME["lifted"], seconds=4.5)
    assert found.lift_found > 0.6 and found.lift_imagined == 0.0
    assert found.error_inside > 0.9, "it does not believe that it stands still"


def test_feet_that_slip_are_noticed():
    found = score(BY_NAME["slipping"], seconds=3.0)
    assert found.slips_found > 0.8 and found.slips_imagined < 0.3
    assert np.isfinite(found.update_s)

"""Step 4: it stands up from its belly, holds, and lies down. Hold the stop button."""

import numpy as np

from robots.a1.stand import MOTIONS, damp, play, up_z
from robots.safety.modes import Mode


def test_it_stands_up_and_lies_down(a1):
    assert up_z(a1.read()) > 0.7, "lay it on its belly first"
    state = play(a1, MOTIONS["stand"], hold=1.0, stopped=lambda: a1.stopped)
    assert up_z(state) > 0.9
    np.testing.assert_allclose(state.joint_pos, a1.info.stand_pos, atol=0.25)
    assert a1.mode is Mode.NORMAL
    state = play(a1, MOTIONS["lie"], stopped=lambda: a1.stopped)
    state = damp(a1, seconds=0.5)
    assert up_z(state) > 0.9
    assert np.abs(state.joint_torque).max() < 5.0

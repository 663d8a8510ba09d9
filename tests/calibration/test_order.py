"""Swapped legs and joints that turn the other way are caught before any offset is believed, and named."""

import numpy as np
import pytest

from calibration import guide, order
from calibration.rigs import SimRig
from calibration.session import CalibrationStopped, Session
from calibration.truth import draw

RIGHT = [(joint, False) for joint in range(12)]
FR_AND_FL = [3, 4, 5, 0, 1, 2, *range(6, 12)]


def turned(*joints):
    return [-1.0 if joint in joints else 1.0 for joint in range(12)]


def asked(tmp_path, **wrong):
    """Why the calibration of a robot with these plugs, and all else that may be wrong, does not begin."""
    files = guide.Files(tmp_path)
    session = Session(SimRig(distortion={**draw(2), **wrong}, seed=1))
    with pytest.raises(CalibrationStopped) as stopped:
        guide.run(session, files, guide.begin(files, "a1-sim", "blue"), ["joints"])
    assert not list(tmp_path.iterdir()), "nothing is written"
    assert "legs' plugs" in str(stopped.value), "it says what to do"
    return str(stopped.value)


def test_two_swapped_legs_and_a_turned_hip_are_named(tmp_path):
    why = asked(tmp_path, wired_to=FR_AND_FL, turns=turned(9))
    assert why.startswith("FR and FL are swapped; RL_hip turns the other way. ")


def test_a_turned_calf_and_one_mixed_up_with_its_thigh_are_named_before_anything_moves(tmp_path):
    assert asked(tmp_path, turns=turned(11)).startswith("RL_calf turns the other way. ")
    mixed = [0, 2, 1, *range(3, 12)]
    assert asked(tmp_path, wired_to=mixed).startswith("FR_thigh and FR_calf are swapped. ")


def test_folded_legs_tell_their_joints_apart():
    """In FR thigh and calf are mixed up; RL's thigh turns the other way. Zeros are off by 0.1 rad."""
    pos = np.tile([0.0, 1.4, -2.6], 4) + 0.1
    pos[[1, 2]] = pos[[2, 1]]
    pos[10] = -pos[10]
    found = order.folded(pos)
    assert order.wrong(found)[-1] == "RL_thigh turns the other way"
    assert "FR_thigh and FR_calf are swapped" in order.wrong(found)
    with pytest.raises(CalibrationStopped, match="fold the legs"):
        order.folded(np.tile([0.0, 0.9, -1.8], 4))  # it stands


@pytest.mark.parametrize(
    ("tilts", "legs"),
    [
        # Front goes up, right goes up, and a pair across rocks: all is well.
        ([[0.08, 0.0], [0.0, -0.11], [0.03, 0.03]], (0, 1, 2, 3)),
        ([[0.07, 0.0], [-0.02, -0.12], [0.01, 0.04]], (0, 1, 2, 3)),
        # FR's command is answered at FL: front still goes up; FL with RR is across, FL with RL is left.
        ([[0.08, 0.01], [0.02, -0.03], [0.01, 0.11]], (1, 0, 2, 3)),
        # RR and RL: FR with RL is across; FR with RR is right.
        ([[0.08, 0.0], [-0.03, -0.05], [0.0, -0.11]], (0, 1, 3, 2)),
    ],
)
def test_three_pairs_tell_the_order_of_the_legs(tilts, legs):
    assert order.order(np.array(tilts)) == legs


def test_a_body_that_does_not_move_tells_nothing():
    with pytest.raises(CalibrationStopped, match="no order of the legs"):
        order.order(np.zeros((3, 2)))


def test_what_is_wrong_is_said_by_name():
    assert order.wrong(RIGHT) == []
    mixed = [(1, False), (2, False), (0, True), *RIGHT[3:]]
    assert order.wrong(mixed) == [
        "FR_thigh answers to FR_hip's command",
        "FR_calf answers to FR_thigh's command",
        "FR_hip answers to FR_calf's command",
        "FR_hip turns the other way",
    ]

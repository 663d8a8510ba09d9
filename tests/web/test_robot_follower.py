import json

import numpy as np
import pytest

from daydreamer.web.robot_follower import RobotFollower
from tests.contracts.telemetry import telemetry
from tests.web.conftest import FakeConsole

NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("joint_pos", np.full(12, NAN)),
        ("joint_torque", np.full(12, NAN)),
        ("quat_xyzw", np.full(4, NAN)),
        ("velocity_heading", np.full(3, NAN)),
        ("truth_position", np.full(3, NAN)),
        ("reward", NAN),
        ("times", {"late": NAN}),
    ],
)
def test_a_reading_that_is_no_number_is_told_as_none_and_keeps_nothing_else_back(name, value):
    follower = RobotFollower("spot", FakeConsole())
    follower.take(telemetry(**{name: value}, mode="DAMP"))
    message = json.loads(json.dumps(follower.message(), allow_nan=False))
    assert message["mode"] == "DAMP"
    assert None in np.ravel(list(message[name].values()) if name == "times" else message[name])


def test_the_heading_stays_as_it_was_while_the_imu_reads_no_number():
    follower = RobotFollower("spot", FakeConsole())
    quarter = np.array([0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)])  # to the left
    for quat in (quarter, np.full(4, NAN)):
        follower.take(telemetry(quat_xyzw=quat))
        assert follower.message()["trail"]["yaw"] == pytest.approx(1.571)

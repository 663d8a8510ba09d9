"""From telemetry to ROS 2's fields: values, units, names, stamps and frames, worked out by hand."""

import numpy as np
import pytest

from robots.a1 import urdf
from robots.ros2 import convert, diagnostics, topics
from robots.ros2.convert import ImuNoise
from robots.ros2.diagnostics import Level
from robots.ros2.seen import Seen
from robots.ros2.stamp import header, stamp
from tests.runtime.ros2_telemetry import telemetry


def seen(**changes):
    return Seen.of(telemetry(**changes))


def values(status):
    return {pair["key"]: pair["value"] for pair in status["values"]}


def test_a_stamp_is_seconds_and_nanoseconds_of_unix_time():
    assert stamp(12.25) == {"sec": 12, "nanosec": 250_000_000}
    assert stamp(1.9999999999) == {"sec": 2, "nanosec": 0}  # never 10^9 nanoseconds


def test_joints_have_the_names_of_the_description_so_that_robot_state_publisher_moves_them():
    found = convert.joint_states(seen())
    assert tuple(found["name"]) == urdf.JOINTS
    assert found["position"][3] == pytest.approx(0.3) and found["velocity"][3] == 3.0
    assert found["effort"][4] == -1.0
    assert found["header"]["stamp"] == {"sec": 100, "nanosec": 250_000_000}, "the time of the reading"


def test_commands_are_the_targets_and_nothing_is_said_while_the_motors_have_none():
    found = convert.joint_commands(seen())
    assert found["position"][5] == 1.0 and found["velocity"] == found["effort"] == []
    assert convert.joint_commands(seen(mode="HOLD")) is not None
    assert convert.joint_commands(seen(mode="DAMP")) is None
    assert convert.joint_commands(seen(joint_target=np.full(12, np.nan))) is None


def test_feet_are_links_that_touch_the_ground_or_do_not():
    found = convert.foot_contacts(seen())
    assert found["name"] == ["FR_foot", "FL_foot", "RR_foot", "RL_foot"]
    assert found["position"] == [1.0, 0.0, 1.0, 0.0] and found["effort"] == [30.0, 0.0, 28.0, 0.0]
    assert all(f'link name="{name}"' in urdf.description() for name in found["name"])


def test_the_imu_speaks_in_its_own_frame_and_says_that_its_noise_is_not_known():
    found = convert.imu(seen())
    assert found["header"]["frame_id"] == "imu_link"
    assert found["orientation"] == {"x": 0.0, "y": 0.0, "z": 0.6, "w": 0.8}
    assert found["angular_velocity"] == {"x": 0.1, "y": 0.2, "z": 0.3}
    assert found["linear_acceleration"]["z"] == 9.81
    for name in ("orientation", "angular_velocity", "linear_acceleration"):
        assert found[f"{name}_covariance"] == [0.0] * 9  # sensor_msgs/Imu: all zeros is "not known"


def test_a_noise_that_is_known_is_a_variance_about_each_axis():
    found = convert.imu(seen(), ImuNoise(0.5, 0.25, 2.0))
    assert found["orientation_covariance"] == [0.25, 0, 0, 0, 0.25, 0, 0, 0, 0.25]
    assert found["angular_velocity_covariance"][4] == 0.0625
    assert found["linear_acceleration_covariance"][8] == 4.0


@pytest.mark.parametrize("quat", [np.zeros(4), np.full(4, np.nan)], ids=["zero", "nan"])
def test_an_orientation_that_is_none_is_marked_so(quat):
    found = convert.imu(seen(quat_xyzw=quat))
    assert found["orientation_covariance"][0] == -1.0  # sensor_msgs/Imu: no estimate
    assert found["orientation"]["w"] == 1.0


def test_the_twist_is_the_estimate_in_the_bodys_frame_or_nothing():
    found = convert.odom_twist(seen())
    assert found["header"]["frame_id"] == "base_link"
    assert found["twist"]["linear"] == {"x": 0.25, "y": 0.0, "z": -0.125}
    assert found["twist"]["angular"]["z"] == 0.3
    assert convert.odom_twist(seen(velocity_body=np.full(3, np.nan))) is None


def test_the_body_lies_in_the_world_as_its_quaternion_says_or_nothing_is_said():
    place = np.array([1.0, 2.0, 0.25])
    (moved,) = convert.transforms(seen(), place)["transforms"]
    assert (moved["header"]["frame_id"], moved["child_frame_id"]) == ("odom", "base_link")
    assert moved["header"]["stamp"] == {"sec": 100, "nanosec": 250_000_000}
    assert moved["transform"]["translation"] == {"x": 1.0, "y": 2.0, "z": 0.25}
    assert moved["transform"]["rotation"] == {"x": 0.0, "y": 0.0, "z": 0.6, "w": 0.8}
    assert convert.transforms(seen(quat_xyzw=np.zeros(4)), place) is None


def test_the_mode_of_a_silent_actor_is_unknown():
    assert convert.mode(seen(mode="HOLD")) == {"data": "HOLD"} and convert.mode(None) == {"data": "UNKNOWN"}


@pytest.mark.parametrize(
    ("changes", "which", "level"),
    [
        ({}, "safety", Level.OK),
        ({"faults": ("a motor is warm",)}, "safety", Level.WARN),
        ({"mode": "HOLD"}, "safety", Level.WARN),
        ({"mode": "DAMP", "stopped": "stopped by Ann"}, "safety", Level.ERROR),
        ({"estop": "lost"}, "safety", Level.ERROR),
        ({"temperature": np.full(12, 49.9)}, "motors", Level.OK),
        ({"temperature": np.full(12, 50.0)}, "motors", Level.WARN),
        ({"temperature": np.full(12, 60.0)}, "motors", Level.ERROR),
        ({"times": {"period": 0.05, "late": 0.010}}, "control loop", Level.OK),
        ({"times": {"period": 0.05, "late": 0.011}}, "control loop", Level.WARN),
        ({"age": 1.5}, "control loop", Level.ERROR),
        ({"link": {"connected": 0.0, "down": 12.0}}, "link", Level.WARN),
    ],
)
def test_what_is_wrong_is_told_at_its_level(changes, which, level):
    found = diagnostics.diagnostics(seen(**changes))["status"]
    (status,) = [one for one in found if one["name"] == f"daydreamer: {which}"]
    assert status["level"] == level
    if which != "safety" or level != Level.ERROR:
        others = [one for one in found if one is not status]
        assert {one["level"] for one in others} == {0}, "and nothing else is"


def test_diagnostics_say_why_the_robot_stopped_and_what_each_motor_has():
    safety, motors, *_ = diagnostics.diagnostics(seen(mode="DAMP", stopped="stopped by Ann"))["status"]
    assert safety["message"] == "stopped by Ann" and safety["hardware_id"] == "a1"
    assert values(motors)["FR_hip degC"] == "30"


def test_namespaces_are_what_ros_2_takes():
    assert topics.JOINTS.under(topics.check_namespace("/lab/spot")).name == "/lab/spot/joint_states"
    for bad in ("spot", "/spot/", "/1", "/a b"):
        with pytest.raises(Exception, match="namespace"):
            topics.check_namespace(bad)


def test_a_reader_hears_a_writer_that_offers_as_much():
    demanding, modest = topics.Qos(latched=True), topics.Qos(reliable=False)
    assert modest.hears(demanding) and not demanding.hears(modest)
    assert not topics.Qos(latched=True).hears(topics.Qos())


def test_a_header_has_a_frame_only_where_one_belongs():
    assert header(1.0) == {"stamp": {"sec": 1, "nanosec": 0}, "frame_id": ""}

"""A recording of the bridge, read by the programs of others."""

from pathlib import Path

import pytest

pytest.importorskip("mcap", reason="mcap is not installed")
pytest.importorskip("mcap_ros2", reason="mcap-ros2-support is not installed")

from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from robots.ros2 import topics
from robots.ros2.back_end import BackEndError, NodeConfig, open_back_end
from tests.runtime.ros2_telemetry import bridge_of, telemetry


def recording(path: Path):
    return open_back_end("mcap", NodeConfig("daydreamer", topics.OUT, (), file=path))


def test_mcap_ros2_support_reads_every_topic_with_its_type_and_values(tmp_path):
    back_end = recording(tmp_path / "a.mcap")
    bridge, _ = bridge_of(back_end)
    bridge.tell(telemetry())
    back_end.close()
    with (tmp_path / "a.mcap").open("rb") as file:
        found = {
            channel.topic: (schema.name, message)
            for schema, channel, _, message in make_reader(
                file, decoder_factories=[DecoderFactory()]
            ).iter_decoded_messages()
        }
    assert {name: kind for name, (kind, _) in found.items()} == {one.name: one.type for one in topics.OUT}
    joints = found["/joint_states"][1]
    assert joints.name[0] == "FR_hip_joint" and joints.position[3] == pytest.approx(0.3)
    assert joints.header.stamp.sec == 100 and joints.header.stamp.nanosec == 250_000_000
    assert found["/imu/data"][1].linear_acceleration.z == 9.81
    assert found["/daydreamer/mode"][1].data == "NORMAL"


def test_rosbags_reads_it_as_a_rosbag_and_knows_the_types_from_the_file(tmp_path):
    rosbags = pytest.importorskip("rosbags.highlevel", reason="rosbags is not installed")
    back_end = recording(tmp_path / "a.mcap")
    bridge_of(back_end)[0].tell(telemetry())
    back_end.close()
    with rosbags.AnyReader([tmp_path / "a.mcap"]) as reader:
        read = {
            connection.topic: reader.deserialize(data, connection.msgtype)
            for connection, _, data in reader.messages()
        }
    assert read["/odom_twist"].twist.linear.z == -0.125
    assert next(status.name for status in read["/diagnostics"].status) == "daydreamer: safety"


def test_a_recording_never_replaces_one_and_needs_a_name(tmp_path):
    recording(tmp_path / "a.mcap").close()
    with pytest.raises(BackEndError, match="there already"):
        recording(tmp_path / "a.mcap")
    with pytest.raises(BackEndError, match="--file"):
        open_back_end("mcap", NodeConfig("daydreamer", topics.OUT, ()))


def test_a_recording_hears_nothing(tmp_path):
    back_end = recording(tmp_path / "a.mcap")
    assert back_end.take(0.0) == [] and back_end.problems() == []
    back_end.close()
    back_end.close()

"""Recordings, read back by the library of MCAP's authors and its decoder of ROS 2 messages."""

import dataclasses

import numpy as np
import pytest
from mcap.exceptions import EndOfFile
from mcap.reader import NonSeekingReader, make_reader
from mcap_ros2.decoder import DecoderFactory

from daydreamer.runtime.recording.recorder import Recorder, RecorderConfig
from robots.ros2 import topics
from robots.ros2.back_end import NodeConfig, open_back_end
from tests.contracts.telemetry import INFO, telemetry
from tests.runtime.ros2_telemetry import bridge_of

STANDS = telemetry(
    joint_vel=np.arange(12.0), joint_torque=np.full(12, 2.5), joint_target=INFO.stand_pos + 0.1,
    quat_xyzw=np.array([0.0, 0.0, 0.6, 0.8]), gyro=np.array([0.1, 0.2, 0.3]),
    foot_force=np.array([30.0, 0.0, 31.0, 29.0]), foot_contact=np.array([True, False, True, True]),
    velocity_body=np.array([0.4, 0.0, 0.0]), times={"late": 0.0003}, link={"connected": 1.0},
    truth_position=np.array([1.0, 2.0, 0.3]),
)  # fmt: skip


def at(seconds, **changes):
    return dataclasses.replace(STANDS, wall=1000.0 + seconds, **changes)


def messages(path, reader=make_reader):
    """By topic: (log time in s, message), in the order of the file."""
    found = {}
    with path.open("rb") as file:
        for _, channel, message, decoded in reader(
            file, decoder_factories=[DecoderFactory()]
        ).iter_decoded_messages():
            found.setdefault(channel.topic, []).append((message.log_time / 1e9, decoded))
    return found


def record(directory, *moments, config=None):
    recorder = Recorder(directory, "actor", config)
    for moment in moments:
        recorder.take(moment)
    recorder.close()
    return recorder.path


def test_states_and_commands_come_back_as_ros_messages(tmp_path):
    found = messages(record(tmp_path, at(0.0), at(0.05)))
    (first, state), (second, _) = found["/joint_states"]
    assert (first, second) == (1000.0, 1000.05)
    assert state.name[:3] == ["FR_hip_joint", "FR_thigh_joint", "FR_calf_joint"]
    np.testing.assert_allclose(state.position, INFO.stand_pos)
    assert list(state.velocity) == list(range(12)) and list(state.effort) == [2.5] * 12
    assert (state.header.stamp.sec, state.header.stamp.nanosec) == (1000, 0)
    np.testing.assert_allclose(found["/joint_commands"][0][1].position, INFO.stand_pos + 0.1)
    imu = found["/imu/data"][0][1]
    assert (imu.orientation.z, imu.orientation.w) == (0.6, 0.8) and imu.linear_acceleration.z == 9.81
    feet = found["/foot_contacts"][0][1]
    assert list(feet.position) == [1.0, 0.0, 1.0, 1.0] and list(feet.effort) == [30.0, 0.0, 31.0, 29.0]
    assert found["/odom_twist"][0][1].twist.linear.x == 0.4
    moved = found["/tf"][0][1].transforms[0]
    assert (moved.child_frame_id, moved.transform.translation.y) == ("base_link", 2.0)


def test_faults_modes_and_hands_are_lines_of_the_log_once_each(tmp_path):
    hot = {"faults": ("FR thigh is warm: 51 degC",)}
    stop = {"mode": "DAMP", "stopped": "stopped by Ann", "last_hand": "damp by Ann: the robot damps"}
    found = messages(
        record(tmp_path, at(0.0), at(0.1), at(0.2, **hot), at(0.3, **hot), at(0.4, **hot, **stop), at(0.5, **stop))
    )  # fmt: skip
    lines = [(when, line.level, line.msg) for when, line in found["/rosout"]]
    assert lines == [
        (1000.0, 20, "mode NORMAL, learning"),
        (1000.2, 30, "fault: FR thigh is warm: 51 degC"),
        (1000.4, 40, "mode DAMP, learning"),
        (1000.4, 40, "stopped: stopped by Ann"),
        (1000.4, 20, "hand: damp by Ann: the robot damps"),
    ]
    assert [mode.data for _, mode in found["/daydreamer/mode"]] == ["NORMAL", "DAMP"]


def test_a_robot_that_damps_has_no_commands(tmp_path):
    assert "/joint_commands" not in messages(record(tmp_path, at(0.0, mode="DAMP")))


def test_a_stop_is_recorded_while_the_control_loop_hangs(tmp_path):
    """The console tells the last moment again and again, with what the robot's safety says now."""
    found = messages(record(tmp_path, at(0.0), at(0.0, age=2.0, mode="DAMP", stopped="by Ann")))
    assert len(found["/joint_states"]) == 1
    assert found["/rosout"][-1][0] == 1002.0 and found["/rosout"][-1][1].msg == "stopped: by Ann"


def test_a_reading_is_recorded_once_while_the_robot_is_silent(tmp_path):
    silent = [at(0.0, reading_age=k / 20, mode="DAMP", stopped="no state") for k in range(1, 41)]  # to 2 s
    found = messages(record(tmp_path, at(0.0), *silent))
    assert len(found["/joint_states"]) == len(found["/imu/data"]) == 1
    assert [when for when, _ in found["/diagnostics"]] == [1000.0, 1001.0, 1002.0]
    assert found["/diagnostics"][-1][1].header.stamp.sec == 1002
    assert found["/rosout"][-1][0] == 1000.05


def test_diagnostics_come_once_a_second(tmp_path):
    found = messages(record(tmp_path, *(at(k / 20) for k in range(41))))  # 0 to 2 s
    assert [when for when, _ in found["/diagnostics"]] == [1000.0, 1001.0, 1002.0]
    said = {status.name.removeprefix("daydreamer: "): status for status in found["/diagnostics"][0][1].status}
    assert list(said) == ["safety", "motors", "control loop", "link", "policy"]
    assert (said["safety"].message, said["safety"].hardware_id) == ("NORMAL, learning", "a1-sim")
    values = {pair.key: pair.value for status in said.values() for pair in status.values}
    assert (values["late ms"], values["FR_hip degC"], values["version"]) == ("0.3", "31", "3")


def raw(path):
    """By topic: each message's type, definition and bytes."""
    found = {}
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file).iter_messages():
            found.setdefault(channel.topic, []).append((schema.name, schema.data, message.data))
    return found


@pytest.mark.parametrize(
    "changes",
    [{}, {"quat_xyzw": np.zeros(4)}, {"velocity_body": np.full(3, np.nan)}, {"mode": "DAMP", "stopped": "by Ann"}],
    ids=["stands", "no orientation", "no estimate", "stopped"],
)  # fmt: skip
def test_a_recording_and_the_bridge_say_the_same(tmp_path, changes):
    told = at(0.0, reading_age=0.1, **changes)
    path, bridged = record(tmp_path, told), tmp_path / "bridged"
    back_end = open_back_end("mcap", NodeConfig("daydreamer", topics.OUT, (), file=bridged))
    bridge_of(back_end)[0].tell(told)
    back_end.close()
    ours, theirs = raw(path), raw(bridged)
    assert ours.keys() - theirs.keys() <= {"/tf", "/daydreamer/reward", "/rosout"}
    assert theirs.keys() - ours.keys() == {"/daydreamer/metrics"}
    for topic in (ours.keys() & theirs.keys()) - {"/diagnostics"}:
        assert ours[topic] == theirs[topic], topic
    (_, diagnosed), (_, judged) = messages(path)["/diagnostics"][0], messages(bridged)["/diagnostics"][0]
    assert repr(diagnosed.header) == repr(judged.header)  # the decoder makes a class for each file
    assert len(diagnosed.status) == 5  # the last is what the other does not know
    assert list(map(repr, diagnosed.status[:-1])) == list(map(repr, judged.status[:-1]))
    assert (diagnosed.status[-1].name, judged.status[-1].name) == ("daydreamer: policy", "daydreamer: bridge")


def test_a_file_that_was_never_finished_can_be_read_from_its_beginning(tmp_path):
    recorder = Recorder(tmp_path, "actor")
    for k in range(600):  # 30 s
        recorder.take(at(k / 20))
    left = tmp_path / "left.mcap"  # what a kill leaves
    left.write_bytes(recorder.path.read_bytes())
    recorder.close()
    found = []
    with left.open("rb") as file, pytest.raises(EndOfFile):
        found.extend(NonSeekingReader(file).iter_messages(log_time_order=False))
    kept = [message.log_time / 1e9 for _, channel, message in found if channel.topic == "/joint_states"]
    assert kept == sorted(kept) and kept[0] == 1000.0 and kept[-1] > 1020.0


def test_files_follow_each_other_and_the_oldest_are_removed(tmp_path):
    moments = [at(k) for k in range(0, 6000, 30)]  # 100 minutes: ten files
    everything = record(tmp_path / "all", *moments)
    sizes = [path.stat().st_size for path in everything.parent.iterdir()]
    assert len(sizes) == 10
    config = RecorderConfig(keep_bytes=4 * max(sizes))
    record(tmp_path / "some", *moments, config=config)
    kept = sorted((tmp_path / "some").iterdir())
    assert 3 <= len(kept) <= 4 and sum(path.stat().st_size for path in kept) <= config.keep_bytes
    assert kept[-1].name == everything.name  # the newest


def test_a_disk_that_refuses_is_asked_again_after_a_while_and_leaves_no_empty_files(tmp_path, room_for):
    (empty := tmp_path / "empty").touch()
    recorder, refused = Recorder(tmp_path / "some", "actor"), []
    with room_for(empty, 0):
        for k in range(500):  # 25 s
            try:
                recorder.take(at(k / 20))
            except OSError:
                refused.append(k / 20)
        assert list((tmp_path / "some").iterdir()) == [] and recorder.path is None
    assert refused == [0.0, 10.0, 20.0]
    for k in range(500, 700):  # to 35 s
        recorder.take(at(k / 20))
    recorder.close()
    (path,) = (tmp_path / "some").iterdir()
    assert [when for when, _ in messages(path)["/joint_states"]][::99] == [1030.0, 1034.95]


def test_what_was_recorded_before_the_disk_refused_stays(tmp_path, room_for):
    recorder = Recorder(tmp_path, "actor")
    recorder.take(at(0.0))
    with room_for(recorder.path, 0), pytest.raises(OSError, match="large"):
        for k in range(1, 600):
            recorder.take(at(k / 20))
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size > 0


def test_files_of_others_are_not_counted_and_not_removed(tmp_path):
    for name in ("field-test.mcap", "actor-notes.mcap", "rex-20260101-000000.mcap"):
        (tmp_path / name).write_bytes(b"x" * 200_000)
    record(tmp_path, *(at(k) for k in range(3)), config=RecorderConfig(keep_bytes=100_000))
    assert len(list(tmp_path.glob("*.mcap"))) == 4


def test_a_clock_that_is_set_back_stops_no_recording(tmp_path):
    moments = [at(k / 2) for k in range(20)] + [at(k / 2 - 900.0) for k in range(20)]
    record(tmp_path, *moments)
    (path,) = tmp_path.glob("*.mcap")
    found = messages(path)
    assert len(found["/joint_states"]) == 40 and len(found["/diagnostics"]) == pytest.approx(20, abs=2)


def test_two_recordings_within_a_second_have_two_names(tmp_path):
    assert record(tmp_path, at(0.0)).name == "actor-19700101-001640.mcap"
    assert record(tmp_path, at(0.5)).name == "actor-19700101-001640-2.mcap"

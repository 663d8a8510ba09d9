"""The ROS 2 launch file: what it would start, and that ROS 2 takes it, where there is one."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tyro

from daydreamer.cli import ros2
from daydreamer.cli.main import Command
from daydreamer.runtime.supervise import LEARNER_GRACE

LAUNCH = Path(__file__).parent.parent / "launch"


@pytest.fixture(scope="module")
def file():
    return runpy.run_path(str(LAUNCH / "daydreamer.launch.py"))


def settings(file, **changes):
    return {**{name: default for name, (default, _) in file["ARGUMENTS"].items()}, **changes}


def parsed(words):
    """The command that our command line makes of ``words``."""
    return tyro.cli(
        Command, args=words[1:], config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    )


def test_by_default_it_starts_learner_actor_and_bridge_on_this_computer(file):
    commands = file["commands"](settings(file))
    assert list(commands) == ["learner", "actor", "bridge"]
    learner, actor = parsed(commands["learner"]), parsed(commands["actor"])
    assert learner.bind == actor.connect == "127.0.0.1:5555"
    assert (learner.preset, learner.speed, learner.logdir) == (actor.preset, actor.speed, actor.logdir)
    assert actor.keys is None
    bridge = parsed_bridge(commands["bridge"])
    assert bridge.logdir == actor.logdir and bridge.name == actor.name, "console and token are found there"


def test_a_learner_elsewhere_is_connected_to_with_keys_and_none_is_started(file):
    changes = {"learner": "10.0.0.2:5555", "keys": "keys/lab", "name": "spot", "options": "--seed 3"}
    commands = file["commands"](settings(file, **changes))
    assert list(commands) == ["actor", "bridge"]
    actor = parsed(commands["actor"])
    assert (actor.connect, str(actor.keys), actor.name, actor.seed) == (
        "10.0.0.2:5555",
        "keys/lab",
        "spot",
        3,
    )


def test_another_robot_is_a_change_to_the_preset_on_both_sides(file):
    commands = file["commands"](settings(file, robot="a1"))
    assert parsed(commands["learner"]).changes == parsed(commands["actor"]).changes == ("robot=a1",)


def test_a_recording_is_a_rosbag(file):
    assert file["commands"](settings(file, record="bag"))["record"] == [
        "ros2", "bag", "record", "--all", "--output", "bag",
    ]  # fmt: skip


def parsed_bridge(words):
    """The bridge as it understands its own command line, which is not tyro's."""
    return ros2.parse(words[words.index("ros2") + 1 :])


def test_the_bridge_runs_in_the_python_of_ros_2_unless_it_needs_none(file):
    rclpy = file["commands"](settings(file, name="spot"))["bridge"]
    assert rclpy[:3] == [sys.executable, "-m", "daydreamer.cli.entry"]
    assert (parsed_bridge(rclpy).backend, parsed_bridge(rclpy).name) == ("rclpy", "spot")
    dds = file["commands"](settings(file, backend="cyclonedds", program="daydreamer"))["bridge"]
    assert dds[:2] == ["daydreamer", "ros2"] and parsed_bridge(dds).backend == "cyclonedds"


def test_the_learner_may_take_as_long_for_its_last_checkpoint_as_under_train(file, monkeypatch):
    ros = {
        "launch": {},
        "launch.actions": {"ExecuteProcess": dict, "Shutdown": dict},
        "launch.substitutions": {
            "LaunchConfiguration": lambda name: SimpleNamespace(perform=lambda context: context[name])
        },
        "launch_ros": {},
        "launch_ros.actions": {"Node": dict},
    }
    for name, has in ros.items():
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(**has))
    learner = file["_processes"](settings(file))[0]
    assert learner["name"] == "learner"
    assert float(learner["sigterm_timeout"]) + float(learner["sigkill_timeout"]) >= LEARNER_GRACE


def test_the_description_is_the_a1s(file):
    assert '<robot name="a1">' in file["urdf"]()


def test_rviz_shows_the_robot_in_the_frame_of_the_description():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    manager = yaml.safe_load((LAUNCH / "daydreamer.rviz").read_text())["Visualization Manager"]
    assert manager["Global Options"]["Fixed Frame"] == "base_link"
    (model,) = [one for one in manager["Displays"] if one["Class"].endswith("RobotModel")]
    assert model["Description Topic"]["Value"] == "/robot_description"


def test_ros_2_takes_it(file):
    launch = pytest.importorskip("launch", reason="ROS 2 is not here")
    pytest.importorskip("launch_ros", reason="ROS 2 is not here")
    if not hasattr(launch, "LaunchDescription"):
        pytest.skip("this `launch` is not the one of ROS 2")
    from launch.actions import DeclareLaunchArgument, ExecuteProcess

    description = file["generate_launch_description"]()
    *declared, function = description.entities
    assert [one.name for one in declared if isinstance(one, DeclareLaunchArgument)] == list(file["ARGUMENTS"])
    context = launch.LaunchContext()
    for argument in declared:
        argument.visit(context)
    started = function.visit(context)
    assert sum(isinstance(one, ExecuteProcess) for one in started) >= 4  # a Node is one, too

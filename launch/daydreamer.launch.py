"""Start a robot that learns, from ROS 2: `ros2 launch launch/daydreamer.launch.py [NAME:=VALUE ...]`.

Starts the actor, a learner unless one is named, the ROS 2 bridge, robot_state_publisher, and on demand rviz and a
recording. Nothing is built or sourced for it beyond ROS 2 itself; `ros2 launch PATH --show-args` lists the arguments.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LINK = "127.0.0.1:5555"

ARGUMENTS = {
    "preset": ("a1-sim", "robot, task and agent: see `daydreamer train --help`"),
    "robot": ("", "another robot for the preset: a1, a1-sdk, a1-emulated; empty: the preset's own"),
    "run": ("runs/ros", "the run directory; one that holds a run goes on with it"),
    "learner": ("", "HOST:PORT of a learner that runs elsewhere; empty: one is started here"),
    "keys": ("", "directory with NAME.key and learner.pub; needed for a learner elsewhere"),
    "name": ("actor", "of this actor, and of its key"),
    "speed": ("realtime", "of a simulated robot: realtime, or max"),
    "options": ("", "further options of `daydreamer actor`, as '--estop /dev/ttyUSB0'"),
    "backend": (
        "rclpy",
        "of the bridge: rclpy, run by the Python of this ROS 2; or cyclonedds, by the program",
    ),
    "record": ("", "a new directory for a rosbag of all topics; empty: none"),
    "rviz": ("false", "true: open rviz"),
    "program": ("", "the daydreamer to run; empty: .venv/bin/daydreamer of this clone, or the one in PATH"),
}


def commands(settings):
    """The processes of ours that `settings` ask for: a command line by name, in the order of starting."""
    program = settings["program"] or str(ROOT / ".venv" / "bin" / "daydreamer")
    if not settings["program"] and not os.access(program, os.X_OK):
        program = "daydreamer"
    same = ["--preset", settings["preset"], "--logdir", settings["run"], "--speed", settings["speed"]]
    if settings["robot"]:
        same += ["--set", f"robot={settings['robot']}"]
    keys = ["--keys", settings["keys"]] if settings["keys"] else []
    actor = ["--name", settings["name"], "--connect", settings["learner"] or LINK]
    found = {}
    if not settings["learner"]:
        found["learner"] = [program, "learner", *same, "--bind", LINK]
        keys = []  # on this computer
    found["actor"] = [program, "actor", *same, *actor, *keys, *shlex.split(settings["options"])]
    # rclpy is bound to the Python of this ROS 2, which runs this file, too; the others may run another one.
    bridge = [sys.executable, "-m", "daydreamer.cli.entry"] if settings["backend"] == "rclpy" else [program]
    run = ["--logdir", settings["run"], "--name", settings["name"]]  # where the console is, and its token
    found["bridge"] = [*bridge, "ros2", *run, "--backend", settings["backend"]]
    if settings["record"]:
        found["record"] = ["ros2", "bag", "record", "--all", "--output", settings["record"]]
    return found


def _python_path():
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def urdf():
    """The robot's description. Python finds the module in the clone, so nothing has to be installed for it."""
    words = [sys.executable, "-m", "robots.a1.urdf"]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


def _processes(context):
    """What is started, once the arguments are known."""
    from launch.actions import ExecuteProcess, Shutdown
    from launch.substitutions import LaunchConfiguration
    from launch_ros.actions import Node

    settings = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    special = {
        # s from Ctrl-C to SIGTERM: its last checkpoint may go to a memory card, or over a network.
        "learner": {"sigterm_timeout": "100"},
        # Without its actor nothing else has work to do; its own safety has damped the robot by then.
        "actor": {"on_exit": Shutdown(reason="the actor has ended")},
        # A bridge may die and come back: the robot does not depend on it.
        "bridge": {
            "respawn": True,
            "respawn_delay": 2.0,
            "additional_env": {"PYTHONPATH": os.pathsep.join([str(ROOT), *_python_path()])},
        },
    }
    started = [
        ExecuteProcess(
            cmd=words,
            name=name,
            output="screen",
            # s after Ctrl-C, and then after SIGTERM: the actor damps
            **{"sigterm_timeout": "30", "sigkill_timeout": "30", **special.get(name, {})},
        )
        for name, words in commands(settings).items()
    ]
    started.append(
        Node(
            package="robot_state_publisher",
            executable="robot_state_publisher",
            parameters=[{"robot_description": urdf()}],
        )
    )
    if settings["rviz"].lower() in ("true", "1", "yes"):
        started.append(
            Node(package="rviz2", executable="rviz2", arguments=["-d", str(HERE / "daydreamer.rviz")])
        )
    return started


def generate_launch_description():
    """What `ros2 launch` asks for."""
    from launch.actions import DeclareLaunchArgument, OpaqueFunction

    from launch import LaunchDescription

    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_processes)])

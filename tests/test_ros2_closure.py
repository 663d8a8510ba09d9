"""The bridge runs in the Python of a ROS 2 install: numpy, pyzmq and msgpack, and no newer syntax than 3.10."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tyro

from tests.test_imports import EXTRAS, ROOT, modules_under, run_without

REST = ["tyro", "onnxruntime", "docstring_parser", "typeguard"]  # of the base install
BRIDGE = """
    import sys
    from daydreamer.cli.entry import main
    sys.argv = ["daydreamer", "ros2", {words}]
    try:
        main()
    except SystemExit as stop:
        ours = ("_distutils_hack", "__editable__", "daydreamer", "robots", "calibration", "numpy", "zmq", "msgpack")
        strange = {{
            name.partition(".")[0] for name, module in list(sys.modules.items())
            if "site-packages" in str(getattr(module, "__file__", "")) and not name.startswith(ours)
        }}
        print("code", stop.code, "strange", sorted(strange))
"""


def test_its_command_line_needs_no_tyro():
    found = run_without([*EXTRAS, *REST], BRIDGE.format(words='"--help"'))
    assert "{rclpy,cyclonedds,mcap}" in found and "code 0 strange []" in found, found


def test_without_rclpy_it_says_what_to_install():
    if shutil.which("ros2"):
        pytest.skip("there is a ROS 2 here")
    program = (
        "import sys; from daydreamer.cli.entry import main\n"
        "sys.argv = ['daydreamer', 'ros2', '--connect', '127.0.0.1:1']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith("error: ")
    for word in ("rclpy", "setup.bash", "cyclonedds"):
        assert word in done.stderr


@pytest.mark.parametrize("back_end", ["cyclonedds", "mcap"])
def test_a_back_end_that_is_not_installed_says_how_to_install_it(back_end):
    body = f"""
        from robots.ros2.back_end import BackEndError, NodeConfig, open_back_end
        try:
            open_back_end("{back_end}", NodeConfig("x", (), ()))
        except BackEndError as error:
            print(error)
    """
    assert "pip install" in run_without(["cyclonedds", "mcap"], body)


def test_its_files_are_python_3_10():
    modules = [
        *modules_under("robots.ros2"),
        *(f"daydreamer.runtime.{name}" for name in ("ros2_bridge", "ros2_ears", "run_metrics")),
    ]
    for module in [*modules, "daydreamer.runtime.ros2_stop", "daydreamer.cli.ros2", "daydreamer.cli.entry"]:
        path = ROOT / module.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        ast.parse(path.read_text("utf-8"), feature_version=(3, 10))


def test_the_command_daydreamer_begins_where_ros2_can_go_its_own_way():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((Path(ROOT) / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"] == {"daydreamer": "daydreamer.cli.entry:main"}


@pytest.mark.parametrize(
    "words",
    [
        ["--connect", "h:1"],
        ["--logdir", "runs/a", "--name", "spot", "--backend", "mcap", "--file", "a.mcap", "--hz", "5"],
        ["--connect", "h:1", "--token", "t", "--keys", "k", "--namespace", "/a", "--domain", "3"],
        ["--connect", "h:1", "--imu-noise", "0.1", "0.2", "0.3"],
    ],
)
def test_its_two_parsers_understand_the_same(words):
    from daydreamer.cli import ros2
    from daydreamer.cli.main import Command

    config = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    assert ros2.parse(words) == tyro.cli(Command, args=["ros2", *words], config=config)

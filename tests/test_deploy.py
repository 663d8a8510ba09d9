"""Services and containers: their files fit their own formats, and each other."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tyro

from daydreamer.cli.main import Command

ROOT = Path(__file__).parent.parent
SYSTEMD, CONTAINER = ROOT / "launch" / "systemd", ROOT / "launch" / "container"
UNITS = sorted(SYSTEMD.glob("*.service"))
INSTALLED, SETTINGS = "/opt/daydreamer", "/etc/daydreamer"


def parsed(words):
    """The command that our command line makes of ``words``."""
    return tyro.cli(Command, args=words, config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes))


def told(script: Path, *arguments: str, folder: Path, **environment: str) -> list[str]:
    """The command lines of `daydreamer` that ``script`` runs, by a stand-in that writes them down."""
    program = folder / "daydreamer"
    program.write_text(
        f'#!/bin/sh\nfor word; do printf "%s\\037" "$word"; done >> {folder}/told\necho >> {folder}/told\n'
    )
    program.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", script, *arguments], env={"PATH": path, **environment}, check=True, timeout=60)
    return (folder / "told").read_text().splitlines()


def words(line: str) -> list[str]:
    return line.split("\037")[:-1]


def moved(folder: Path) -> Path:
    """The launch scripts where no virtual environment stands beside them."""
    shutil.copytree(ROOT / "launch", folder / "launch")
    return folder / "launch"


# systemd


def entries(unit: Path) -> dict[str, str]:
    lines = [line.split("=", 1) for line in unit.read_text().splitlines() if re.match(r"\w+=", line)]
    return {name: value for name, value in lines}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_accepts_the_units(tmp_path):
    for unit in UNITS:
        text = unit.read_text().replace(INSTALLED, str(ROOT)).replace(SETTINGS, str(SYSTEMD))
        # The virtual environment of whoever runs the tests.
        text = text.replace(f"{ROOT}/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / unit.name for unit in UNITS)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_watched_restarted_and_knows_what_cannot_work(unit):
    has = entries(unit)
    assert (has["Type"], has["NotifyAccess"], has["Restart"]) == ("notify", "main", "on-failure")
    assert int(has["WatchdogSec"]) > 0
    assert has["RestartPreventExitStatus"] == "2"  # our exit code for what would fail again
    assert has["User"] != "root"


def test_an_actor_that_waits_for_its_robot_is_never_taken_for_one_that_starts_too_often():
    from daydreamer.runtime.service_manager import PAUSE

    has = entries(SYSTEMD / "daydreamer-actor.service")
    starts = float(has["StartLimitIntervalSec"]) / (PAUSE + float(has["RestartSec"]))
    assert starts + 3 < int(has["StartLimitBurst"]), "deaths of other kinds before it, too"
    assert float(has["TimeoutStartSec"]) > PAUSE + 30


def test_stopping_the_actor_lays_the_robot_down_first_and_then_reaches_servo_and_actor_alike():
    has = entries(SYSTEMD / "daydreamer-actor.service")
    line = (
        has["ExecStop"]
        .removeprefix("-")
        .replace("${DAYDREAMER_LOGDIR}", "/run/lab")
        .replace("${DAYDREAMER_NAME}", "one")
    )
    hand = parsed(shlex.split(line)[1:])
    assert (hand.wish, str(hand.run_directory), hand.name) == ("lie_down", "/run/lab", "one")
    assert has["KillMode"] == "control-group"
    # Lying down, then the damping of the servo, both before anything is killed.
    assert float(has["TimeoutStopSec"]) > hand.wait + 10


def test_what_the_servo_asks_for_is_granted():
    from robots.a1.servo_config import ServoConfig

    has = entries(SYSTEMD / "daydreamer-actor.service")
    assert int(has["LimitRTPRIO"]) >= ServoConfig().priority and has["LimitMEMLOCK"] == "infinity"


def test_the_calibration_that_the_service_is_told_of_is_installed_where_it_may_read_it():
    has = entries(SYSTEMD / "daydreamer-actor.service")
    (told_of,) = re.findall(r"--calibration (\S+?)\"", (SYSTEMD / "actor.env").read_text())
    assert has["ProtectHome"] == "yes" and has["PrivateTmp"] == "yes", "else a file anywhere would do"
    lines = (ROOT / "docs" / "deploy.md").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("sudo install") and "calibration.json" in line)
    *options, source, directory = shlex.split(line, comments=True)
    assert (Path(directory) / Path(source).name, directory) == (Path(told_of), f"{SETTINGS}/")
    assert options[2:] == ["-m", "640", "-g", has["Group"]]


@pytest.mark.parametrize("half", ["actor", "learner"])
def test_the_services_settings_make_a_command_of_ours(half, tmp_path):
    settings = tmp_path / "settings.env"
    text = (SYSTEMD / f"{half}.env").read_text()
    text = text.replace("OPTIONS=\n", 'OPTIONS="--set robot=a1 --seed 3"\n')
    settings.write_text(text.replace("KEYS=\n", "KEYS=/etc/daydreamer/keys\n"))
    (line,) = told(moved(tmp_path) / f"{half}.sh", folder=tmp_path, DAYDREAMER_ENV=str(settings))
    command = parsed(words(line))
    assert (command.changes, command.seed, command.speed) == (("robot=a1",), 3, "realtime")
    assert str(command.keys) == "/etc/daydreamer/keys"
    assert str(command.logdir).startswith("/var/lib/daydreamer/")


def test_both_halves_have_the_same_preset_run_and_speed():
    same = ("DAYDREAMER_PRESET", "DAYDREAMER_LOGDIR", "DAYDREAMER_SPEED")
    actor, learner = (entries(SYSTEMD / f"{half}.env") for half in ("actor", "learner"))
    assert [actor[name] for name in same] == [learner[name] for name in same]


# Containers


@pytest.fixture(scope="module")
def compose():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_compose_keeps_the_specification():
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not here")
@pytest.mark.parametrize("profile", ["", "gpu", "ros2"])
def test_compose_can_resolve_it(profile):
    chosen = ["--profile", profile] if profile else []
    done = subprocess.run(
        ["docker-compose", *chosen, "config", "--quiet"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not here")
def test_the_dockerfiles_are_in_good_style():
    files = [CONTAINER / "Dockerfile", CONTAINER / "ros2.Dockerfile"]
    done = subprocess.run(["hadolint", *files], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not here")
def test_the_scripts_are_in_good_style():
    scripts = [*(ROOT / "launch").glob("*.sh"), *CONTAINER.glob("*.sh")]
    done = subprocess.run(
        ["shellcheck", "-x", "-P", "SCRIPTDIR", *scripts],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_container_is_root_writes_to_its_image_or_restarts_for_ever(compose):
    for name, service in compose["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["restart"] in ("no", "on-failure:5"), name
        assert service["deploy"]["resources"]["limits"]["memory"], name
    for dockerfile in CONTAINER.glob("*Dockerfile"):
        assert "\nUSER 10001:10001\n" in dockerfile.read_text(), dockerfile


def test_what_is_built_is_there(compose):
    dockerfile = (CONTAINER / "Dockerfile").read_text()
    for service in compose["services"].values():
        build = service["build"]
        assert (ROOT / build["dockerfile"]).is_file()
        assert "target" not in build or f" AS {build['target']}\n" in dockerfile
    for script in re.findall(r"/launch/[\w/.-]+\.sh", dockerfile):
        assert os.access(ROOT / script.lstrip("/"), os.X_OK), script


def test_ports_beyond_this_computer_are_opened_by_nobody_but_the_user(compose):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports and all("127.0.0.1:" in port for port in ports)


def environment(compose, service):
    """As compose resolves it when nothing is set."""
    values = compose["services"][service]["environment"]
    return {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)) for name, value in values.items()}


def test_the_halves_meet_with_keys(compose, tmp_path):
    start = moved(tmp_path) / "container" / "start.sh"
    commands = {
        half: parsed(words(told(start, half, folder=tmp_path, **environment(compose, half))[-1]))
        for half in ("learner", "actor")
    }
    learner, actor = commands["learner"], commands["actor"]
    assert learner.bind.partition(":")[2] == actor.connect.partition(":")[2] == "5555"
    assert actor.connect.partition(":")[0] in compose["services"]["learner"]["networks"]["default"]["aliases"]
    assert (learner.preset, learner.speed, learner.logdir) == (actor.preset, actor.speed, actor.logdir)
    for half, command in commands.items():
        assert f"keys-{half}:{command.keys}:ro" in compose["services"][half]["volumes"]


def test_the_monitor_shows_the_run_that_they_make(compose, tmp_path):
    start = moved(tmp_path) / "container" / "start.sh"
    monitor = parsed(words(told(start, "monitor", folder=tmp_path, **environment(compose, "monitor"))[-1]))
    assert str(monitor.run_directory) == environment(compose, "actor")["DAYDREAMER_LOGDIR"]
    assert f"127.0.0.1:{monitor.port}:{monitor.port}" in compose["services"]["net"]["ports"]


def test_viewers_are_beside_the_actor_and_stay_there_when_it_is_started_again(compose):
    # Its console is on loopback; a network of its own would go with it.
    for name in ("actor", "monitor", "ros2"):
        assert compose["services"][name]["network_mode"] == "service:net", name
    assert compose["services"]["net"]["entrypoint"] == ["sleep", "infinity"]


def test_the_bridge_finds_the_console_and_token_of_the_actor_beside_it(compose, tmp_path):
    from daydreamer.cli import ros2

    start = moved(tmp_path) / "container" / "start.sh"
    # In the image ROS 2's own script comes first; here there is none, so its line is left out.
    start.write_text(re.sub(r"    source .*setup.bash.*\n", "", start.read_text()))
    line = told(start, "ros2", folder=tmp_path, **environment(compose, "ros2"))[-1]
    bridge = ros2.parse(words(line)[1:])
    actor = environment(compose, "actor")
    assert (str(bridge.logdir), bridge.name) == (actor["DAYDREAMER_LOGDIR"], actor["DAYDREAMER_NAME"])
    assert bridge.backend == "rclpy"
    assert "runs:/runs:ro" in compose["services"]["ros2"]["volumes"]


def test_a_learner_is_healthy_while_it_listens():
    def healthy(port):
        settings = {**os.environ, "DAYDREAMER_BIND": f"0.0.0.0:{port}"}
        return (
            subprocess.run(
                [CONTAINER / "health.sh", "learner"], env=settings, timeout=60, check=False
            ).returncode
            == 0
        )

    with socket.socket() as learner:
        learner.bind(("127.0.0.1", 0))
        port = learner.getsockname()[1]
        assert not healthy(port)  # it has the port, and does not listen yet
        learner.listen()
        assert healthy(port)


def test_a_script_says_what_it_knows():
    for script in ("start.sh", "install.sh", "health.sh"):
        done = subprocess.run(
            ["bash", CONTAINER / script, "nonsense", "x"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2 and "expected" in done.stderr

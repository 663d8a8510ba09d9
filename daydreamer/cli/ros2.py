"""``daydreamer ros2``: the bridge between an actor's console and ROS 2.

It needs numpy, pyzmq, msgpack and the back end, no tyro and nothing of an actor, so that it runs in the Python of a
ROS 2 install (3.10 to 3.12).
"""

from __future__ import annotations

import argparse
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daydreamer.core.errors import DaydreamerError
from daydreamer.monitor.tail import Tail
from daydreamer.runtime.ros2_bridge import Bridge, BridgeConfig
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.run_metrics import RunMetrics
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_file import ConsoleFile
from daydreamer.transport.console_keys import viewer_keys
from robots.ros2.back_end import NAMES, NodeConfig, open_back_end
from robots.ros2.convert import ImuNoise

_log = logging.getLogger(__name__)
_NODE = "daydreamer"


@dataclass(frozen=True)
class Ros2:
    """Show a robot and its learning on ROS 2, and let ROS 2 stop it. Ctrl-C ends the bridge and nothing else.

    Topics and quality of service: docs/ros2.md. Stop, pause and resume need the actor's token: it is in the run's
    directory (--logdir), or in a copy of the actor's console.json (--token). Never the only way to stop a robot.

    Attributes:
        connect: the actor's console, HOST:PORT; or use --logdir on the actor's own computer
        logdir: the run's directory: finds console and token by itself, and publishes the run's metrics, too
        name: of the actor, and of its key
        token: with --connect: a copy of the actor's console.json; without one the bridge only watches
        keys: with --connect beyond this computer: the learner's keys
        backend: rclpy (from a ROS 2 install), cyclonedds (no ROS 2 needed), or mcap (a recording, see --file)
        file: the recording to write with --backend mcap
        hz: messages per second on each topic at most; the console gives 20
        namespace: before every topic, as /spot; for several robots on one network
        domain: the DDS domain; otherwise ROS_DOMAIN_ID, else 0
        imu_noise: standard deviations of orientation rad, gyro rad/s, accelerometer m/s^2; zeros: not known
    """

    connect: str | None = None
    logdir: Path | None = None
    name: str = "actor"
    token: Path | None = None
    keys: Path | None = None
    backend: Literal["rclpy", "cyclonedds", "mcap"] = "rclpy"
    file: Path | None = None
    hz: float = 20.0
    namespace: str = ""
    domain: int | None = None
    imu_noise: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def run(self) -> int:
        """Bridge until stopped."""
        if (self.connect is None) == (self.logdir is None):
            raise DaydreamerError(
                "name the actor's console with --connect HOST:PORT, or its run with --logdir DIR"
            )
        _log_to_stderr()
        config = self._config()
        back_end = open_back_end(self.backend, self._node(config))
        try:
            with StopSignals() as signals, self._console() as console:
                if config.hands:
                    _log.info("bridging by %s; %s stops the robot", self.backend, "/estop")
                else:
                    _log.warning("no control token: the bridge only watches, and ROS 2 cannot stop the robot")
                metrics = RunMetrics(Tail(RunDir(self.logdir).metrics)) if self.logdir else None
                Bridge(console, back_end, config, metrics).run(signals)
                return signals.exit_code
        finally:
            back_end.close()

    def _config(self) -> BridgeConfig:
        try:
            noise = ImuNoise(*self.imu_noise)
            hands = self.backend != "mcap" and (self.logdir is not None or self.token is not None)
            return BridgeConfig(self.hz, namespace=self.namespace, imu_noise=noise, hands=hands)
        except ValueError as error:
            raise DaydreamerError(str(error)) from error

    def _node(self, config: BridgeConfig) -> NodeConfig:
        return NodeConfig(
            _NODE,
            config.outgoing(),
            config.incoming(),
            namespace=self.namespace,
            domain=self.domain,
            file=self.file,
            distribution=os.environ.get("ROS_DISTRO", ""),
        )

    def _console(self) -> ConsoleClient:
        if self.logdir is not None:
            return ConsoleClient(
                RunDir(self.logdir).actor(self.name) / "console.json", hz=20.0, viewer="ros2"
            )
        assert self.connect is not None
        token = ConsoleFile.read(self.token, copied=True).token if self.token else None
        keys = viewer_keys(self.keys, self.name) if self.keys else None
        return ConsoleClient(self.connect, token, keys, hz=20.0, viewer="ros2")


def parse(arguments: list[str]) -> Ros2:
    """The command that ``arguments`` ask for, without tyro: its options and their help are those of ``Ros2``."""
    about, _, attributes = (Ros2.__doc__ or "").partition("    Attributes:\n")
    texts = dict(re.findall(r"^ {8}(\w+): (.*)$", attributes, re.MULTILINE))
    parser = argparse.ArgumentParser(
        prog="daydreamer ros2", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for option, settings in {
        "--connect": {"metavar": "HOST:PORT"},
        "--logdir": {"metavar": "DIR", "type": Path},
        "--name": {},
        "--token": {"metavar": "FILE", "type": Path},
        "--keys": {"metavar": "DIR", "type": Path},
        "--backend": {"choices": NAMES},
        "--file": {"metavar": "FILE", "type": Path},
        "--hz": {"type": float},
        "--namespace": {},
        "--domain": {"type": int, "metavar": "N"},
        "--imu-noise": {"type": float, "nargs": 3, "metavar": ("RAD", "RAD/S", "M/S^2")},
    }.items():
        name = option[2:].replace("-", "_")
        parser.add_argument(option, default=getattr(Ros2, name), help=texts[name], **settings)  # type: ignore[arg-type]
    found = vars(parser.parse_args(arguments))
    return Ros2(**{**found, "imu_noise": tuple(found["imu_noise"])})


def _log_to_stderr() -> None:
    level = os.environ.get("DAYDREAMER_LOG", "info").upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

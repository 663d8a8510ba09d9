"""A robot by name: can this computer drive it, and, for a real A1, does it answer?"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from daydreamer.doctor.check import Check, Level
from daydreamer.transport.address import own_addresses
from robots.a1 import model, wire
from robots.a1.driver import A1
from robots.a1.protocol import LowCmd, LowState, PacketError, decode_state, encode_command
from robots.a1.sdk_process import absent
from robots.a1.servo_loop import state_of
from robots.a1.ticks import Ticks
from robots.clock import Clock, MonotonicClock
from robots.registry import make
from robots.robot import JointCommand, Robot, RobotState
from robots.safety import checks as safety
from robots.safety import latch
from robots.safety.config import Rules, SafetyConfig

NEEDS_PYBULLET = {"a1-sim", "a1-emulated"}
PACKETS, PERIOD = 100, 0.01  # one second of asking
ENOUGH = 0.9  # of them answered


def checks(name: str, host: str | None, port: int | None) -> list[Check]:
    """What can be said of the robot called ``name``. An A1 is asked to damp, and only that.

    Raises:
        RobotError: no robot is called so.
    """
    group = f"robot {name}"
    options: dict[str, Any] = {"host": host} if name == "a1" and host else {}
    made = make(name, **options)
    if name == "a1":
        return [*stop(group, made), *a1(group, host or wire.ROBOT_ADDRESS[0], port or wire.ROBOT_ADDRESS[1])]
    if name == "a1-sdk":
        return [*stop(group, made), vendor(group)]
    if name in NEEDS_PYBULLET and find_spec("pybullet") is None:
        do = "from a clone, with Python 3.10 or 3.11: pip install '.[sim]' -c constraints.txt"
        return [Check(group, "pybullet", Level.PROBLEM, "not installed", do)]
    return [Check(group, "driver", Level.OK, "everything it needs is installed")]


def stop(group: str, robot: Robot) -> list[Check]:
    """Whether a stop of an earlier life waits for a person."""
    file = robot.latch_file if isinstance(robot, A1) else None
    if file is None:
        return []
    kept = latch.read(file)
    if kept is None:
        return [Check(group, "stop", Level.OK, f"none is remembered ({file})")]
    do = "look at the robot; when it may move again: daydreamer robot reset --operator NAME, --robot and --host as here"
    return [Check(group, "stop", Level.PROBLEM, kept.text(), do)]


def vendor(group: str) -> Check:
    """Whether the vendor's module can be imported. It is not: its constructor may speak to the robot."""
    spec = find_spec("robot_interface")
    if spec is None:
        return Check(group, "module", Level.PROBLEM, "no robot_interface", absent("robot_interface", ""))
    return Check(group, "module", Level.OK, f"robot_interface at {spec.origin}")


def a1(group: str, host: str, port: int) -> list[Check]:
    """The way to it, then whether it answers, then what it says. Stops where the next question makes no sense."""
    found = [network(group, host, port)]
    if found[0].level is Level.PROBLEM:
        return found
    local = (
        0 if _is_loopback(host) else wire.CLIENT_PORT
    )  # whether a real one answers another port is unknown
    try:
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as line:
            line.bind(("", local))
            line.connect((host, port))
            exchange = ask(line, MonotonicClock())
    except OSError as error:
        do = "another driver has it: end it, and ask again. The robot was left alone"
        return [*found, Check(group, f"udp port {local}", Level.PROBLEM, f"{error.strerror}", do)]
    found.append(answer(group, f"{host}:{port}", exchange))
    if exchange.last is not None:
        found += sensors(group, exchange.last)
    return found


def network(group: str, host: str, port: int) -> Check:
    """Whether this computer is on the robot's network, and by cable."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, port))
            ours: str = probe.getsockname()[0]
    except OSError as error:
        return Check(
            group, "network", Level.PROBLEM, f"no way to {host}: {error.strerror}", _give_address(host)
        )
    if _is_loopback(host):
        return Check(group, "network", Level.OK, "an emulated one on this computer")
    name = next((name for name, address in own_addresses().items() if address == ours), "")
    by = f"{ours} on {name}" if name else ours
    if ipaddress.ip_address(ours) not in ipaddress.ip_network(
        f"{socket.gethostbyname(host)}/24", strict=False
    ):
        return Check(
            group, "network", Level.PROBLEM, f"{host} would be reached from {by}", _give_address(host)
        )
    if name and Path(f"/sys/class/net/{name}/wireless").exists():
        return Check(
            group, "network", Level.NOTE, f"{by}, over Wi-Fi", "use the cable: 500 packets a second, each way"
        )
    return Check(group, "network", Level.OK, by)


@dataclass(frozen=True)
class Exchange:
    """What came of asking."""

    asked: int
    took: tuple[float, ...]  # s, from each question that was answered to its answer
    refused: bool  # the computer there says that nobody listens
    last: LowState | None


def ask(line: socket.socket, clock: Clock) -> Exchange:
    """Ask the robot at the other end of ``line`` to damp, a hundred times in a second, and listen."""
    info = model.info(simulated=False)
    zero = np.zeros(info.joints)
    packet = encode_command(LowCmd.servo(JointCommand(info.stand_pos, zero, zero, zero, info.default_kd)))
    line.settimeout(0.8 * PERIOD)
    ticks, took, refused, last = Ticks(clock, PERIOD), [], False, None
    for _ in range(PACKETS):
        ticks.wait()
        begun = clock.now()
        try:
            line.send(packet)
            last = decode_state(line.recv(2048))
            took.append(clock.now() - begun)
        except ConnectionRefusedError:
            refused = True
        except (OSError, PacketError):
            continue
    return Exchange(PACKETS, tuple(took), refused, last)


def answer(group: str, address: str, exchange: Exchange) -> Check:
    """Whether, how often and how fast it answered."""
    if not exchange.took and exchange.refused:
        do = "is it a robot? An emulated one is started by: daydreamer emulate a1"
        return Check(
            group, "answer", Level.PROBLEM, f"the computer at {address} is there, nobody listens on it", do
        )
    if not exchange.took:
        do = (
            "is it on, its cable in, in low-level mode (lying, motors off)? Is nothing else speaking to it? Can it be "
            f"reached at all: ping {address.rpartition(':')[0]}"
        )
        return Check(group, "answer", Level.PROBLEM, f"{address} says nothing for a second", do)
    milliseconds = 1000 * np.array(exchange.took)
    found = (
        f"{len(exchange.took)} of {exchange.asked} packets answered, after {np.median(milliseconds):.2f} ms "
        f"(median), {milliseconds.max():.2f} ms (worst)"
    )
    if len(exchange.took) < ENOUGH * exchange.asked:
        return Check(
            group, "answer", Level.NOTE, found, "packets get lost, or this computer is busy: try the cable"
        )
    return Check(group, "answer", Level.OK, found)


def sensors(group: str, low: LowState) -> list[Check]:
    """The last reading, by the same rules as the safety guard has."""
    info = model.info(simulated=False)
    state = state_of(low, 0.0, 1)
    findings = [safety.sensible(info, state), *safety.reading(Rules(info, SafetyConfig()), state)]
    wrong = [finding for finding in findings if finding is not None]
    if wrong:
        do = "each of these would stop the robot or warn; `daydreamer robot read` shows every sensor"
        text = "; ".join(finding.text(info) for finding in wrong)
        return [Check(group, "sensors", Level.NOTE, text, do)]
    return [Check(group, "sensors", Level.OK, _reading(state))]


def _reading(state: RobotState) -> str:
    x, y = state.quat_xyzw[:2]
    up = 1 - 2 * (x * x + y * y)
    lies = "upright" if up > 0.7 else "on its back" if up < -0.7 else "on its side"
    return (
        f"{lies}, gravity {np.linalg.norm(state.accel):.1f} m/s^2, warmest motor {state.temperature.max():.0f} degC, "
        f"feet {' '.join(f'{force:.0f}' for force in state.foot_force)}"
    )


def _give_address(host: str) -> str:
    wired = [name for _, name in socket.if_nameindex() if _is_wired(name)]
    interface = wired[0] if wired else "INTERFACE"
    three = host.rsplit(".", 1)[0]
    return (
        f"plug the cable in and give this end an address: sudo ip address add {three}.162/24 dev {interface}"
    )


def _is_wired(name: str) -> bool:
    path = Path("/sys/class/net") / name
    return (path / "device").exists() and not (path / "wireless").exists()


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(OSError):
        return ipaddress.ip_address(socket.gethostbyname(host)).is_loopback
    return False

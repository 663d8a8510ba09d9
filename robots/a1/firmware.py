"""The emulated A1's firmware: command packets go in, the motors of a body move, state packets come out.

Pure but for the body it is given: no sockets, no threads, and no clock but the ``now`` that it is told, so that a test
runs it as fast as it likes. ``robots.a1.emulator`` puts it on the network.

What is known of the real robot is kept: packet layouts and checksum, motor order, what modes and gains do, the state's
fields. What is not known is a parameter or a choice, made so that a mistake of the client shows:

- A bad packet, a wrong level and a stranger are dropped, counted, and never answered.
- One client at a time: the first whose packet is good, until it has been silent for ``client_timeout``.
- Commands that stop coming: by default the motors go on with the last one for ever, which is the worst case.
- One answer for each tick in which a command came, or a stream of states: see ``reply``.
- Motors do not switch off when they are hot, and do what they are asked beyond the joint limits (that is counted).
- Foot forces are sent in N, the raw fields as zero.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from robots.a1 import wire
from robots.a1.body import Body
from robots.a1.line import Line, LineConfig
from robots.a1.motor_boards import Drive, MotorBoards, is_within_limits
from robots.a1.protocol import LowState, PacketError, decode_command, encode_state
from robots.a1.thermal import Thermal, ThermalConfig
from robots.robot import Array

Source = tuple[str, int]  # address and port of a client

IMU_TEMPERATURE = 40  # degC
LOG_LENGTH = 4096  # changes that are remembered


@dataclass(frozen=True)
class FirmwareConfig:
    """What one may want to differ from one emulated A1 to the next."""

    reply: Literal["answer", "stream"] = (
        "answer"  # a state for a command, or one every tick while a client is there
    )
    command_timeout: float | None = None  # s without a command until the motors brake; None: they never do
    client_timeout: float = 0.5  # s of silence until another client may take over
    commands: LineConfig = field(default_factory=LineConfig)  # the line from the client
    states: LineConfig = field(default_factory=LineConfig)  # the line to the client
    thermal: ThermalConfig = field(default_factory=ThermalConfig)
    brake_kd: float = 2.0  # N m s/rad, how strongly mode 0 damps
    tick_hz: float = 1000.0  # what LowState.tick counts, in 1/s
    first_tick: int = 0  # where it begins
    seed: int = 0  # fixes jitter and loss

    def __post_init__(self) -> None:
        if self.reply not in ("answer", "stream"):
            raise ValueError(f"reply is 'answer' or 'stream', got '{self.reply}'")
        timeout = self.command_timeout
        if not (self.client_timeout > 0 and (timeout is None or timeout > 0)):
            raise ValueError(
                f"time-outs are positive seconds, got client_timeout {self.client_timeout} and "
                f"command_timeout {timeout}"
            )


@dataclass
class Counters:
    """What the firmware has seen, for tests and reports."""

    commands: int = 0  # good ones, done
    states: int = 0  # put on the line to the client
    bad_length: int = 0
    bad_checksum: int = 0
    not_finite: int = 0
    wrong_level: int = 0  # good packets that are not low level
    strangers: int = 0  # packets of another source while a client is there
    beyond_limits: int = 0  # commands that an A1 must not be given; done all the same
    timeouts: int = 0  # times that the motors braked because commands stopped


class Change(NamedTuple):
    """One line of the firmware's log."""

    time: float  # s, the ``now`` of the tick
    drive: Drive  # what the motors do from now on
    cause: str


_COUNTER_OF = {"length": "bad_length", "checksum": "bad_checksum", "not finite": "not_finite"}


class Firmware:
    """An A1 as its packets show it. Call ``receive`` for every packet and ``tick`` every ``body.dt`` seconds."""

    def __init__(self, body: Body, config: FirmwareConfig | None = None):
        """Wake up damped, with no client."""
        self.config = config or FirmwareConfig()
        self.body = body
        self.counters = Counters()
        self.log: deque[Change] = deque(maxlen=LOG_LENGTH)
        self.thermal = Thermal(self.config.thermal, wire.MOTORS, body.dt)
        self.ticks = 0
        to_robot, to_client = np.random.SeedSequence(self.config.seed).spawn(2)
        self._commands: Line[tuple[bytes, Source]] = Line(self.config.commands, to_robot)
        self._states: Line[tuple[bytes, Source]] = Line(self.config.states, to_client)
        self._boards = MotorBoards(self.config.brake_kd)
        self._client: Source | None = None
        self._heard = -math.inf
        self._commanded = False
        self._last_vel = (0.0, body.joints()[1])  # s, and rad/s at that time, in the last state
        self._remote = bytes(40)

    @property
    def drive(self) -> Drive:
        """What the motors do now."""
        return self._boards.drive

    def hold_remote(self, remote: bytes) -> None:
        """From now on the robot's own remote control says ``remote``, its 40 bytes in LowState."""
        if len(remote) != 40:
            raise ValueError(f"the remote's state has 40 bytes, got {len(remote)}")
        self._remote = bytes(remote)

    def receive(self, packet: bytes, source: Source, now: float) -> None:
        """A packet of ``source`` enters the line to the robot at ``now`` [s]. Any bytes will do."""
        self._commands.send((packet, source), now)

    def tick(self, now: float) -> list[tuple[bytes, Source]]:
        """One tick of motors and physics at ``now`` [s]; packets that reach a client by now, and which client."""
        before = self.drive
        taken = sum(self._take(packet, source, now) for packet, source in self._commands.arrived(now))
        cause = "command"
        if self._has_timed_out(now):
            self._boards.brake()
            self._commanded = False
            self.counters.timeouts += 1
            cause = "no command came"
        if self.drive is not before:
            self.log.append(Change(now, self.drive, cause))
        pos, vel = self.body.joints()
        torque = self._boards.torque(pos, vel)
        self.body.step(torque)
        self.thermal.step(torque)
        self.ticks += 1
        streaming = self.config.reply == "stream" and self._is_client_there(now)
        if self._client is not None and (taken or streaming):
            self._states.send((encode_state(self._state(torque)), self._client), now)
            self.counters.states += 1
        return self._states.arrived(now)

    def _take(self, packet: bytes, source: Source, now: float) -> bool:
        """Do what ``packet`` asks; whether it was good. A stranger is turned away before any work is done for it."""
        if source != self._client and self._is_client_there(now):
            self.counters.strangers += 1
            return False
        try:
            command = decode_command(packet)
        except PacketError as error:
            name = _COUNTER_OF[error.reason]
            setattr(self.counters, name, getattr(self.counters, name) + 1)
            return False
        if command.header.level != wire.LOW_LEVEL:
            self.counters.wrong_level += 1
            return False
        self._client, self._heard, self._commanded = source, now, True
        self._boards.take(command)
        self.counters.commands += 1
        self.counters.beyond_limits += not is_within_limits(command)
        return True

    def _is_client_there(self, now: float) -> bool:
        return now - self._heard <= self.config.client_timeout

    def _has_timed_out(self, now: float) -> bool:
        timeout = self.config.command_timeout
        return timeout is not None and self._commanded and now - self._heard > timeout

    def _state(self, torque: Array) -> LowState:
        """What the sensors say, as LowState has it."""
        body, config = self.body.sense(), self.config
        seconds = self.ticks * self.body.dt
        before, vel = self._last_vel
        acc = (body.joint_vel - vel) / (seconds - before)
        self._last_vel = (seconds, body.joint_vel)
        return LowState(
            quat_wxyz=np.roll(body.quat_xyzw, 1),
            gyro=body.gyro,
            accel=body.accel,
            rpy=_roll_pitch_yaw(body.quat_xyzw),
            mode=_in_slots(self._boards.mode),
            pos=_in_slots(body.joint_pos),
            vel=_in_slots(body.joint_vel),
            acc=_in_slots(acc),
            torque=_in_slots(torque),
            temperature=_in_slots(np.round(self.thermal.temperature)),
            foot_force=np.round(body.foot_force),
            foot_force_est=np.round(body.foot_force),
            tick=(config.first_tick + round(seconds * config.tick_hz)) % 2**32,
            imu_temperature=IMU_TEMPERATURE,
            remote=self._remote,
        )


def _in_slots(motors: Array) -> Array:
    """``[20]``: the twelve motors, and zeros where there is none."""
    slots = np.zeros(wire.SLOTS)
    slots[: wire.MOTORS] = motors
    return slots


def _roll_pitch_yaw(quat_xyzw: Array) -> Array:
    """``[3]`` rad, turns about x, then y, then z of the world."""
    x, y, z, w = quat_xyzw.tolist()
    sine = max(-1.0, min(1.0, 2 * (w * y - z * x)))
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return np.array([roll, math.asin(sine), yaw])

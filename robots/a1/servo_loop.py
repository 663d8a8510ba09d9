"""One tick of the servo: packets of the robot and orders of the driver in, one packet to the robot out.

Pure but for its own memory: no clock, no sockets, nothing that waits, raises or logs. ``robots.a1.servo`` runs it in a
process of its own.

What goes to the motors, by what is going on:

- nobody has commanded yet: they damp;
- there is a stop box, and it has not been heard: they damp, and commands are let pass;
- commands come: straight lines between them (``Glide``), through the safety core;
- the core goes down to HOLD, DAMP or OFF: what the mode says. In OFF the motors damp once, then get mode 0, so that
  the robot still answers and a person can see it cool;
- the driver's process is gone: HOLD at once, DAMP after ``orphan_hold``, and ``damp_ticks`` later the loop is done;
- told to leave: ``damp_ticks`` of damping, then the loop is done.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from robots.a1 import model, remote, wire
from robots.a1.glide import Glide
from robots.a1.protocol import LowCmd, LowState, Packet, PacketError, decode_state, encode_command
from robots.a1.records import (
    ESTOPS,
    FAULTS,
    REPORT,
    Record,
    blank,
    get_command,
    put_causes,
    put_command,
    put_state,
)
from robots.a1.servo_config import ServoConfig
from robots.robot import RobotInfo, RobotState
from robots.safety.checks import state_age
from robots.safety.config import Rules, SafetyConfig
from robots.safety.core import Memory, Moment, Verdict, check, damp, forgive
from robots.safety.estop import Estop, EstopState
from robots.safety.faults import Fault, Finding
from robots.safety.latch import outlives
from robots.safety.modes import Mode

AFRESH = 0.5  # s without a fault, after which it begins anew: at its limit it comes and goes


class ServoLoop:
    """Call ``hear`` for every packet, ``obey`` for a new order, then ``step``, at every tick."""

    def __init__(self, info: RobotInfo, config: ServoConfig, now: float, estop: Estop | None = None):
        """Begin passive at ``now`` [s]. ``estop`` hears its box elsewhere."""
        self._config = config
        # HOLD pulls no harder than NORMAL may.
        hold_error = min(config.safety.hold_error, config.error_clip)
        self._rules = Rules(info, replace(config.safety, hold_error=hold_error))
        self._glide = Glide(
            info.joints, 1.0 / config.hz, config.command_interval, config.gain_ramp, config.error_clip
        )
        self._memory = Memory.begin(now)
        self._state: RobotState | None = None
        self._heard: bytes | None = None  # the packet that it is from
        self._accel_sum = np.zeros(3)
        self._commanded_at = self._stepped_at = now
        self._orphaned_at: float | None = None
        self._alarms: tuple[Finding, ...] = ()
        self._left: int | None = None  # damping commands to send before it is done
        self._estop = estop
        self._remote_held = self._remote_seen = False  # the chord: in the newest packet, in any of this tick
        self.stops: tuple[Finding, ...] = ()  # since the last reset, what a restart must not forget
        self.operator = "the driver's operator"  # who asked for the last reset, unless it has a name
        self._begun = 0  # of those, but for what only the box can count
        self._found_at: dict[Fault, float] = {}  # s, by such a fault
        self.report = blank(REPORT)

    @property
    def done(self) -> bool:
        """True when all that had to be sent was sent."""
        return self._left == 0

    @property
    def mode(self) -> Mode:
        """What the robot may do now."""
        return self._memory.mode

    @property
    def begun(self) -> int:
        """How often one of ``stops`` began, or began anew; a person may have removed it from the disk in between."""
        return self._begun + (0 if self._estop is None else self._estop.presses)

    def hear(self, packet: Packet, now: float) -> None:
        """A packet came from the robot. What is no LowState is dropped and counted, as is the one before once more.

        A robot's own clock is in each: whoever repeats a packet measures nothing, and counts as silent.
        """
        if packet == self._heard:
            self.report["repeated"] += 1
            return
        try:
            low = decode_state(packet)
        except PacketError:
            self.report["dropped"] += 1
            return
        self._heard = bytes(packet)
        seq = 1 if self._state is None else self._state.seq + 1
        self._state = state_of(low, now, seq)
        self._accel_sum = self._accel_sum + low.accel
        put_state(self.report, self._state)
        self.report["accel_sum"] = self._accel_sum
        self.report["remote"] = np.frombuffer(low.remote, np.uint8)
        self._remote_held = remote.stops(low.remote)
        self._remote_seen |= self._remote_held

    def obey(self, order: Record, now: float) -> None:
        """The newest order came."""
        report = self.report
        new = np.flatnonzero(order["trips"] > report["trips"])
        if len(new):
            report["trips"] = order["trips"]
            for place in new.tolist():
                self._alarms += (Finding(FAULTS[place]),)
                self._found_at.pop(FAULTS[place], None)  # pressed once more, however soon
        if order["resets"] > report["resets"]:
            report["resets"] = order["resets"]
            name = order["operator"].item().decode(errors="ignore")  # it may have been cut off
            self.operator = name or self.operator
            self._reset(now)
        if order["commands"] > report["commands"]:
            report["commands"] = order["commands"]
            self._commanded_at = now
            if self._state is not None and self.mode is Mode.NORMAL and not self._waiting:
                self._glide.take(get_command(order, "command"), self._state.joint_pos, now)
        if order["close"]:
            self.leave()

    def leave(self) -> None:
        """Damp from the next tick on, and be done after ``damp_ticks``. Cannot be taken back."""
        if self._left is None:
            self._left = self._config.damp_ticks

    def step(self, now: float, orphaned: bool = False) -> bytes:
        """The packet for the robot at ``now`` [s]; ``orphaned`` when the driver's process is gone."""
        if orphaned:
            self._mourn(now)
        asked, state = None, self._state
        if state is not None and not self._glide.idle:
            asked = self._glide.at(now, state.joint_pos)
        # A servo that had no turn sent nothing: however fresh the driver's command, the robot's own is as old as that.
        asleep, self._stepped_at = now - self._stepped_at, now
        moment = Moment(now, max(now - self._commanded_at, asleep), self._outside(now))
        self._alarms, self._remote_seen = (), self._remote_held
        verdict = check(self._rules, moment, state, asked, self._memory)
        self._memory = verdict.memory
        packet = self._packet(verdict, now)
        self._tell(verdict, now)
        return packet

    # Inside

    @property
    def _waiting(self) -> bool:
        """For the stop box: nothing moves before it is heard."""
        return self._estop is not None and self._estop.waiting

    def _outside(self, now: float) -> tuple[Finding, ...]:
        """What was seen elsewhere than in readings and commands."""
        box = () if self._estop is None else self._estop.look(now)
        chord = (Finding(Fault.STOP_REMOTE),) if self._remote_seen else ()
        return (*self._alarms, *box, *chord)

    def _silence(self, now: float) -> tuple[Finding, ...]:
        """Whether the robot reads anew; to a check that has forgotten the reading before, each one is new."""
        age = math.inf if self._state is None else now - self._state.time
        late = state_age(self._rules, age)
        return () if late is None else (late,)

    def _packet(self, verdict: Verdict, now: float) -> bytes:
        """What the motors get, remembered as sent."""
        command = verdict.command
        if self.mode is Mode.OFF and command is None:  # it has damped
            self._count_down()
            return encode_command(LowCmd.brake())
        if self._left is not None or command is None:
            self._count_down()
            command = damp(self._rules, self._memory)
        self._memory = replace(self._memory, sent=command, sent_at=now)
        return encode_command(LowCmd.servo(command))

    def _count_down(self) -> None:
        if self._left:
            self._left -= 1

    def _mourn(self, now: float) -> None:
        """No command will ever come again: the same faults as when one is late, without waiting for them."""
        if self._orphaned_at is None:
            self._orphaned_at = now
        age, safety = now - self._commanded_at, self._config.safety
        if now - self._orphaned_at < self._config.orphan_hold:
            self._alarms += (Finding(Fault.COMMAND_LATE, age, safety.command_hold),)
        else:
            self._alarms += (Finding(Fault.COMMAND_LOST, age, safety.command_damp),)
            self.leave()

    def _reset(self, now: float) -> None:
        """Up to NORMAL, unless something is still wrong. A robot that was held is held on until it is commanded."""
        if self.mode is Mode.NORMAL:  # it may stand: what moves it goes on, and no stop is left to be kept
            self.stops = ()
            return
        forgiven = forgive(self._memory, self.operator)
        if self._estop is not None:
            self._estop.forgive(self.operator, now)
        outside = (*self._outside(now), *self._silence(now))
        verdict = check(self._rules, Moment(now, 0.0, outside), self._state, None, forgiven)
        if verdict.memory.mode is not Mode.NORMAL or self._orphaned_at is not None:
            return
        held, self._memory = self._memory.held, verdict.memory
        self.stops = ()
        self._commanded_at = now
        if held is not None and self._memory.driven:
            self._glide.stay(held, now)
        else:
            self._glide.release()

    def _tell(self, verdict: Verdict, now: float) -> None:
        report = self.report
        report["now"], report["mode"] = now, int(self.mode)
        report["estop"] = ESTOPS.index(EstopState.NONE if self._estop is None else self._estop.state)
        put_causes(report, self._memory.cause)
        for finding in verdict.faults:
            report["faults"][FAULTS.index(finding.fault)] += 1
            self._remember(finding, now)
        if self._memory.sent is not None:
            put_command(report, "sent", self._memory.sent)

    def _remember(self, finding: Finding, now: float) -> None:
        """Keep what a restart must not forget, the first of each kind, and count when it begins."""
        fault = finding.fault
        if not outlives(fault, bool(self.report["commands"])):
            return
        if now - self._found_at.get(fault, -math.inf) > AFRESH:
            self._begun += 1
        self._found_at[fault] = now
        if fault not in {stop.fault for stop in self.stops}:
            self.stops += (finding,)


def damping() -> bytes:
    """What to send when nothing else can be: the motors resist motion."""
    rules = Rules(model.info(simulated=False), SafetyConfig())
    return encode_command(LowCmd.servo(damp(rules, Memory.begin(0.0))))


def state_of(low: LowState, now: float, seq: int) -> RobotState:
    """A LowState in the terms of every robot. Its orientation is made a unit vector where it is nearly one."""
    quat_xyzw = np.roll(low.quat_wxyz, -1)
    norm = float(np.sqrt(quat_xyzw @ quat_xyzw))
    motors = slice(wire.MOTORS)
    return RobotState(
        time=now,
        joint_pos=low.pos[motors],
        joint_vel=low.vel[motors],
        joint_torque=low.torque[motors],
        quat_xyzw=quat_xyzw / norm if 0.95 < norm < 1.05 else quat_xyzw,
        gyro=low.gyro,
        accel=low.accel,
        foot_force=low.foot_force,
        temperature=low.temperature[motors],
        seq=seq,
    )

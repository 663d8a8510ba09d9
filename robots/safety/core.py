"""The guard's decision, as a pure function: what goes to the motors now, and what is to be remembered.

It takes no time, speaks to nobody and raises nothing: faults are findings. The same call serves a driver's slow
face and a fast loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from robots.robot import Array, CommandError, JointCommand, RobotState
from robots.safety import checks, limits, plausible
from robots.safety.config import Rules
from robots.safety.faults import Fault, Finding
from robots.safety.modes import Mode, ratchet, released_by


@dataclass(frozen=True)
class Moment:
    """What time it is, s, and what was seen elsewhere."""

    now: float
    command_age: float  # since the last command, before this one; see ``Watchdog``
    alarms: tuple[Finding, ...] = ()  # of an emergency stop, a failed write


@dataclass(frozen=True)
class Memory:
    """All that is carried from one check to the next."""

    sent_at: float  # s, of the last command; of connecting, before the first
    last_at: float  # s, of the last sensible reading; of connecting, before the first
    mode: Mode = Mode.NORMAL
    cause: tuple[Finding, ...] = ()  # what brought the mode down
    sent: JointCommand | None = None  # the last command that went out
    last: RobotState | None = None  # the last sensible reading
    safe_pos: Array | None = None  # [J] rad, of the last reading with nothing wrong
    held: JointCommand | None = None  # what HOLD holds
    silent: bool = False  # OFF has damped and says no more
    hard: int = 0  # consecutive readings with too much power
    trail: plausible.Trail | None = None

    @classmethod
    def begin(cls, now: float) -> Memory:
        """Just connected, at ``now`` s."""
        return cls(sent_at=now, last_at=now)

    @property
    def driven(self) -> bool:
        """True while the motors push: neither silence of the robot nor of its commander may pass then."""
        sent = self.sent
        return sent is not None and bool(sent.kp.any() or sent.torque.any() or sent.vel.any())


class Verdict(NamedTuple):
    """What a check comes to."""

    command: JointCommand | None  # None: write nothing
    memory: Memory
    faults: tuple[Finding, ...]  # all that is wrong now


def check(
    rules: Rules, moment: Moment, state: RobotState | None, command: JointCommand | None, memory: Memory
) -> Verdict:
    """Judge the newest reading and what is asked of the robot, and say what it gets.

    Args:
        rules: The limits of this robot.
        moment: The time, and alarms from elsewhere.
        state: The newest reading, new or not; None when there is none.
        command: What is asked now; None when nothing is. In NORMAL nothing is written then.
        memory: Of the check before. Its mode never rises in here.
    """
    with np.errstate(all="ignore"):  # absurd readings may overflow; every comparison survives that
        seen, memory = _look(rules, moment, state, memory)
        aged = _ages(rules, moment, command is not None, memory)
        asked, told = _ask(rules, moment, command, memory)
        faults = (*moment.alarms, *seen, *aged, *told)
        memory = _lower(rules, faults, memory)
        return _answer(rules, moment, asked, memory, faults)


def forgive(memory: Memory, operator: str) -> Memory:
    """The memory after ``operator`` said that all is well; what was sent is kept, what was seen is not.

    Raises:
        RobotError: nobody is named.
    """
    mode = released_by(operator)
    return replace(Memory.begin(memory.last_at), mode=mode, sent=memory.sent, sent_at=memory.sent_at)


def _look(
    rules: Rules, moment: Moment, state: RobotState | None, memory: Memory
) -> tuple[list[Finding], Memory]:
    """Findings in a reading; a new and sensible one becomes ``last``."""
    if state is None:
        return [], memory
    if senseless := checks.sensible(rules.info, state):
        return [senseless], memory
    found = checks.reading(rules, state)
    if crooked := plausible.rotation(rules, state):
        return [crooked, *found], memory
    if tilted := checks.tilt(rules, state):
        found.append(tilted)
    if memory.last is not None and state.seq == memory.last.seq:
        return found, memory
    watts = checks.power(state)
    hard = 0 if watts <= rules.config.power else memory.hard + 1
    if wild := checks.excess(rules, hard, watts):
        found.append(wild)
    trail, odd = _compare(rules, moment, state, memory)
    found += odd
    safe_pos = memory.safe_pos if _stopping(found) else state.joint_pos
    return found, replace(memory, last=state, last_at=moment.now, safe_pos=safe_pos, hard=hard, trail=trail)


def _compare(
    rules: Rules, moment: Moment, state: RobotState, memory: Memory
) -> tuple[plausible.Trail, list[Finding]]:
    """The new reading beside the one before."""
    target = memory.sent.pos if memory.driven and memory.sent is not None else state.joint_pos
    if memory.last is None or memory.trail is None:
        return plausible.Trail.start(moment.now, target), []
    # Readings may come in bursts: what the robot's own clock allows is allowed.
    seconds = max(moment.now - memory.last_at, state.time - memory.last.time)
    found = plausible.jumps(rules, memory.last, state, seconds)
    trail, same = plausible.follow(rules, memory.trail, memory.last, state, target, moment.now)
    return trail, found + same


def _ages(rules: Rules, moment: Moment, asked: bool, memory: Memory) -> list[Finding]:
    """What has not come for too long. A passive robot that nobody commands may be as silent as it likes."""
    found = []
    if memory.driven:
        found.append(checks.command_age(rules, moment.command_age))
    if memory.driven or asked:
        age = moment.now - memory.last_at
        never = Finding(Fault.STATE_LATE, age, rules.config.state_hold) if memory.last is None else None
        found.append(checks.state_age(rules, age) or never)
    return [finding for finding in found if finding is not None]


def _ask(
    rules: Rules, moment: Moment, command: JointCommand | None, memory: Memory
) -> tuple[JointCommand | None, list[Finding]]:
    """What would be sent in NORMAL, and what was reduced for it."""
    if command is None or memory.last is None:
        return None, []
    try:
        limits.check(rules.info, command)
    except CommandError:
        return None, [Finding(Fault.COMMAND_SENSELESS)]
    measured = memory.last.joint_pos
    start = measured if memory.sent is None else np.where(memory.sent.kp > 0, memory.sent.pos, measured)
    return checks.limited(rules, command, start, measured, moment.now - memory.sent_at)


def _lower(rules: Rules, faults: tuple[Finding, ...], memory: Memory) -> Memory:
    """The mode that ``faults`` leave; entering HOLD, the pose to hold."""
    mode = ratchet(memory.mode, (finding.fault.mode for finding in faults))
    if mode == memory.mode:
        return memory
    held = _hold(rules, memory) if mode is Mode.HOLD else memory.held
    return replace(memory, mode=mode, cause=_stopping(faults), held=held)


def _answer(
    rules: Rules, moment: Moment, asked: JointCommand | None, memory: Memory, faults: tuple[Finding, ...]
) -> Verdict:
    """What the mode makes of what was asked."""
    if memory.mode is Mode.NORMAL:
        command = asked
    elif memory.mode is Mode.HOLD:
        command = _holding(rules, memory)
    else:
        command = None if memory.silent else damp(rules, memory)
    if command is None:
        return Verdict(None, memory, faults)
    memory = replace(memory, sent=command, sent_at=moment.now, silent=memory.mode is Mode.OFF)
    return Verdict(command, memory, faults)


def _hold(rules: Rules, memory: Memory) -> JointCommand:
    """The last safe pose: where the targets were, but no farther from the joints than ``hold_error``.

    A joint that was not stiff stays so: it damps.
    """
    safe = memory.safe_pos
    if safe is None or memory.sent is None or not memory.driven:
        return damp(rules, memory)
    pos = _near(rules, np.where(memory.sent.kp > 0, memory.sent.pos, safe), safe)
    held = limits.clamp(rules.info, JointCommand.hold(pos, rules.info))
    return replace(held, kp=np.where(memory.sent.kp > 0, held.kp, 0.0))


def _holding(rules: Rules, memory: Memory) -> JointCommand:
    """What is held, but no farther than ``hold_error`` from where the joints are now.

    A joint that someone moves, or that a fall moves, is pulled back no harder than that. While nothing sensible is read
    the target stays where the last reading left it: nobody knows where the joints are, and STATE_LOST damps soon.
    """
    held = memory.held
    if held is None or memory.last is None:  # HOLD was found on connecting
        return damp(rules, memory)
    return replace(held, pos=_near(rules, held.pos, memory.last.joint_pos))


def _near(rules: Rules, target: Array, joints: Array) -> Array:
    """``target`` no farther than ``hold_error`` from ``joints``, and within its range: all ``[J]`` rad."""
    error = rules.config.hold_error
    pos: Array = np.clip(
        np.clip(target, joints - error, joints + error), rules.target_lower, rules.target_upper
    )
    return pos


def damp(rules: Rules, memory: Memory) -> JointCommand:
    """Resist motion; there is no stiffness, so the pose in it says nothing."""
    pos = rules.info.stand_pos if memory.last is None else memory.last.joint_pos
    zero = np.zeros(rules.info.joints)
    return limits.clamp(rules.info, JointCommand(pos, zero, zero, zero, rules.info.default_kd))


def _stopping(findings: tuple[Finding, ...] | list[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.fault.mode is not Mode.NORMAL)

"""Where the time goes: from a command to its torque, to motion, to the reading that shows it.

Joints hold a pose while a torque jumps at random. The delay at which the jumps asked match the jumps read is the way
there and back; the same against the joints' acceleration is the way to motion. Each jump's own delay gives the jitter.
"""

from __future__ import annotations

import numpy as np

from calibration.motors import FAST_HZ, KICK, MIDDLE, best_delay, delay_of, kick
from calibration.result import Check, Line, Plot, Result
from calibration.session import Log, Session
from robots.a1 import model
from robots.calibration_parts import Latency
from robots.robot import Array

SECONDS = 4.0
DELAY_BOUND, AGE_BOUND = 0.08, 0.02  # s
NEAR = 0.011  # s around the mean delay in which a jump is looked for; the next one comes later
JITTER_BOUND = 0.005  # s; evenly spread over what is looked at it would be 0.0064
UNSEEN_BOUND = 0.1  # of the jumps; those that come later than is looked for say nothing of the jitter
CONTROL = 0.05  # s, a control step of the actor


def measure(session: Session) -> Result:
    """Jolt and look. Raises CalibrationStopped."""
    session.place("hang")
    middle = np.tile(MIDDLE, len(model.LEGS))
    session.move(middle, 2.0, "legs into the middle")
    log = kick(session, middle, "jolts, and when they show", SECONDS)
    session.damp(0.3)
    return result(log)


def result(log: Log) -> Result:
    """What the recording of the jolts comes to."""
    period = float(np.median(np.diff(log.time)))
    # Half a period: a change shows in the first reading after it, half a period later in the mean.
    there = delay_of(log) + 0.5 * period
    motion = best_delay(log, acceleration(log), 0.0, 0.15) + 0.5 * period
    each = edges(log, there)
    jitter = float(np.sqrt(max(each.var() - period**2 / 12, 0.0))) if each.size else float("nan")
    unseen = 1.0 - each.size / max(int((np.diff(log.asked, axis=0) != 0).sum()), 1)
    age = float(np.median(log.read_at - log.time))
    checks = (
        Check("command to reading", there, DELAY_BOUND, "s", "Is the network slow, or this computer busy?"),
        Check("its jitter", jitter, JITTER_BOUND, "s", "Is this computer busy? See `daydreamer doctor`."),
        Check(
            "jumps not seen when they were due",
            unseen,
            UNSEEN_BOUND,
            "of all",
            "The jitter is larger than the number above: is the network slow now and then, or this computer busy?",
        ),
        Check("age of a reading", age, AGE_BOUND, "s"),
        Check("readings a second, period", period, 1.6 / FAST_HZ, "s", "This computer cannot keep 500 Hz."),
    )
    window = slice(0, min(len(log.time), int(0.4 * FAST_HZ)))
    begun = log.asked_at[0]
    plots = (
        Plot("A torque asked and read", "s", "N m", [
            Line("asked", log.asked_at[window] - begun, log.asked[window, 0]),
            Line("read", log.time[window] - begun, log.joint_torque[window, 0]),
        ]),
        Plot("Delay of each jump", "jump", "s", [Line("delay", np.arange(each.size, dtype=float), each, dots=True)]),
    )  # fmt: skip
    values = Latency(there, jitter, max(motion, 0.0), max(age, 0.0))
    notes = (
        f"of a control step of {1000 * CONTROL:.0f} ms: {1000 * there:.1f} ms from a command to the reading that shows "
        f"its torque, {1000 * motion:.1f} ms to motion, {1000 * age:.1f} ms that a reading is old when it is used",
    )
    return Result(
        values, "torque jolts on hanging legs, cross-correlation", checks, plots, {"jitter_s": jitter}, notes
    )


def acceleration(log: Log) -> Array:
    """Of the joints ``[N, J]`` rad/s^2, of the reading before to this one."""
    step = np.maximum(np.diff(log.time), 1e-4)[:, None]
    return np.vstack([np.zeros(log.joint_vel.shape[1]), np.diff(log.joint_vel, axis=0) / step])


def edges(log: Log, about: float) -> Array:
    """The delay of each jump ``[K]`` s: to the reading, near ``about``, that is first to show it."""
    found = []
    for joint in range(log.asked.shape[1]):
        asked, read = log.asked[:, joint], log.joint_torque[:, joint]
        for index in np.flatnonzero(np.diff(asked)) + 1:
            due = log.asked_at[index] + about
            near = np.flatnonzero(np.abs(log.time - due) < NEAR)
            if near.size < 3 or near[0] == 0:
                continue
            leaps = (read[near] - read[near - 1]) * np.sign(asked[index] - asked[index - 1])
            if leaps.max() > KICK:  # half of the jump
                found.append(log.time[near[int(np.argmax(leaps))]] - log.asked_at[index])
    return np.array(found)

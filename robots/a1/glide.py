"""From twenty targets a second to a smooth command at every tick: straight lines between targets, soft beginnings."""

from __future__ import annotations

import numpy as np

from robots.robot import Array, JointCommand


class Glide:
    """Where the targets are now. Time is what the caller says; nothing is smoothed but position and stiffness.

    A new target is reached on a straight line within ``interval``. The motors keep a command until the next tick: it
    says where the line is by then, as in ``robots.sim.motors``, or every target would be reached a tick late. A joint
    that was not tracking starts from where it is measured, and its kp grows from zero over ``gain_ramp``, so that
    nothing leaps when a robot wakes up.
    """

    def __init__(self, joints: int, tick: float, interval: float, gain_ramp: float, error_clip: float):
        """Nothing is commanded yet.

        Args:
            joints: J.
            tick: s between two calls of ``at``.
            interval: s between two targets.
            gain_ramp: s until a joint that begins to track is as stiff as it was asked to be.
            error_clip: rad; a target farther from the joint pulls no harder than this one.
        """
        self._tick, self._interval = tick, interval
        self._gain_ramp, self._error_clip = gain_ramp, error_clip
        self._command: JointCommand | None = None
        self._start = np.zeros(joints)
        self._begun = 0.0
        self._stiff_since = np.zeros(joints)

    @property
    def idle(self) -> bool:
        """True until the first command, and after ``release``."""
        return self._command is None

    def release(self) -> None:
        """Forget the command: the next one begins softly, from where the joints are."""
        self._command = None

    def stay(self, command: JointCommand, now: float) -> None:
        """Be at ``command`` already, and as stiff: by ``now`` [s] the joints have been held there by someone else."""
        self._command, self._start, self._begun = command, command.pos, now
        self._stiff_since = np.full(len(command.pos), -np.inf)

    def take(self, command: JointCommand, measured: Array, now: float) -> None:
        """Make for ``command``, whose arrays are ``[J]``, from ``now`` [s] on."""
        tracking = np.zeros(len(measured), bool) if self._command is None else self._command.kp > 0
        self._start = np.where(tracking, self._target(now), measured)
        self._stiff_since = np.where(tracking, self._stiff_since, now)
        self._command, self._begun = command, now

    def at(self, now: float, measured: Array) -> JointCommand:
        """The command of the tick that begins ``now``, for joints at ``measured [J]`` rad. Only when not ``idle``."""
        command = self._command
        assert command is not None
        target = self._target(now + self._tick)
        near = np.minimum(np.maximum(target, measured - self._error_clip), measured + self._error_clip)
        if self._gain_ramp > 0:
            stiffness = np.minimum((now - self._stiff_since) / self._gain_ramp, 1.0)
        else:
            stiffness = np.ones(len(measured))
        return JointCommand(near, command.vel, command.torque, stiffness * command.kp, command.kd)

    def _target(self, now: float) -> Array:
        if self._command is None:
            return self._start
        share = min((now - self._begun) / self._interval, 1.0) if self._interval > 0 else 1.0
        target: Array = self._start + share * (self._command.pos - self._start)
        return target

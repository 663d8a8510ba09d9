"""RobotEnv: a robot and a task, stepped at a fixed rate by the robot's own clock."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core import specs
from daydreamer.core.agent import Arrays
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.specs import Specs
from daydreamer.core.transition import FLAGS
from daydreamer.envs.brake import Brake
from daydreamer.envs.task import Estimate, Estimator, Judgement, Task
from daydreamer.envs.truth import TRUTH, truth_log
from robots.a1.estimator import BaseEstimator
from robots.clock import Clock, MonotonicClock, Rate
from robots.robot import Array, JointCommand, Robot, RobotState, RobotStopped, StaleState

log = logging.getLogger(__name__)

Obs = dict[str, NDArray[Any]]

# What a step is computed from; a single NaN among it would spread into the policy's memory.
SENSED = ("joint_pos", "joint_vel", "quat_xyzw", "gyro", "accel", "foot_force")


@dataclass(frozen=True)
class Glance:
    """What is known of the robot after its last reading. Nothing in it is changed afterwards."""

    state: RobotState
    estimate: Estimate
    judged: Judgement
    sent: JointCommand | None  # to the motors last; None before the first
    truth: Mapping[str, Array]  # empty on hardware
    wall: float  # unix s, when the reading was taken; a reading that comes again keeps its time
    at: float  # s, the same on the computer's own clock


class RobotEnv:
    """The Env of a robot that does ``task``. Nothing is connected until the first ``reset``.

    A reset moves nothing, unless there is ``restart``: the robot goes on from wherever it lies. When the robot
    falls silent, or a sensor reads no number, the step ends the stream of observations (``is_last``, not
    ``is_terminal``) with the last good observation, which follows nothing (``is_first``): what became of the action
    nobody saw. The next ``reset`` tries again.

    Args:
        robot: Connected in ``reset`` when it is not yet; closed in ``close``.
        task: What to observe, to do and to reward.
        hz: Control steps per second of the robot's clock.
        estimator: Follows the base; the A1's when None.
        patience: How long ``reset`` waits for a first good state, s of the robot's clock.
        restart: Puts the robot back where it began, at every reset but the one that connects it. Only in simulation.
        wall: The computer's own clock; times the parts of a step.
        unix: Unix seconds, for people and other programs.
    """

    def __init__(
        self,
        robot: Robot,
        task: Task,
        hz: float = 20.0,
        estimator: Estimator | None = None,
        patience: float = 2.0,
        restart: Callable[[], None] | None = None,
        wall: Clock | None = None,
        unix: Callable[[], float] = time.time,
    ):
        if not hz > 0:
            raise ValueError(f"a control rate is positive, got {hz} Hz")
        self._robot, self._task = robot, task
        self._brake, self._restart = Brake(robot), restart
        self._hz, self._patience = hz, patience
        self._wall, self._unix = wall or MonotonicClock(), unix
        self._estimator: Estimator = estimator or BaseEstimator(robot.info)
        truth = TRUTH if robot.info.simulated else {}
        self._obs_spec = {**task.obs_spec, **FLAGS, **task.log_spec, **truth}
        self._act_spec = dict(task.act_spec)
        self._rate: Rate | None = None  # None: not connected
        self._running = False  # between a reset and the step that ends it
        self._last: Obs = {}
        self._glance: Glance | None = None
        self._applied = {name: spec.zeros() for name, spec in self._act_spec.items()}
        self._timing = dict.fromkeys(("write", "late", "sense", "estimate", "observe"), 0.0)

    @property
    def obs_spec(self) -> Specs:
        """The task's observations, the four flags, the task's logs, and in simulation the truth."""
        return self._obs_spec

    @property
    def act_spec(self) -> Specs:
        """The task's actions."""
        return self._act_spec

    @property
    def robot(self) -> Robot:
        """The robot being driven."""
        return self._robot

    @property
    def brake(self) -> Brake:
        """The robot as it is commanded here: a person may stop it."""
        return self._brake

    @property
    def clock(self) -> Clock:
        """The robot's clock, which times every step."""
        return self._robot.clock

    @property
    def hz(self) -> float:
        """Control steps per second of the robot's clock."""
        return self._hz

    @property
    def glance(self) -> Glance | None:
        """The robot as it was seen last; None before the first reading."""
        return self._glance

    def reset(self) -> Obs:
        """Begin where the robot lies, or where ``restart`` puts it.

        Raises:
            StaleState: No good state came within ``patience`` s.
            RobotStopped: Its safety has stopped the robot, and nobody has reset it yet.
            RobotError: The robot cannot be connected to.
        """
        self._running = False
        if self._rate is None:
            self._brake.connect()
            self._rate = Rate(self.clock, self._hz)
        elif self._restart is not None:
            self._restart()
        state = self._first_state()
        self._estimator.reset(state)
        self._task.begin(state, self._hz)
        # The pose that it is in is what it is asked for until the first step, whatever it was asked for before.
        self._applied = self._task.sent(JointCommand.damp(state, self._robot.info))
        obs = self._observe(state, is_first=True)
        self._rate.restart()
        self._running = True
        return obs

    def step(self, action: Arrays) -> Obs:
        """Send ``action``, wait for the next tick, observe.

        Raises:
            SpecMismatch: ``action`` does not fit ``act_spec``; nothing was sent.
            DaydreamerError: The stream has ended, or never began: call ``reset``.
        """
        return self._advance(lambda: self._brake.write(self._task.command(action)), action)

    def hold(self) -> Obs:
        """A step that keeps the pose: see ``Brake.hold``. The step after it starts from there.

        Raises:
            DaydreamerError: As for ``step``.
        """
        return self._advance(self._hold)

    def rest(self, hold: bool = False) -> None:
        """Until the next tick no policy acts; ends a stretch, so that a ``reset`` begins the next.

        Args:
            hold: Keep the pose, where it was stiff; else the motors damp.

        Raises:
            RobotError: The robot fell silent, or refuses the command.
            DaydreamerError: It was never connected.
        """
        self._running = False
        if self._rate is None:
            raise DaydreamerError("rest() needs a reset() before it, which connects the robot")
        if hold:
            self._brake.hold()
        else:
            self._brake.damp()
        self._timing["late"] = self._rate.wait()
        self.look()

    def look(self) -> None:
        """Take a reading in for ``glance``, and for nothing else.

        Raises:
            RobotError: There is none to trust.
        """
        state = self._read()
        estimate = self._estimator.update(state)
        self._keep(state, estimate, self._task.judge(state, estimate))

    def applied(self) -> dict[str, NDArray[Any]]:
        """The last action as it reached the robot: after the low-pass and the robot's limits."""
        return {name: value.copy() for name, value in self._applied.items()}

    def timing(self) -> dict[str, float]:
        """Wall seconds that the parts of the last step took, and by how much of the robot's time it came late.

        Keys ``write``, ``late``, ``sense``, ``estimate``, ``observe``. ``late`` is 0 where the clock is a
        simulator's, which stands still while we compute.
        """
        return dict(self._timing)

    def close(self) -> None:
        """Damp and let go of the robot. Idempotent; a ``reset`` after it connects again."""
        self._running = False
        self._rate = None
        self._robot.close()

    def _advance(self, write: Callable[[], JointCommand], action: Arrays | None = None) -> Obs:
        """One step in which ``write`` commands the robot, by ``action`` where there is one."""
        if not self._running or self._rate is None:
            raise DaydreamerError(
                "step() needs a reset() before it: at the start, and after a step with is_last"
            )
        if action is not None:
            specs.validate(self._act_spec, action)
        begun = self._wall.now()
        try:
            self._applied = self._task.sent(write())
            self._timing["write"] = self._wall.now() - begun
            self._timing["late"] = self._rate.wait()
            state = self._sense()
        except (StaleState, RobotStopped) as error:
            return self._interrupted(error)
        return self._observe(state, is_first=False)

    def _hold(self) -> JointCommand:
        sent = self._brake.hold()
        if self._glance is not None:  # the task's low-pass goes on from what is held
            self._task.begin(replace(self._glance.state, joint_pos=sent.pos), self._hz)
        return sent

    def _first_state(self) -> RobotState:
        """The first good state; a robot just connected may take a moment to answer."""
        deadline = self.clock.now() + self._patience
        while True:
            try:
                return self._sense()
            except (StaleState, RobotStopped):
                now = self.clock.now()
                if now >= deadline:
                    raise
                self.clock.sleep_until(min(now + 1.0 / self._hz, deadline))

    def _sense(self) -> RobotState:
        """The newest state of a robot that obeys.

        Raises:
            StaleState: There is none to trust.
            RobotStopped: The robot no longer obeys: what it does is not what a policy asked for.
            RobotError: Its driver can do nothing more: closing it damps.
        """
        if stopped := self._brake.stopped:
            with suppress(StaleState):
                self._brake.read()
            raise RobotStopped(
                f"{self._robot.info.name} is stopped, and an operator must reset it: {stopped}"
            )
        return self._read()

    def _read(self) -> RobotState:
        begun = self._wall.now()
        state = self._brake.read()
        for name in SENSED:
            value = getattr(state, name)
            # A sum is finite only when every part is, and is the cheapest to ask for.
            if not math.isfinite(float(value.sum())):
                raise StaleState(
                    f"{self._robot.info.name}: {name} reads {value}; expected numbers, check the sensor"
                )
        if not 0.5 < state.quat_xyzw @ state.quat_xyzw < 2.0:
            raise StaleState(
                f"{self._robot.info.name}: quat_xyzw reads {state.quat_xyzw}, which is no rotation"
            )
        self._timing["sense"] = self._wall.now() - begun
        return state

    def _observe(self, state: RobotState, is_first: bool) -> Obs:
        begun = self._wall.now()
        estimate = self._estimator.update(state)
        estimated = self._wall.now()
        judged = self._task.judge(state, estimate)
        obs: Obs = dict(self._task.observe(state, estimate))
        obs["reward"] = np.asarray(judged.reward, np.float32)
        # What a reset finds is a beginning, however bad: there is no step yet that could have ended anything.
        terminal = judged.terminal and not is_first
        obs |= _flags(is_first, is_last=terminal, is_terminal=terminal)
        obs |= {name: np.asarray(value, np.float32) for name, value in judged.log.items()}
        glance = self._keep(state, estimate, judged)
        if self._robot.info.simulated:
            obs |= truth_log(glance.truth)
        self._timing |= {"estimate": estimated - begun, "observe": self._wall.now() - estimated}
        self._last = obs
        self._running = not terminal
        # The caller may write into what it is given; a fault repeats what was really seen.
        return {name: value.copy() for name, value in obs.items()}

    def _keep(self, state: RobotState, estimate: Estimate, judged: Judgement) -> Glance:
        truth = self._robot.truth() if self._robot.info.simulated else {}
        seen, before = (self._unix(), self._wall.now()), self._glance
        if before is not None and (state.seq, state.time) == (before.state.seq, before.state.time):
            seen = before.wall, before.at
        self._glance = Glance(state, estimate, judged, self._brake.sent, truth, *seen)
        return self._glance

    def _interrupted(self, error: StaleState | RobotStopped) -> Obs:
        log.warning("%s: stream of observations ends here: %s", self._robot.info.name, error)
        self._running = False
        last = {name: value.copy() for name, value in self._last.items()}
        # What was seen before is no outcome: as one it would teach that the action did nothing, and all goes on.
        return last | _flags(is_first=True, is_last=True, is_terminal=False)


def _flags(is_first: bool, is_last: bool, is_terminal: bool) -> Obs:
    flags = {"is_first": is_first, "is_last": is_last, "is_terminal": is_terminal}
    return {name: np.asarray(value, bool) for name, value in flags.items()}

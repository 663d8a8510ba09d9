"""The program on the robot: observe, act, hand the row to the link, twenty times a second.

Once it has begun it never waits for the learner, with one exception: a stand-in that runs faster than real time waits
for credit, during which its time stands still.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.agent import Policy
from daydreamer.core.env import Env
from daydreamer.core.errors import Refused
from daydreamer.core.specs import Specs
from daydreamer.core.transition import row_spec
from daydreamer.runtime.actor_metrics import ActorMetrics
from daydreamer.runtime.attendant import Alone, Attended
from daydreamer.runtime.babble import Babble
from daydreamer.runtime.policy import OnnxPolicy
from daydreamer.runtime.policy_loader import PolicyLoader
from daydreamer.runtime.random_policy import HeldRandom
from daydreamer.transport.link import ActorEnd, LinkError, SpoolFull
from robots.clock import Clock, MonotonicClock
from robots.robot import RobotError, RobotStopped, StaleState

_log = logging.getLogger(__name__)

Arrays = dict[str, NDArray[Any]]
_POLL = 0.005  # s between two looks at the link while waiting for it


class RobotLost(RuntimeError):
    """The robot was there and fails now. Another life of this process may find it again."""


class LinkLost(RuntimeError):
    """The link was open and has broken down for good. Another life of this process opens another one."""


@dataclass(frozen=True)
class ActorConfig:
    """How the actor runs a policy."""

    hold: int = 8  # steps for which each random action is held, before the first policy
    explore: bool = True  # with the policy's exploration noise, and by babbling
    babble: float = 0.0  # share of the steps at which a held random action takes the policy's place
    babble_hold: int = 20  # steps for which each of these is held
    babble_above: float | None = (
        None  # only while the mean reward of 1,000 steps is at least this; None: always
    )
    wait_for_credit: bool = (
        False  # stand still while the learner wants no rows; only where time can stand still
    )
    await_learner: float = (
        5.0  # s at most, before the robot is touched, in which the learner may refuse this actor
    )
    report_every: float = 1.0  # s

    def __post_init__(self) -> None:
        if min(self.hold, self.babble_hold) < 1 or not self.report_every > 0:
            raise ValueError(
                "hold and babble_hold are at least one step and report_every is positive; got "
                f"{self.hold}, {self.babble_hold} and {self.report_every}"
            )
        if not self.await_learner >= 0:
            raise ValueError(f"await_learner is a time of 0 s or more, got {self.await_learner}")
        if not 0 <= self.babble < 1:
            raise ValueError(f"babble is a share of the steps in [0, 1), got {self.babble}")


class VersionedPolicy(Policy, Protocol):
    """A policy that knows its version."""

    version: int


class Actor:
    """Drives ``env`` by the newest policy that ``link`` brings, and sends up every step.

    Args:
        env: Stepped, never closed here.
        link: Started by the caller.
        robot_clock: Stamps the rows.
        wall: Times the reports and the waits.
        timing: Seconds that parts of the last step took: keys 'late', 'sense', ...; see ``RobotEnv.timing``.
        seed: Of random actions and of the policies' noise.
        attendant: Serves the people at the console; nobody is there by default.
    """

    def __init__(
        self,
        env: Env,
        link: ActorEnd,
        config: ActorConfig,
        robot_clock: Clock,
        wall: Clock | None = None,
        timing: Callable[[], Mapping[str, float]] = dict,
        seed: int | None = None,
        attendant: Attended | None = None,
    ):
        self._env, self._link, self._config = env, link, config
        self._robot_clock, self._wall, self._timing = robot_clock, wall or MonotonicClock(), timing
        self._act_spec: Specs = dict(env.act_spec)
        self._dtypes = {key: spec.dtype for key, spec in row_spec(env.obs_spec, env.act_spec).items()}
        self._seeds = np.random.SeedSequence(seed)
        self._policy: VersionedPolicy = HeldRandom(env.act_spec, config.hold, self._seeds.spawn(1)[0])
        self._carry = self._policy.initial()
        self._anew = False  # the policy begins in mid-stream, and is told that it begins
        share = config.babble if config.explore else 0.0
        above = -math.inf if config.babble_above is None else config.babble_above
        self._babble = Babble(env.act_spec, share, config.babble_hold, above, self._seeds.spawn(1)[0])
        self._loader = PolicyLoader(self._build)
        self._metrics = ActorMetrics(self._wall.now())
        self._attendant: Attended = attendant or Alone()
        self._action: Arrays = {key: spec.zeros() for key, spec in self._act_spec.items()}  # the last one
        self._sent = -1  # number of the last row that was sent
        self._stop: Callable[[], str | None] = lambda: None
        self._welcomed = False  # by a learner, once

    def run(self, stop: Callable[[], str | None], before: Callable[[], str | None] | None = None) -> str:
        """Step until ``stop`` gives a reason, or the learner does; returns the reason.

        ``before`` is asked in its place until the robot is connected, which may take longer than a watchdog waits.

        Raises:
            RobotError: The robot is not there at the start.
            RobotLost: It was there, and fails for good.
            LinkLost: The link has broken down.
            Refused: The learner does not want this actor, and never did.
        """
        early = before or stop
        self._stop = lambda: early() or self._told_by_learner()
        if reason := self._await_learner():
            return reason
        self._stop = lambda: stop() or self._told_by_learner()
        try:
            obs = self._env.reset()  # connects, and moves nothing
        except RobotStopped:
            if not self._attendant.tripped:
                raise
            obs = {}
        return self._drive(obs)

    def close(self) -> None:
        """End the thread that builds policies, which may take seconds: after the robot is damped. Idempotent."""
        self._loader.close()

    def _drive(self, obs: Arrays) -> str:
        """From the first observation on, or from none: the robot is there, and somebody has stopped it."""
        try:
            if self._away() or not obs:  # since before the first row
                obs = self._begin_again(obs)
            while not (reason := self._stop()):
                if self._away():
                    obs = self._step({**obs, "is_last": np.asarray(True)})
                    continue
                if self._config.wait_for_credit and not self._has_credit():
                    continue
                obs = self._step(obs)
            return reason
        except RobotError as error:
            raise RobotLost(f"the robot was there, and has failed: {error}") from error
        except LinkError as error:
            raise LinkLost(f"the link failed while the robot was being driven: {error}") from error

    # One step

    def _step(self, obs: Arrays) -> Arrays:
        """Act on ``obs``, send its row, return what comes next."""
        self._take_newest_policy()
        if obs["is_last"]:
            still = {key: spec.zeros() for key, spec in self._act_spec.items()}
            row = self._row(obs, still, still)
            sent, following = self._send(row), self._begin_again(obs)
            return following if sent else self._hold(row, following)
        time = self._robot_clock.now()
        action = self._act(obs)
        following = self._env.hold() if action is None else self._env.step(action)
        applied = self._env.applied()
        row = self._row(obs, self._within_bounds(applied) if action is None else action, applied, time)
        for name, seconds in self._timing().items():
            self._metrics.add(name, seconds)
        self._metrics.steps += 1
        self._tell()
        if action is None:
            row["is_last"] = np.asarray(True)
            following = _as_first(following)
        if not self._send(row):
            return self._hold(row, following)
        return following

    def _act(self, obs: Arrays) -> Arrays | None:
        """The policy's action; None when that is no number."""
        begun = self._wall.now()
        noise = self._policy.noise(self._config.explore)
        seen = {**obs, "is_first": np.asarray(True)} if self._anew else obs
        self._carry, action = self._policy(self._carry, seen, noise)
        self._anew = False
        self._metrics.policy_seconds = self._wall.now() - begun
        self._metrics.add("policy", self._metrics.policy_seconds)
        if all(np.isfinite(value).all() for value in action.values()):
            self._action = self._within_bounds(action)
            if (other := self._babble(float(obs["reward"]))) is not None:
                self._action = other
                self._metrics.babbled += 1
                # A carry's key with an action's name is the action last taken: this one.
                self._carry = {key: other.get(key, value) for key, value in self._carry.items()}
            return self._action
        self._metrics.faults += 1
        _log.error(
            "policy version %d answered with numbers that are not finite: the robot holds its pose for this "
            "step, and the policy begins anew. A newer version should replace it.",
            self._policy.version,
        )
        self._carry = self._policy.initial()
        return None

    def _row(self, obs: Arrays, action: Arrays, applied: Arrays, time: float | None = None) -> Arrays:
        now = self._robot_clock.now() if time is None else time
        row = {**obs, **action, **{f"applied/{key}": value for key, value in applied.items()}}
        row |= {"time": np.asarray(now), "policy_version": np.asarray(self._policy.version)}
        return {key: np.array(row[key], dtype) for key, dtype in self._dtypes.items()}

    def _send(self, row: Arrays) -> bool:
        """False when there was no room for it."""
        try:
            self._sent = self._link.send(row)
        except SpoolFull:
            return False
        return True

    # Interruptions

    def _begin_again(self, obs: Arrays) -> Arrays:
        """Reset once nobody keeps the robot aside and it answers, or until told to stop, which leaves ``obs``."""
        while not self._stop():
            if self._away():
                self._attendant.rest(self._stop)
                self._tell()
                continue
            try:
                return self._env.reset()
            except (StaleState, RobotStopped) as error:
                self._metrics.faults += 1
                _log.warning("no policy runs until the robot is ready, trying again: %s", error)
        return obs

    def _away(self) -> bool:
        """Whether people, or the robot's safety, want no policy to run."""
        self._metrics.paused = self._attendant.away(self._link.stream, self._sent)
        return self._metrics.paused

    def _hold(self, row: Arrays, obs: Arrays) -> Arrays:
        """Keep the robot where it is until ``row`` can be sent; what comes after the gap is a first step."""
        row["is_last"] = np.asarray(True)
        self._metrics.holding = True
        _log.warning("the spool is full and the learner does not empty it: the robot holds its pose")
        while not self._stop():
            self._tell()
            if not self._link.status().full and self._send(row):
                _log.info("there is room again: the robot goes on")
                break
            if self._away():
                obs = self._begin_again(obs)
            elif self._config.wait_for_credit:
                self._wall.sleep_until(self._wall.now() + _POLL)
            else:
                obs = self._begin_again(obs) if obs["is_last"] else self._env.hold()
        self._metrics.holding = False
        self._carry = self._policy.initial()
        return _as_first(obs)

    def _within_bounds(self, action: Arrays) -> Arrays:
        return {
            key: np.clip(action[key], spec.low, spec.high).astype(spec.dtype, copy=False)
            for key, spec in self._act_spec.items()
        }

    # Around the step

    def _await_learner(self) -> str | None:
        """Give the learner time to refuse this actor before anything moves. Why to stop meanwhile, or None."""
        until = self._wall.now() + self._config.await_learner
        while not self._link.status().connected and self._wall.now() < until:
            if reason := self._stop():
                return reason
            self._wall.sleep_until(self._wall.now() + _POLL)
        return None

    def _told_by_learner(self) -> str | None:
        status = self._link.status()
        if status.broken:
            raise LinkLost(f"the link has broken down: {status.broken}")
        self._welcomed = self._welcomed or status.connected
        if status.refused and not self._welcomed:
            raise Refused(f"the learner refuses this actor: {status.refused}")
        return status.stopped

    def _has_credit(self) -> bool:
        """True when the learner wants a row; else, after a short wait, False."""
        if self._link.credit() > 0:
            return True
        begun = self._wall.now()
        self._wall.sleep_until(begun + _POLL)
        self._metrics.add("credit_wait", self._wall.now() - begun)
        self._tell()
        return False

    def _build(self, data: bytes) -> OnnxPolicy:
        policy = OnnxPolicy(data, self._seeds.spawn(1)[0])
        policy.fits(self._env.obs_spec, self._env.act_spec)
        return policy

    def _take_newest_policy(self) -> None:
        message = self._link.policy()
        if message is not None:
            self._loader.load(message.data)
        fresh = self._loader.take()
        if fresh is None:
            return
        # The recurrent state goes on: a newer version of the same network reads it as the older one did.
        if not fresh.fits_carry(self._carry):
            self._carry, self._anew = fresh.initial(), True
        self._policy = fresh
        self._metrics.version, self._metrics.version_since = fresh.version, self._wall.now()

    def _tell(self) -> None:
        """The people at the console how things are; and the learner, when that is due."""
        now, link = self._wall.now(), self._link.status()
        self._attendant.show(self._metrics, self._action, link)
        if self._metrics.age(now) >= self._config.report_every:
            self._link.report(self._metrics.report(now, link))


def _as_first(obs: Arrays) -> Arrays:
    """``obs`` with the past cut off, also where it ends what has hardly begun."""
    return {**obs, "is_first": np.asarray(True)}


def run_actor(
    env: Env,
    link: ActorEnd,
    config: ActorConfig,
    robot_clock: Clock,
    stop: Callable[[], str | None],
    wall: Clock | None = None,
    timing: Callable[[], Mapping[str, float]] = dict,
    seed: int | None = None,
    attendant: Attended | None = None,
    before: Callable[[], str | None] | None = None,
) -> str:
    """Start ``link``, drive ``env`` until stopped, and leave both closed, the robot first; returns the reason.

    Raises:
        RobotError: The robot is not there.
        DaydreamerError: The link cannot be opened, or is refused by the learner.
    """
    with contextlib.ExitStack() as after_the_robot:  # nothing that hangs may keep it from being damped
        after_the_robot.callback(link.close)
        try:
            link.start()
            actor = Actor(env, link, config, robot_clock, wall, timing, seed, attendant)
            after_the_robot.callback(actor.close)
            return actor.run(stop, before)
        finally:
            _damp(env)


def _damp(env: Env) -> None:
    """Close ``env``, also when an impatient Ctrl-C comes in the middle of it."""
    try:
        env.close()
    except KeyboardInterrupt:
        env.close()
        raise

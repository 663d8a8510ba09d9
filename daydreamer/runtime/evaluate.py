"""Rollouts of one policy from lying on the back, without exploration, scored by the simulator's truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.agent import Policy
from daydreamer.core.env import Env
from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.film import Recording
from daydreamer.runtime.motion import MotionRecorder
from daydreamer.runtime.scoring import WALKS_LAST, Evaluation, RolloutScore, score_rollout, summarise

_TRUTH = (
    "log/truth/up",
    "log/original_calf",
    "log/truth/position",
    "log/truth/forward_speed",
    "log/original_reward",
)


def evaluate(
    policy: Policy,
    make_env: Callable[[int], Env],
    rollouts: int = 5,
    seconds: float = 60.0,
    hz: float = 20.0,
    seed: int = 0,
    progress: Callable[[RolloutScore], None] = lambda score: None,
    film: Recording | None = None,
) -> Evaluation:
    """Score ``policy`` over rollouts, each in a fresh environment with a seed of its own.

    Args:
        policy: Fits the environment.
        make_env: An environment for a seed; its robot lies on its back. Closed here.
        rollouts: How many.
        seconds: Of each.
        hz: Control steps per second.
        seed: Of the first rollout; the others follow.
        progress: Told each score as it comes.
        film: Sees the first rollout.

    Raises:
        DaydreamerError: The environment does not tell the truth that scores are made of.
    """
    if rollouts < 1 or not seconds * hz >= 1:
        raise DaydreamerError(f"expected rollouts >= 1 and seconds > 0, got {rollouts} and {seconds}")
    scores = []
    for number in range(rollouts):
        camera = film if number == 0 else None
        scores.append(_rollout(policy, make_env(seed + number), round(seconds * hz), hz, camera))
        progress(scores[-1])
    return summarise(scores)


def steps_of(
    policy: Policy, env: Env, steps: int, look: Callable[[int], None] = lambda step: None
) -> Iterator[tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]]:
    """Let ``policy`` act in ``env`` without exploring; gives what each step brought, and its action.

    ``look`` is called before every step with its number. The environment is not closed.
    """
    obs, carry = env.reset(), policy.initial()
    for step in range(steps):
        look(step)
        carry, action = policy(carry, obs, policy.noise(explore=False))
        action = {key: np.clip(value, -1, 1) for key, value in action.items()}
        obs = env.step(action)
        yield obs, action
        if obs["is_last"]:
            obs = env.reset()


def _rollout(policy: Policy, env: Env, steps: int, hz: float, film: Recording | None) -> RolloutScore:
    if missing := [key for key in _TRUTH if key not in env.obs_spec]:
        raise DaydreamerError(f"evaluation needs a simulated robot: the environment has no {missing}")
    seen: list[list[float]] = []
    ended: list[bool] = []
    recorder = MotionRecorder.of(env)

    def look(step: int) -> None:
        if film is not None:
            film.watch(env, step, steps, hz)

    try:
        for obs, action in steps_of(policy, env, steps, look):
            seen.append([float(np.ravel(obs[key])[-1]) for key in _TRUTH])  # of the position its height
            ended.append(bool(obs["is_terminal"]))
            if recorder is not None:
                recorder.see(action)
    finally:
        env.close()
    up, calf, height, speed, reward = np.array(seen).T
    score = score_rollout(up, calf, height, speed, reward, hz, np.array(ended))
    if recorder is None:
        return score
    return replace(score, motion=recorder.score(speed, min(steps, round(WALKS_LAST * hz))))

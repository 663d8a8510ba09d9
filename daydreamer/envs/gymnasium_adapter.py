"""Any Env as a ``gymnasium.Env``, for people who bring their own agent. Needs ``pip install gymnasium``."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from daydreamer.core.env import Env
from daydreamer.core.errors import SpecMismatch
from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import is_log, sensed


class GymnasiumEnv(gymnasium.Env[dict[str, NDArray[Any]], NDArray[Any]]):
    """``env`` behind Gymnasium's face.

    Observations are a Dict of what an agent may sense; ``log/...`` values come in ``info``. The end is
    ``terminated`` when it is the task's own (``is_terminal``), else ``truncated`` (the robot fell silent).
    A reset moves nothing, whatever its seed: the same robot goes on from where it lies, and so the
    environment calls itself nondeterministic.

    Args:
        env: An Env with exactly one action array.

    Raises:
        SpecMismatch: ``env`` has more than one action array.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own convention)

    def __init__(self, env: Env):
        if len(env.act_spec) != 1:
            raise SpecMismatch(f"expected one action array for a Box, got {sorted(env.act_spec)}")
        self._env = env
        ((self._action, action_spec),) = env.act_spec.items()
        self._sensed = sensed(env.obs_spec)
        self.action_space = _box(action_spec)
        self.observation_space: gymnasium.Space[Any] = spaces.Dict(
            {name: _box(spec) for name, spec in self._sensed.items()}
        )
        self.spec = EnvSpec(
            "daydreamer/Robot-v0", entry_point=lambda **_: GymnasiumEnv(env), nondeterministic=True
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Begin where the robot lies; ``options`` are not used."""
        super().reset(seed=seed)
        obs = self._env.reset()
        return self._sense(obs), _info(obs)

    def step(self, action: NDArray[Any]) -> tuple[dict[str, NDArray[Any]], float, bool, bool, dict[str, Any]]:
        """One control step: observation, reward, terminated, truncated, info."""
        obs = self._env.step({self._action: np.asarray(action, self.action_space.dtype)})
        terminated = bool(obs["is_terminal"])
        truncated = bool(obs["is_last"]) and not terminated
        return self._sense(obs), float(obs["reward"]), terminated, truncated, _info(obs)

    def close(self) -> None:
        """Leave the robot damped."""
        self._env.close()

    def _sense(self, obs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: obs[name] for name in self._sensed}


def _box(spec: ArraySpec) -> spaces.Box:
    low = -np.inf if spec.low is None else spec.low
    high = np.inf if spec.high is None else spec.high
    return spaces.Box(low, high, spec.shape, np.dtype(spec.dtype).type)


def _info(obs: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Log values by their names without ``log/``; scalars as Python numbers."""
    logged = {name.removeprefix("log/"): value for name, value in obs.items() if is_log(name)}
    return {name: value.item() if value.ndim == 0 else value for name, value in logged.items()}

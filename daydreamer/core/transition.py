"""The transition row: obs_t, the reward that came with it, and action_t chosen after it.

A row is a flat dict of numpy arrays, one time step. Keys:

- every key of the environment's ``obs_spec``: observations, ``reward``, ``is_first``, ``is_last``,
  ``is_terminal``, and ``log/...`` (kept for people and metrics, never shown to an agent);
- every key of ``act_spec``: the action the policy *requested* after seeing obs_t (``action``);
- ``applied/KEY`` for each of these: the action that really reached the robot after filters and limits; it has
  no bounds, as a filter starts at the pose it finds and overshoots;
- ``time`` s float64 (the robot's clock) and ``policy_version`` int64 (-1 before the first policy).

Where a row stands among others is not part of it: ``(stream, seq)`` travels beside it. A stream is one
actor process's life, its name is unique, and seq counts its rows from 0 without a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from daydreamer.core.specs import ArraySpec, Specs

Row = Mapping[str, NDArray[Any]]
Batch = Mapping[str, NDArray[Any]]  # [B, T, ...] each

FLAGS: Specs = {
    "reward": ArraySpec((), "float32", doc="came with this observation"),
    "is_first": ArraySpec((), "bool", doc="first step after a start: nothing before it counts"),
    "is_last": ArraySpec((), "bool", doc="last step before a stop"),
    "is_terminal": ArraySpec((), "bool", doc="the end is the task's own: no value follows"),
}
META: Specs = {
    "time": ArraySpec((), "float64", unit="s", doc="the robot's clock"),
    "policy_version": ArraySpec((), "int64", doc="version that chose the action, -1 before the first"),
}
MAX_ACTORS = 64  # that are connected at once, and so streams that grow at once
NOT_SENSED = frozenset(FLAGS) | frozenset(META)


def row_spec(obs_spec: Specs, act_spec: Specs) -> dict[str, ArraySpec]:
    """The spec of a row for an environment with these specs."""
    applied = {f"applied/{name}": replace(spec, low=None, high=None) for name, spec in act_spec.items()}
    return {**obs_spec, **act_spec, **applied, **META}


def is_log(key: str) -> bool:
    """True for keys that never reach an agent."""
    return key.startswith("log/")


def sensed(obs_spec: Specs) -> dict[str, ArraySpec]:
    """What an agent may encode: ``obs_spec`` without flags and ``log/`` keys."""
    return {k: s for k, s in obs_spec.items() if k not in NOT_SENSED and not is_log(k)}

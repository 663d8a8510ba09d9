"""Env: what an actor steps."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from daydreamer.core.agent import Arrays
from daydreamer.core.specs import Specs


class Env(Protocol):
    """A stream of observations. There may be no end: ``is_last`` says so when there is one."""

    @property
    def obs_spec(self) -> Specs:
        """Observations, the four flags of ``core.transition.FLAGS``, and ``log/...`` keys."""
        ...

    @property
    def act_spec(self) -> Specs:
        """Actions, each in [-1, 1]."""
        ...

    def reset(self) -> dict[str, NDArray[Any]]:
        """Begin (or begin again): an observation with ``is_first`` True."""
        ...

    def step(self, action: Arrays) -> dict[str, NDArray[Any]]:
        """Apply ``action``, wait one control period, observe.

        After a step with ``is_last`` the next call must be ``reset``. A step that was interrupted, so that nobody
        saw what came of it, is ``is_first`` too: it follows nothing. Raises SpecMismatch before
        anything moves when ``action`` does not fit ``act_spec``.
        """
        ...

    def hold(self) -> dict[str, NDArray[Any]]:
        """A step without an action: keep the pose that the first of such steps in a row finds.

        A robot that was not stiff is left so. ``applied`` says what was held.
        """
        ...

    def applied(self) -> dict[str, NDArray[Any]]:
        """The last action as it really reached the robot, in the units of ``act_spec``."""
        ...

    def close(self) -> None:
        """Leave the robot damped. Idempotent."""
        ...

"""What a person means by POLICY or RUN: an .onnx file, or a run directory, with the robot it is for."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daydreamer.core.errors import DaydreamerError
from daydreamer.presets.registry import load
from daydreamer.presets.score_card import read_card
from daydreamer.runtime.run_dir import RunDir, leaves

_log = logging.getLogger(__name__)

_TASK = ("robot", "hz", "task")  # of a run's configuration: what its policy learned to do


@dataclass(frozen=True)
class Source:
    """A policy file and the robot that it was made for."""

    policy: Path
    preset: str
    changes: tuple[str, ...]

    @property
    def name(self) -> str:
        """For people."""
        return str(self.policy)


def find_policy(path: Path, preset: str = "a1-sim") -> Source:
    """The policy that ``path`` stands for: of a run best.onnx, or the newest where there is none.

    Args:
        path: A policy, or a run.
        preset: For a policy that says nothing of its robot.

    Raises:
        DaydreamerError: There is none.
    """
    if path.is_dir():
        run = RunDir(path)
        config = run.read_config()
        policy = run.best if run.best.exists() else newest_policy(run)
        return Source(policy, *preset_of(config))
    if not path.exists():
        raise DaydreamerError(f"there is no policy and no run at {path}")
    card = read_card(path)
    if card is not None:
        return Source(path, card.preset, card.changes)
    # RUN/policies/v000123.onnx, RUN/checkpoints/000000012000/policy.onnx
    for above in path.resolve().parents[1:3]:
        if (of_run := RunDir(above)).config.exists():
            return Source(path, *preset_of(of_run.read_config()))
    _log.warning("%s does not say which robot it is for: it is taken for one of the preset %s", path, preset)
    return Source(path, preset, ())


def preset_of(config: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The preset and the changes of a run, by its configuration.

    Where they mean another task today, the task is made what it was by further changes, and that is told: a policy's
    actions are parts of its own task's ranges.
    """
    name, changes = config["name"], tuple(config["changes"])
    today = leaves(json.loads(json.dumps(asdict(load(name, changes)))))
    then = leaves({part: config[part] for part in _TASK if part in config})
    others = {path: value for path, value in then.items() if path not in today or today[path] != value}
    if not others:
        return name, changes
    back = tuple(f"{path}={_said(value)}" for path, value in others.items())
    try:
        load(name, (*changes, *back))
    except DaydreamerError as error:
        told = ", ".join(back)
        _log.warning("the preset %s is no longer what this run began with, %s: %s", name, told, error)
        return name, changes
    _log.warning("the preset %s is no longer what this run began with; made so: %s", name, ", ".join(back))
    return name, (*changes, *back)


def _said(value: Any) -> str:
    """As a change says it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def newest_policy(run: RunDir) -> Path:
    """The file of the latest checkpoint's policy, whose digest is verified.

    Raises:
        DaydreamerError: There is no checkpoint yet, or it is damaged.
    """
    from daydreamer.runtime.checkpoint import Checkpoints

    checkpoints = Checkpoints(run.checkpoints)
    if checkpoints.load() is None:
        raise DaydreamerError(
            f"{run.path} has no checkpoint yet: the first comes about a minute after its learner started"
        )
    return run.checkpoints / (run.checkpoints / "latest").read_text().strip() / "policy.onnx"


def shipped_policy() -> Path | None:
    """The policy that is installed with this software; None in a version without one."""
    import daydreamer.policies

    return next(iter(sorted(Path(daydreamer.policies.__path__[0]).glob("*.onnx"))), None)

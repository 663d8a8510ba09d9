"""The score card of a policy: where it comes from and what it can do, as JSON beside the .onnx file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daydreamer.core.atomic_file import write_atomically
from daydreamer.core.errors import DaydreamerError
from daydreamer.presets.trial import Trial, read_policy
from daydreamer.runtime.run_dir import RunDir, software
from daydreamer.runtime.scoring import Evaluation


@dataclass(frozen=True)
class ScoreCard:
    """What is known of a policy. Plain data."""

    preset: str
    changes: tuple[str, ...]
    sha256: str
    robot_minutes: float | None  # at which it was the newest of its run; None: not known
    seed: int | None  # of its run
    evaluation: dict[str, Any]  # ``Evaluation.to_dict``
    rollouts: int
    seconds: float
    commands: tuple[str, ...]  # that made it, and that scored it
    software: dict[str, Any]

    @property
    def walks(self) -> bool:
        """True when it walked in at least four rollouts of five."""
        return bool(self.evaluation["walks"])


def card_of(run: RunDir, trial: Trial, minutes: float | None, result: Evaluation) -> ScoreCard:
    """The card of a policy of ``run``."""
    config = run.read_config()
    lives = [*config.get("changes_before", []), config["changes"]]  # one command each, in order
    trained = [
        f"daydreamer train --preset {config['name']}{_set(one)} --seed {config['seed']}" for one in lives
    ]
    if config.get("robot_minutes"):
        trained[-1] += f" --robot-minutes {config['robot_minutes']:g}"
    how = f"--rollouts {trial.rollouts} --seconds {trial.seconds:g} --seed {trial.seed}"
    scored = f"daydreamer eval RUN --policy RUN/best.onnx {how}"
    return ScoreCard(
        preset=trial.preset,
        changes=trial.changes,
        sha256=hashlib.sha256(trial.read()).hexdigest(),
        robot_minutes=minutes,
        seed=config["seed"],
        evaluation=result.to_dict(),
        rollouts=trial.rollouts,
        seconds=trial.seconds,
        commands=(*(f"{command} --logdir RUN" for command in trained), scored),
        software={**config.get("software", {}), "scored with": software()["daydreamer"]},
    )


def write_with_card(policy: bytes, path: Path, card: ScoreCard) -> None:
    """Write ``path`` and, beside it, its card."""
    write_atomically(path, policy)
    write_atomically(path.with_suffix(".json"), (json.dumps(_plain(card), indent=1) + "\n").encode())


def read_card(policy: Path) -> ScoreCard | None:
    """The card beside ``policy``; None when there is none.

    Raises:
        DaydreamerError: It is damaged, or is the card of another policy.
    """
    path = policy.with_suffix(".json")
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_bytes())
        data["changes"], data["commands"] = tuple(data["changes"]), tuple(data["commands"])
        card = ScoreCard(**data)
        card.evaluation["walks"]
    except (ValueError, KeyError, TypeError) as error:
        raise DaydreamerError(f"the score card {path} is damaged: {error}") from error
    if card.sha256 != hashlib.sha256(read_policy(policy)).hexdigest():
        raise DaydreamerError(f"{path} is the score card of another policy than {policy}: remove it")
    return card


def _set(changes: Sequence[str]) -> str:
    return "".join(f" --set {change}" for change in changes)


def _plain(card: ScoreCard) -> dict[str, Any]:
    return dict(vars(card))

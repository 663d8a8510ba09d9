"""Keys of the console: the link's own, with the roles of its two ends exchanged.

On the console the actor listens, with its key pair, and lets in whose public key (*.pub) lies beside it in the
directory of its keys: that is ``learner.pub``, so the learner's computer may watch and, with the token, take hold.
"""

from __future__ import annotations

from pathlib import Path

from daydreamer.transport.auth import (
    ActorKeys,
    KeyProblem,
    LearnerKeys,
    load_actor_keys,
    load_learner_keys,
    read_key,
)


def console_keys(directory: Path | str, actor: str) -> LearnerKeys:
    """For a ``Console`` on the robot. Raises KeyProblem as ``load_actor_keys`` does."""
    keys = load_actor_keys(directory, actor)
    return LearnerKeys(keys.public, keys.secret, Path(directory))


def viewer_keys(directory: Path | str, actor: str) -> ActorKeys:
    """For a ``ConsoleClient`` on the learner's computer.

    Raises:
        KeyProblem: the learner's keys, or the public one of ``actor``, are missing, or are none.
    """
    learner = load_learner_keys(directory)
    path = Path(directory) / "allowed" / f"{actor}.pub"
    if not path.exists():
        raise KeyProblem(f"{path} is missing: it is the key by which actor '{actor}' is known")
    return ActorKeys(learner.public, learner.secret, read_key(path))

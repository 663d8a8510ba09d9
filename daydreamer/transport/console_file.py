"""RUN/actor-NAME/console.json: where an actor's console listens, and the token that lets one use its hands.

Only its owner may read it (mode 0600): whoever can read the file may move the robot. It is good in its own
directory alone, also after that was moved: a copy of a run must not drive the original's robot.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path

from daydreamer.transport.link import LinkError

NAME = "console.json"
_TOKEN_BYTES = 24  # 192 bits: nobody guesses it


@dataclass(frozen=True)
class ConsoleFile:
    """What the file holds."""

    address: str  # HOST:PORT
    token: str = field(repr=False)
    actor: str = ""
    pid: int = 0  # of the actor process
    ended: bool = False  # on purpose, its robot damped; one that was killed or hangs never says so

    def write(self, directory: Path) -> Path:
        """Into ``directory``, whole or not at all, never readable by others."""
        directory.mkdir(parents=True, exist_ok=True)
        path, beside = directory / NAME, directory / f"{NAME}.partial"
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({**asdict(self), "place": place_of(directory)}, file)
        os.replace(beside, path)
        return path

    @classmethod
    def read(cls, path: Path | str, copied: bool = False) -> ConsoleFile:
        """The file at ``path``, or in the directory ``path``; ``copied``: a copy that was made on purpose will do.

        Raises:
            LinkError: it is not there, not readable, open to others, damaged, or came with a copy of its directory.
        """
        path = Path(path)
        path = path / NAME if path.is_dir() else path
        try:
            with path.open() as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                found = json.load(file)
            here = place_of(path.parent)
        except FileNotFoundError as error:
            raise LinkError(
                f"{path} is missing: its actor has not begun, or runs with --console off"
            ) from error
        except (OSError, ValueError) as error:
            raise LinkError(f"{path} cannot be read: {error}") from error
        if mode & 0o077:
            raise LinkError(
                f"{path} is open to other users (mode {mode:o}) and lets them move the robot: delete it and "
                "start the actor again, which makes a new token"
            )
        if not isinstance(found, dict) or not all(
            isinstance(found.get(key), str) for key in ("address", "token")
        ):
            raise LinkError(f"{path} is damaged: delete it and start the actor again")
        if not copied and found.get("place") != here:
            raise LinkError(
                f"{path} is a copy, of an actor in another directory: one that is started here makes its own"
            )
        known = {key: found[key] for key in ("address", "token", "actor", "pid", "ended") if key in found}
        return cls(**known)


def place_of(directory: Path) -> list[int]:
    """What tells a directory from its copies, and stays when it is moved. Raises OSError when it is not there."""
    found = directory.stat()
    return [found.st_dev, found.st_ino]


def has_ended(path: Path | str) -> bool:
    """Whether the actor of the file says that it ended on purpose; False for a file that cannot be read."""
    try:
        return ConsoleFile.read(path).ended
    except LinkError:
        return False


def mark_of(token: str) -> str:
    """What a console says of itself, by which those who have its token know it; it tells nobody the token."""
    return hashlib.sha256(b"console of " + token.encode()).hexdigest()[:16]


def new_token() -> str:
    """A token that nobody guesses, fit for a URL and a person's clipboard."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_of(directory: Path) -> str:
    """The token of the actor of ``directory``: that of its last life, so that an open page goes on, or a new one."""
    try:
        return ConsoleFile.read(directory).token or new_token()
    except LinkError:
        return new_token()

"""Checkpoints: whole or not there, verified before use, and never silently missing.

checkpoints/
  latest              the name of the newest whole checkpoint, as text
  000000012000/       one checkpoint, named by its gradient steps
    agent.bin         the agent's own bytes
    policy.onnx       the policy as published
    state.json        counters and random states of the learner
    manifest.json     SHA-256 of each file above
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daydreamer.core.atomic_file import sync_directory, write_atomically
from daydreamer.core.errors import CheckpointError

_log = logging.getLogger(__name__)

FILES = ("agent.bin", "policy.onnx", "state.json")
_LATEST, _MANIFEST, _PARTIAL = "latest", "manifest.json", ".partial"


@dataclass(frozen=True)
class Checkpoint:
    """What training goes on from."""

    agent: bytes
    policy: bytes
    state: dict[str, Any]  # plain data


class Checkpoints:
    """The checkpoints of one run.

    Args:
        directory: For these alone; made by the first ``save``.
        keep: How many of the newest to keep.
    """

    def __init__(self, directory: Path, keep: int = 3):
        self.directory, self._keep = directory, keep

    def save(self, step: int, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint; on return it is durable and is the latest. At the step of the latest: nothing.

        Raises:
            OSError: The disk refused; the checkpoint before it is still the latest.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        sync_directory(self.directory.parent)
        final = self.directory / f"{step:012d}"
        if self._latest_name() == final.name:
            return final
        contents = {
            "agent.bin": checkpoint.agent,
            "policy.onnx": checkpoint.policy,
            "state.json": json.dumps(checkpoint.state, indent=1).encode(),
        }
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
        contents[_MANIFEST] = json.dumps({"step": step, "sha256": digests}, indent=1).encode()
        beside = self.directory / f"{step:012d}{_PARTIAL}"
        for torn in self.directory.glob(f"*{_PARTIAL}"):  # of a life that was killed
            shutil.rmtree(torn, ignore_errors=True)
        beside.mkdir()
        try:
            for name, data in contents.items():
                _write(beside / name, data)
            sync_directory(beside)
        except OSError:
            shutil.rmtree(beside, ignore_errors=True)  # a full disk is not kept full by what it refused
            raise
        if final.exists():  # left by a life that was abandoned by going back; a rename needs the name free
            shutil.rmtree(final)
        os.replace(beside, final)
        sync_directory(self.directory)
        write_atomically(self.directory / _LATEST, final.name.encode())
        self._tidy(final)
        return final

    def load(self) -> Checkpoint | None:
        """The latest checkpoint, verified; None in a directory where none was ever begun.

        Raises:
            CheckpointError: It is missing or damaged. Training never begins anew in its place.
        """
        latest = self._latest_name()
        if latest is None:
            pointer = self.directory / _LATEST
            if found := self._names():
                raise CheckpointError(
                    f"{self.directory} holds checkpoints ({', '.join(found)}) but no file '{_LATEST}' that says "
                    f"which to use. To use the newest: echo -n {found[-1]} > {pointer}"
                )
            return None
        return self._read(self.directory / latest)

    def _read(self, place: Path) -> Checkpoint:
        others = [name for name in self._names() if name != place.name]
        hint = (
            f"To go on from an older one: echo -n {others[-1]} > {self.directory / _LATEST}"
            if others
            else "There is no other. To begin anew, choose another --logdir"
        )
        try:
            digests = json.loads((place / _MANIFEST).read_bytes())["sha256"]
            contents = {name: (place / name).read_bytes() for name in FILES}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"checkpoint {place} cannot be read: {error}. {hint}") from error
        for name, data in contents.items():
            found = hashlib.sha256(data).hexdigest()
            if found != digests.get(name):
                raise CheckpointError(
                    f"checkpoint {place}: {name} is damaged: expected SHA-256 {digests.get(name)}, got {found}. {hint}"
                )
        return Checkpoint(contents["agent.bin"], contents["policy.onnx"], json.loads(contents["state.json"]))

    def _latest_name(self) -> str | None:
        pointer = self.directory / _LATEST
        return pointer.read_text().strip() if pointer.exists() else None

    def _names(self) -> list[str]:
        """Names of whole checkpoints, oldest first."""
        if not self.directory.is_dir():
            return []
        return sorted(path.name for path in self.directory.iterdir() if path.is_dir() and path.name.isdigit())

    def _tidy(self, latest: Path) -> None:
        """Remove checkpoints that are not among the newest. A failure costs disk space, nothing else.

        What else lies here is a person's.
        """
        # Steps after the latest are of a life that was abandoned by going back: they go first.
        names = self._names()
        kept = [name for name in names if name <= latest.name][-self._keep :]
        for name in set(names) - set(kept):
            shutil.rmtree(self.directory / name, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

"""The run directory: where everything of one run lies, and what it was configured with.

config.yaml         resolved configuration, with versions (JSON, which every YAML reader reads)
metrics.jsonl       tensorboard/          metrics, twice
scores.jsonl        one line per 1,000 rows
events.jsonl        what happened when
checkpoints/        policies/             see ``checkpoint``; the newest policies as v000123.onnx, and one per so many
                                          robot minutes, kept for good, as minute-0005.00.onnx
published           number of the policy that was published last
evaluations/        best.onnx, best.json  what `daydreamer eval` found
replay/             every row
actor-ID/           the actor's spool, and how many lives it has had
report.npz          page.json             see ``report_file`` and the page
recordings/         MCAP files, see ``recording``
learner.log         actor.log             monitor.log, when supervised
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import daydreamer
from daydreamer.core.atomic_file import write_atomically
from daydreamer.core.errors import DaydreamerError

# What must not change within a run: rows and weights of before would not fit what comes after.
FIXED = ("specs", "agent", "task", "delay", "hz")
_VERSIONS = ("numpy", "torch", "onnx", "onnxruntime", "pyzmq", "msgpack", "pybullet")
_KEEP_POLICIES = 20
_MINUTE = "minute-"
_TOLD = 6  # lines of what differs: the preset and five more say which run this is


class ConfigChanged(DaydreamerError):
    """The directory holds a run with another configuration."""


class RunDir:
    """Paths of a run, and its configuration file."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.metrics = self.path / "metrics.jsonl"
        self.scores = self.path / "scores.jsonl"
        self.events = self.path / "events.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.policies = self.path / "policies"
        self.published = self.path / "published"
        self.replay = self.path / "replay"
        self.tensorboard = self.path / "tensorboard"
        self.evaluations = self.path / "evaluations"
        self.best = self.path / "best.onnx"
        self.recordings = self.path / "recordings"

    def actor(self, name: str) -> Path:
        """The directory of the actor called ``name``."""
        return self.path / f"actor-{name}"

    def wishes(self, name: str) -> Path:
        """What people want of that actor, see ``WantedFile``."""
        return self.actor(name) / "wanted"

    def log(self, process: str) -> Path:
        """The log file of a supervised process."""
        return self.path / f"{process}.log"

    def claim(self, config: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> bool:
        """Write ``config`` (plain data) into the directory; True when there was a run in it already.

        A run keeps the ``seed`` that it was begun with. Its ``changes`` may be others from now on; those of before,
        the oldest first, stay there as ``changes_before``. ``defaults`` as in ``check``.

        Raises:
            ConfigChanged: That run differs in a part that must not change.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        plain = json.loads(json.dumps(config))
        old = self.check(plain, defaults)
        if old is not None:
            plain |= _history(old, plain)
        text = json.dumps({**plain, "software": software()}, indent=2) + "\n"
        write_atomically(self.config, text.encode())
        return old is not None

    def check(
        self, config: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The configuration of the run that ``config`` (plain data) would go on with; None where none has begun.

        Args:
            config: Of the run to be.
            defaults: What settings are that the run of before did not know yet.

        Raises:
            ConfigChanged: That run differs in a part that must not change.
        """
        if not self.config.exists():
            return None
        new, old = json.loads(json.dumps(config)), self.read_config()
        was, now = old.get("delay"), new.get("delay")
        if isinstance(was, dict) and isinstance(now, dict) and was.get("seconds") is None:
            was["seconds"] = now.get("seconds")  # a measured one was not written down at first
        known = completed(old, json.loads(json.dumps(defaults or {})))
        lines = [
            line
            for part in FIXED
            if part in old
            for line in differences(_meaning(known[part]), _meaning(new.get(part)), part)
        ]
        if lines:
            if (began := old.get("name")) != (named := new.get("name")):
                lines.insert(0, f"it was begun with --preset {began}, this is {named}")
            more = [f"and {len(lines) - _TOLD} more"] if len(lines) > _TOLD else []
            raise ConfigChanged(
                f"{self.path} holds a run with another configuration:\n  "
                + "\n  ".join(lines[:_TOLD] + more)
                + "\nUse the settings of before to go on with it, or another --logdir to begin anew."
            )
        return old

    def seed(self, asked: int) -> int:
        """The seed that the run was begun with; ``asked`` where none has begun."""
        return int(self.read_config().get("seed", asked)) if self.config.exists() else asked

    def read_config(self) -> dict[str, Any]:
        """The configuration of the run.

        Raises:
            DaydreamerError: There is none, or it is damaged.
        """
        try:
            found: dict[str, Any] = json.loads(self.config.read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DaydreamerError(
                f"{self.path} holds no run: there is no {self.config.name}. Begin one with `daydreamer train`"
            ) from error
        except ValueError as error:
            raise DaydreamerError(f"{self.config} is damaged: {error}") from error
        return found

    def has_policies(self) -> bool:
        """True when a learner has published from here."""
        return any(self.policies.glob("v*.onnx"))

    def last_published(self) -> int:
        """The number that was last noted, -1 before the first. Raises DaydreamerError when the file is damaged."""
        if not self.published.exists():
            return -1
        text = self.published.read_text()
        try:
            return int(text)
        except ValueError as error:
            raise DaydreamerError(
                f"{self.published}: expected the number of the policy published last, got {text!r:.40}. Write a number "
                "there that no policy has had yet"
            ) from error

    def note_published(self, version: int) -> None:
        """Write down, durable on return, that ``version`` is given away. Raises OSError when the disk refuses."""
        write_atomically(self.published, f"{version}\n".encode())

    def save_policy(self, version: int, data: bytes) -> Path:
        """Keep a policy as a file of its own; the oldest go when there are many."""
        self.policies.mkdir(exist_ok=True)
        path = self.policies / f"v{version:06d}.onnx"
        write_atomically(path, data)
        for old in list(self.kept_versions().values())[:-_KEEP_POLICIES]:
            old.unlink()
        return path

    def kept_versions(self) -> dict[int, Path]:
        """The newest policies, by version, the oldest first."""
        found = {path.stem.removeprefix("v"): path for path in self.policies.glob("v*.onnx")}
        return {int(version): found[version] for version in sorted(filter(str.isdecimal, found), key=int)}

    def keep_policy(self, minutes: float, data: bytes) -> Path:
        """Keep a policy for good, under the robot minutes at which it was the newest."""
        self.policies.mkdir(exist_ok=True)
        path = self.policies / f"{_MINUTE}{minutes:07.2f}.onnx"
        write_atomically(path, data)
        return path

    def kept_minutes(self) -> dict[float, Path]:
        """The policies kept for good, by robot minutes, the earliest first."""
        found = {
            float(path.stem.removeprefix(_MINUTE)): path for path in self.policies.glob(f"{_MINUTE}*.onnx")
        }
        return dict(sorted(found.items()))


def next_life(directory: Path) -> int:
    """0, 1, 2, ...: how many processes used ``directory`` before, so that each draws other random numbers."""
    directory.mkdir(parents=True, exist_ok=True)
    counter = directory / "lives"
    life = int(counter.read_text()) if counter.exists() else 0
    write_atomically(counter, str(life + 1).encode())
    return life


def differences(old: Any, new: Any, name: str) -> list[str]:
    """Lines ``name: was OLD, is NEW`` for each leaf of two plain trees that differs."""
    if isinstance(new, dict) and old is None:
        old = {}  # of a time without such settings
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [line for key in keys for line in differences(old.get(key), new.get(key), f"{name}.{key}")]
    return [] if old == new else [f"{name}: was {json.dumps(old)}, is {json.dumps(new)}"]


def completed(old: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The plain tree ``old`` with what it lacks of ``defaults``; both stay as they are."""
    found = {**defaults, **old}
    for key, default in defaults.items():
        if isinstance(default, Mapping) and isinstance(old.get(key), Mapping):
            found[key] = completed(old[key], default)
    return found


def leaves(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The values of a plain tree by their paths."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= leaves(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


def _history(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What the configuration of a run that goes on keeps of the one before."""
    kept = {part: old[part] for part in ("seed", "changes_before") if part in old}
    if "changes" in old and old["changes"] != new.get("changes"):
        kept["changes_before"] = [*kept.get("changes_before", []), old["changes"]]
    return kept


def _meaning(part: Any) -> Any:
    """A part of the configuration without the sentences about it, which may be reworded in the middle of a run."""
    if not isinstance(part, dict):
        return part
    return {key: _meaning(value) for key, value in part.items() if key != "doc"}


def software() -> dict[str, Any]:
    """Versions of what runs here; None where a package is not installed."""
    versions: dict[str, Any] = {
        "daydreamer": daydreamer.__version__,
        "python": platform.python_version(),
        "git": _git_hash(),
    }
    for package in _VERSIONS:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def _git_hash() -> str | None:
    """The commit of the source tree this runs from, '+changes' when it has any; None outside of one."""
    root = Path(daydreamer.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+changes", "--abbrev=40"],
            cwd=root, capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

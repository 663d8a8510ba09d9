"""The directory of keys: is everything there for what this computer is, and closed to others."""

from __future__ import annotations

from pathlib import Path

from daydreamer.doctor.check import Check, Level
from daydreamer.transport.auth import KeyProblem, load_actor_keys, load_learner_keys

GROUP = "keys"


def checks(directory: Path, actor: str) -> list[Check]:
    """Those of a learner where there is a learner.key, and of ``actor`` where there is its key."""
    try:
        return _checks(directory, actor)
    except PermissionError as error:
        do = "run the doctor as the user who will run daydreamer"
        return [Check(GROUP, "directory", Level.PROBLEM, f"{directory} cannot be looked at: {error}", do)]


def _checks(directory: Path, actor: str) -> list[Check]:
    if not directory.is_dir():
        do = f"make them on the learner's computer: daydreamer keys new {directory}"
        return [Check(GROUP, "directory", Level.PROBLEM, f"{directory} is not there", do)]
    has_learner, has_actor = (directory / "learner.key").exists(), (directory / f"{actor}.key").exists()
    found = [mode(directory)]
    if has_learner:
        found += [learner(directory), *_left_behind(directory)]
    if has_actor:
        found.append(actors(directory, actor, has_learner))
    if not has_learner and not has_actor:
        there = ", ".join(sorted(path.name for path in directory.glob("*.key"))) or "no .key file"
        do = f"a learner needs learner.key, this actor {actor}.key (choose it with --name)"
        found.append(Check(GROUP, "keys", Level.PROBLEM, f"{directory} has {there}", do))
    return found


def mode(directory: Path) -> Check:
    """Others may not look into it."""
    bits = directory.stat().st_mode & 0o777
    if bits & 0o077:
        do = f"chmod 700 {directory}"
        return Check(GROUP, "directory", Level.NOTE, f"{directory} is open to others (mode {bits:o})", do)
    return Check(GROUP, "directory", Level.OK, f"{directory} (mode {bits:o})")


def learner(directory: Path) -> Check:
    """The learner's own pair, and whom it lets in."""
    try:
        keys = load_learner_keys(directory)
        public = (directory / "learner.pub").read_bytes().strip()
    except (KeyProblem, OSError) as error:
        return Check(GROUP, "learner", Level.PROBLEM, "not usable", str(error))
    if public != keys.public:
        do = "robots that have a copy of it cannot connect: delete both and make new keys, or put the right one back"
        return Check(GROUP, "learner", Level.PROBLEM, "learner.pub is not the public part of learner.key", do)
    allowed = sorted(path.stem for path in keys.allowed.glob("*.pub"))
    if not allowed:
        do = f"daydreamer keys new {directory} --actors NAME"
        return Check(GROUP, "learner", Level.NOTE, "no actor is allowed in", do)
    return Check(GROUP, "learner", Level.OK, f"lets in {', '.join(allowed)}")


def actors(directory: Path, actor: str, beside_learner: bool) -> Check:
    """An actor's pair, and the learner's public key beside it."""
    try:
        load_actor_keys(directory, actor)
    except KeyProblem as error:
        return Check(GROUP, actor, Level.PROBLEM, "not usable", str(error))
    where = " (also on the learner's computer)" if beside_learner else ""
    return Check(GROUP, actor, Level.OK, f"{actor}.key and learner.pub are usable{where}")


def _left_behind(directory: Path) -> list[Check]:
    """Secrets of actors need not stay where they were made."""
    secrets = sorted(path.name for path in directory.glob("*.key") if path.name != "learner.key")
    if not secrets:
        return []
    do = "fine for an actor on this computer; else move each to its robot, with a copy of learner.pub"
    return [Check(GROUP, "actors' secrets", Level.NOTE, f"{', '.join(secrets)} beside learner.key", do)]

"""Keys as they lie on two computers."""

from pathlib import Path

from daydreamer.transport.auth import new_keys


def robots_keys(place: Path, name: str) -> Path:
    """The directory with the keys of the robot whose actor is ``name``; the learner's, "learner", is beside it."""
    new_keys(place / "learner", [name])
    robot = place / "robot"
    robot.mkdir(mode=0o700)
    for file in (f"{name}.key", "learner.pub"):
        (robot / file).write_bytes((place / "learner" / file).read_bytes())
        (robot / file).chmod(0o600)
    return robot

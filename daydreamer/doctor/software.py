"""What is installed: Python, the packages of each extra, ROS 2, and packages of others that have our names."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module, metadata
from importlib.machinery import PathFinder
from pathlib import Path

import robots
from daydreamer.doctor.check import Check, Level

GROUP = "software"
DISTRIBUTION = "daydreamer-robot"
OLDEST_PYTHON, NEWEST_WITH_PYBULLET = (3, 10), (3, 11)

# What an actor imports, by the name under which it is installed.
BASE = {"numpy": "numpy", "pyzmq": "zmq", "msgpack": "msgpack", "onnxruntime": "onnxruntime", "tyro": "tyro"}

# What each extra is for. One that is not here is shown by its name.
PURPOSE = {
    "learner": "a learner",
    "sim": "a simulated or emulated A1",
    "fit": "fitting the stand-in to a robot",
    "serial": "a stop button on a serial port",
    "web": "the monitor's page",
    "dds": "ROS 2 topics without ROS 2",
    "mcap": "recordings that ROS 2 tools open",
}
FOR_DEVELOPERS = {"dev"}

_REQUIREMENT = re.compile(r"""([\w.-]+)[^>;]*(?:>=\s*([\w.]+))?[^;]*(?:;.*extra\s*==\s*['"]([\w-]+)['"])?""")


def checks() -> list[Check]:
    """All of them. Imports the actor's packages, and no others."""
    needs = requirements(metadata_requires())
    return [python(), closure(needs.get("", {})), *extras(needs), curve(), rclpy(), *foreign()]


def metadata_requires() -> list[str]:
    """What the installed distribution says that it needs; nothing when it is run without having been installed."""
    try:
        return metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []


def requirements(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """By extra ('' is the base): package names and the oldest version that will do ('' for any)."""
    needs: dict[str, dict[str, str]] = {}
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match:
            name, oldest, extra = match.groups(default="")
            needs.setdefault(extra, {})[name] = oldest
    return needs


def python() -> Check:
    """Old enough for the simulator, new enough for us."""
    version, here = platform.python_version(), sys.version_info[:2]
    if here < OLDEST_PYTHON:
        return Check(GROUP, "python", Level.PROBLEM, version, "Python 3.10 or newer is needed")
    if here > NEWEST_WITH_PYBULLET:
        do = "an actor and a learner run; for simulated robots use Python 3.10 or 3.11: pybullet has no wheels above"
        return Check(GROUP, "python", Level.NOTE, version, do)
    return Check(GROUP, "python", Level.OK, version)


def closure(needs: dict[str, str]) -> Check:
    """What every actor needs, imported for real."""
    missing, versions = [], []
    for package, module in BASE.items():
        try:
            import_module(module)
        except ImportError as error:
            missing.append(f"{package} ({error})")
            continue
        version = _version(package)
        versions.append(f"{package} {version}")
        if version and _older(version, needs.get(package, "")):
            missing.append(f"{package} {needs[package]} or newer ({version} is here)")
    if missing:
        do = "from a clone: pip install . -c constraints.txt"
        return Check(GROUP, "actor's packages", Level.PROBLEM, f"missing: {'; '.join(missing)}", do)
    return Check(GROUP, "actor's packages", Level.OK, ", ".join(versions))


def extras(needs: dict[str, dict[str, str]]) -> list[Check]:
    """One line for each extra that a user may want."""
    return [extra(name, needs[name]) for name in needs if name and name not in FOR_DEVELOPERS]


def extra(name: str, packages: dict[str, str]) -> Check:
    """Whether the packages of one extra are there, and new enough."""
    found = {package: _version(package) for package in packages}
    missing = [package for package, version in found.items() if not version]
    old = [
        f"{package} {version}, needed is {packages[package]}"
        for package, version in found.items()
        if version and _older(version, packages[package])
    ]
    purpose = PURPOSE.get(name, name)
    if missing or old:
        what = "; ".join(filter(None, [f"without {', '.join(missing)}" if missing else "", *old]))
        do = f"for {purpose}, from a clone: pip install '.[{name}]' -c constraints.txt"
        return Check(GROUP, name, Level.NOTE, what, do)
    return Check(GROUP, name, Level.OK, ", ".join(f"{p} {v}" for p, v in found.items()))


def curve() -> Check:
    """Whether links can be encrypted."""
    try:
        import zmq
    except ImportError:
        return Check(GROUP, "encryption", Level.NOTE, "unknown without pyzmq")
    if zmq.has("curve"):
        return Check(GROUP, "encryption", Level.OK, f"CURVE, libzmq {zmq.zmq_version()}")
    do = "install pyzmq from a wheel: this one cannot encrypt a link that leaves this computer"
    return Check(GROUP, "encryption", Level.NOTE, "pyzmq was built without CURVE", do)


def rclpy() -> Check:
    """ROS 2 is never needed; say what its absence means."""
    if _where("rclpy"):
        return Check(
            GROUP, "ros2", Level.OK, f"rclpy for Python {sys.version_info.major}.{sys.version_info.minor}"
        )
    do = "only for `daydreamer ros2 --backend rclpy`: source /opt/ros/DISTRO/setup.bash, with that ROS 2's own Python"
    return Check(GROUP, "ros2", Level.NOTE, "no rclpy", do)


def foreign(path: Sequence[str] | None = None) -> list[Check]:
    """Packages on ``path`` (sys.path) that have the names of ours, or of ROS 2's, and are not them."""
    ours = Path(robots.__file__).parent
    other = [place for place in _all("robots", path) if place != ours]
    if other:
        do = "uninstall it or take it out of PYTHONPATH: whichever comes first hides the other"
        first = Check(GROUP, "robots", Level.PROBLEM, f"another package 'robots' at {other[0]}", do)
    else:
        first = Check(GROUP, "robots", Level.OK, f"{ours}")
    strange = [place for place in _all("launch", path) if not (place / "launch_description.py").exists()]
    if strange:
        do = "ROS 2's `launch` cannot be imported beside it, so `ros2 launch` fails: pip uninstall launch"
        return [first, Check(GROUP, "launch", Level.NOTE, f"a package 'launch' at {strange[0]}", do)]
    return [first]


def _all(name: str, path: Sequence[str] | None) -> list[Path]:
    """Every regular package ``name`` on the path; folders without __init__.py do not hide anything."""
    places = []
    for entry in dict.fromkeys(sys.path if path is None else path):
        folder = (Path(entry or ".") / name).resolve()
        if (folder / "__init__.py").exists() and folder not in places:
            places.append(folder)
    return places


def _where(name: str) -> str | None:
    spec = PathFinder.find_spec(name)
    return spec.origin if spec else None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _older(version: str, oldest: str) -> bool:
    return bool(oldest) and _numbers(version) < _numbers(oldest)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: '2.13.0+cpu' is (2, 13, 0)."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()

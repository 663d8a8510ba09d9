"""A recorded motion of a hanging robot: what was commanded, what was read, and when. One .npz file, strictly read."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from robots.calibration import CalibrationError, written
from robots.robot import Array

SCHEMA = 1
READ, ASKED = ("joint_pos", "joint_vel", "joint_torque"), ("pos", "vel", "torque", "kp", "kd")


@dataclass(frozen=True)
class MotionLog:
    """N readings and M commands of J joints, raw, on one clock; SI units."""

    robot: str  # its name in ``robots.registry``
    robot_id: str
    made: str  # ISO 8601
    offset: Array  # [J] rad, raw minus true angle, in readings and in commands
    time: Array  # [N] s, of the reading
    joint_pos: Array  # [N, J] rad
    joint_vel: Array  # [N, J] rad/s
    joint_torque: Array  # [N, J] N m
    asked_at: Array  # [M] s
    pos: Array  # [M, J] rad
    vel: Array  # [M, J] rad/s
    torque: Array  # [M, J] N m
    kp: Array  # [M, J] N m/rad
    kd: Array  # [M, J] N m s/rad

    def __post_init__(self) -> None:
        for at, names in (("time", READ), ("asked_at", ASKED)):
            times = getattr(self, at)
            if times.ndim != 1 or times.size < 2 or not (np.diff(times) >= 0).all():
                raise CalibrationError(f"a motion log's '{at}' is two or more times in order")
            for name in names:
                shape = getattr(self, name).shape
                if shape != (len(times), len(self.offset)):
                    raise CalibrationError(
                        f"a motion log's '{name}' is [{len(times)}, {len(self.offset)}], got {list(shape)}"
                    )
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray) and not np.isfinite(value).all():
                raise CalibrationError(f"a motion log's '{one.name}' has numbers that are not finite")

    @property
    def seconds(self) -> float:
        """From the first reading to the last."""
        return float(self.time[-1] - self.time[0])

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises CalibrationError when the disk refuses it."""
        arrays = {one.name: getattr(self, one.name) for one in fields(self)}
        head = {name: arrays.pop(name) for name in ("robot", "robot_id", "made")}
        draft = path.with_name(path.name + ".part")
        with written(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:  # a name without .npz stays as it is
                np.savez_compressed(file, header=np.array(json.dumps({"schema": SCHEMA, **head})), **arrays)
            os.replace(draft, path)


def load(path: Path) -> MotionLog:
    """Read a file. Raises CalibrationError when it is no motion log, or not a whole one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: np.array(file[name]) for name in file.files}
        head = json.loads(str(arrays.pop("header")))
    except OSError as error:
        raise CalibrationError(f"cannot read the motion log {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CalibrationError(
            f"{path} is no motion log ({error}). `daydreamer calibrate ROBOT --record FILE` makes one."
        ) from error
    if head.pop("schema", None) != SCHEMA:
        raise CalibrationError(f"{path}: a motion log of another version; record it again")
    try:
        return MotionLog(**head, **arrays)
    except TypeError as error:
        raise CalibrationError(f"{path} is no whole motion log: {error}") from error
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error

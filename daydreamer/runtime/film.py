"""A film of a rollout: frames from the robot's camera, kept as a moving GIF or as a strip of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.env import Env
from daydreamer.core.errors import DaydreamerError

STRIP = 6  # pictures, evenly spaced in time
SIZE = (320, 240)  # pixels of a picture, width and height


@runtime_checkable
class HasCamera(Protocol):
    """A robot that can be looked at."""

    def camera(self, width: int, height: int) -> NDArray[np.uint8]:
        """A picture ``[height, width, 3]`` RGB uint8."""
        ...


class Film:
    """Frames of one rollout, for ``path``: ``.gif`` moves at ``fps``, ``.png`` is a strip of six.

    Raises:
        DaydreamerError: another ending, or Pillow is not installed.
    """

    def __init__(self, path: Path, fps: float = 5.0):
        if path.suffix not in (".gif", ".png"):
            raise DaydreamerError(f"a film ends in .gif (moving) or .png (a strip of pictures), got '{path}'")
        try:
            import PIL  # noqa: F401  # told now, not after the rollout
        except ModuleNotFoundError as error:
            raise DaydreamerError("a film needs Pillow: pip install pillow") from error
        self._path, self._fps = path, fps
        self._frames: list[NDArray[np.uint8]] = []

    def watch(self, env: Env, step: int, steps: int, hz: float) -> None:
        """Look at ``env`` before step ``step`` of ``steps``, when a frame is due."""
        robot = getattr(env, "robot", None)
        if not isinstance(robot, HasCamera):
            raise DaydreamerError(
                "a film needs a robot with a camera; of the robots here the stand-in has one"
            )
        every = max(1, round(hz / self._fps)) if self._path.suffix == ".gif" else max(1, steps // STRIP)
        if step % every == 0 and (self._path.suffix == ".gif" or len(self._frames) < STRIP):
            self._frames.append(robot.camera(*SIZE))

    def save(self) -> None:
        """Write the file."""
        from PIL import Image

        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.suffix == ".png":
            Image.fromarray(np.concatenate(self._frames, 1)).save(self._path, optimize=True)
            return
        first, *rest = (Image.fromarray(frame).quantize(64) for frame in self._frames)
        first.save(self._path, save_all=True, append_images=rest, duration=round(1000 / self._fps), loop=0)

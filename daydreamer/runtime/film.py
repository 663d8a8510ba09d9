"""A film of a rollout: frames from the robot's camera, kept as a moving GIF or as a strip of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.env import Env
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.monitor import drawing

STRIP = 6  # pictures, evenly spaced in time
SIZE = (320, 240)  # pixels of a picture, width and height


@runtime_checkable
class HasCamera(Protocol):
    """A robot that can be looked at."""

    def camera(self, width: int, height: int) -> NDArray[np.uint8]:
        """A picture ``[height, width, 3]`` RGB uint8."""
        ...


class Recording:
    """Frames of one rollout, ``fps`` of them per second of the robot's time.

    Raises:
        DaydreamerError: Pillow is not installed.
    """

    def __init__(self, fps: float = 5.0, size: tuple[int, int] = SIZE):
        try:
            import PIL  # noqa: F401  # told now, not after the rollout
        except ModuleNotFoundError as error:
            raise DaydreamerError("a film needs Pillow: pip install pillow") from error
        self.fps, self.size = fps, size  # as near to that many as the robot's rate allows
        self.frames: list[NDArray[np.uint8]] = []

    def watch(self, env: Env, step: int, steps: int, hz: float) -> None:
        """Look at ``env`` before step ``step`` of ``steps``, when a frame is due."""
        self.fps = possible_fps(self.fps, hz)
        if self._due(step, steps, hz):
            robot = getattr(env, "robot", None)
            if not isinstance(robot, HasCamera):
                raise DaydreamerError(
                    "a film needs a robot with a camera; of the robots here the stand-in has one"
                )
            self.frames.append(robot.camera(*self.size))

    def _due(self, step: int, steps: int, hz: float) -> bool:
        return step % round(hz / self.fps) == 0


def possible_fps(fps: float, hz: float) -> float:
    """As near to ``fps`` as a robot of ``hz`` steps a second allows, so that a film plays as fast as it happened."""
    return hz / max(1, round(hz / fps))


class Film(Recording):
    """A recording for ``path``: ``.gif`` moves at ``fps``, ``.png`` is a strip of six.

    Raises:
        DaydreamerError: Another ending, no place to write to, or Pillow is not installed.
    """

    def __init__(self, path: Path, fps: float = 5.0):
        super().__init__(fps)
        if path.suffix not in (".gif", ".png"):
            raise DaydreamerError(f"a film ends in .gif (moving) or .png (a strip of pictures), got '{path}'")
        writable_directory(path.parent)
        self._path = path

    def save(self) -> None:
        """Write the file."""
        from PIL import Image

        if self._path.suffix == ".gif":
            save_gif(self.frames, self._path, self.fps)
            return
        Image.fromarray(np.concatenate(self.frames, 1)).save(self._path, optimize=True)

    def _due(self, step: int, steps: int, hz: float) -> bool:
        if self._path.suffix == ".gif":
            return super()._due(step, steps, hz)
        return step % max(1, steps // STRIP) == 0 and len(self.frames) < STRIP


def save_gif(frames: Sequence[NDArray[np.uint8]], path: Path, fps: float) -> None:
    """Write ``frames`` [height, width, 3] as a GIF that repeats, with one palette for all."""
    palette = drawing.from_pixels(np.concatenate([frame[::8, ::8] for frame in frames])).quantize(48)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(drawing.film(map(drawing.from_pixels, frames), fps, palette))


def side_by_side(
    films: Mapping[str, Sequence[NDArray[np.uint8]]], columns: int = 3
) -> list[NDArray[np.uint8]]:
    """One film of several, each with its name at the top, in rows of ``columns``. All have frames of one size."""
    together = zip(*films.values(), strict=False)  # as long as the shortest
    return [
        np.asarray(drawing.beside([_named(*one) for one in zip(films, frames, strict=True)], columns))
        for frames in together
    ]


def _named(name: str, frame: NDArray[np.uint8]) -> drawing.Image:
    from PIL import ImageDraw

    picture = drawing.from_pixels(frame)
    ImageDraw.Draw(picture).text((4, 2), name, fill="black")
    return picture

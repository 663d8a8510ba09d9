"""Now and then, pictures of a run for TensorBoard: the model's predictions, its dream, the robot's last seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daydreamer.monitor import drawing
from daydreamer.runtime.a1_motion import SENSED, motion
from daydreamer.runtime.report_file import Report

_log = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]

EVERY = 600.0  # s of wall time: a day of pictures is some 70 MB
EPISODE = 8.0  # s of the robot's time in a film
_EPISODE_FPS = 10.0
_FIGURE, _FRAME = (360, 180), (240, 160)  # pixels


class Wall(Protocol):
    """Where pictures are hung: ``TensorBoardWriter``."""

    def show(self, step: int, histograms: Arrays, images: Mapping[str, bytes]) -> None:
        """Histograms of arrays, and images as PNG or GIF, by name."""
        ...


class Gallery:
    """Draws when it is due.

    Args:
        wall: Where the pictures go.
        hz: Rows per second of the robot's time.
        now: Wall seconds.
        every: Seconds between two exhibitions.
    """

    def __init__(self, wall: Wall, hz: float, now: Callable[[], float], every: float = EVERY):
        self._wall, self._hz, self._now, self._every = wall, hz, now, every
        self._due = now()

    def show(self, step: int, batch: Arrays, report: Report, newest: Callable[[int], Arrays]) -> None:
        """Draw the report and the newest rows, unless that was done a while ago only.

        Args:
            step: Rows collected.
            batch: ``[B, T, ...]`` that the report is about.
            report: What the model made of it.
            newest: So many of the newest rows, ``[N, ...]`` by key, of ``SENSED``.

        Raises:
            OSError: The disk refuses.
        """
        if self._now() < self._due:
            return
        self._due = self._now() + self._every
        self._wall.show(step, histograms(batch, report), self._images(report, newest))

    def _images(self, report: Report, newest: Callable[[int], Arrays]) -> dict[str, bytes]:
        images = figures(report)
        films = {"dream/motion": dream(report, self._hz)}
        films["robot/episode"] = episode(newest(round(EPISODE * self._hz)), self._hz)
        return images | {name: film for name, film in films.items() if film is not None}


def histograms(batch: Arrays, report: Report) -> dict[str, NDArray[Any]]:
    """What was done and received in the batch, and the error of each sense at the last step predicted."""
    found = {
        f"replay/{key}": value
        for key, value in batch.items()
        if value.dtype.kind == "f" and value.ndim <= 3 and (key == "reward" or key.startswith("action"))
    }
    for key, guess in report.guess.items():
        if guess.ndim <= 3:
            found[f"dream/last_error/{key}"] = np.abs(guess[:, -1] - report.truth[key][:, -1])
    return found


def figures(report: Report) -> dict[str, bytes]:
    """For each sense the first sequence: prediction over truth; images one above the other."""
    found = {}
    for key, guess in report.guess.items():
        truth = report.truth[key]
        if guess.ndim > 3:
            steps = range(0, guess.shape[1], max(1, guess.shape[1] // 8))
            shown = [truth[0, report.context + k] for k in steps] + [guess[0, k] for k in steps]
            picture = drawing.beside([drawing.from_pixels(one) for one in shown], len(steps))
        else:
            whole, part = truth[0].reshape(truth.shape[1], -1), guess[0].reshape(guess.shape[1], -1)
            panels = [  # a leg's three joints each; more than that in one picture cannot be told apart
                drawing.curves(
                    whole[:, k : k + 3], part[:, k : k + 3], _FIGURE, _name(key, k, whole.shape[1])
                )
                for k in range(0, whole.shape[1], 3)
            ]
            picture = drawing.beside(panels, 2 if len(panels) > 1 else 1)
        found[f"dream/prediction/{key}"] = drawing.png(picture)
    return found


def dream(report: Report, hz: float) -> bytes | None:
    """A film of the first sequence: what came, and beside it what was imagined; None where it cannot be drawn."""
    truth, guess = motion(report.truth), motion(report.guess)
    if truth is None or guess is None:
        return None
    frames = []
    for k, pose in enumerate(truth[0]):
        unseen = k - report.context
        other = pose if unseen < 0 else guess[0, unseen]
        words = "shown" if unseen < 0 else f"imagined, {(unseen + 1) / hz:.2f} s unseen"
        tint = drawing.TRUTH if unseen < 0 else drawing.GUESS
        pair = [drawing.robot(pose, _FRAME, title="came"), drawing.robot(other, _FRAME, tint, words)]
        frames.append(drawing.beside(pair, 2))
    return drawing.gif(frames, hz / 2)  # at half its speed, to be followed


def episode(rows: Arrays, hz: float) -> bytes | None:
    """A film of ``rows`` [N, ...]; None where there are none, or the robot cannot be drawn."""
    every = max(1, round(hz / _EPISODE_FPS))
    poses = motion({key: rows[key][::every] for key in SENSED if key in rows})
    if poses is None or not len(poses):
        return None
    return drawing.gif([drawing.robot(pose, _FRAME) for pose in poses], hz / every)


def _name(key: str, first: int, size: int) -> str:
    return key if size <= 3 else f"{key} {first} to {min(first + 3, size) - 1}"

"""The model's open-loop predictions as plain data for the page."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.runtime.a1_motion import motion
from daydreamer.runtime.report_file import Report
from robots.a1 import model

_LABELS = {3: ("x", "y", "z"), len(model.JOINT_NAMES): model.JOINT_NAMES}
_FRAME_EVERY = 4  # of images, which are large


def message(report: Report, sequence: int, hz: float) -> dict[str, Any]:
    """One of the report's sequences [0, B): truth, prediction, and how the error grows over the steps unseen."""
    count = len(report.truth["is_first"])
    sequence = min(max(sequence, 0), count - 1)
    vectors = [key for key, value in report.guess.items() if value.ndim <= 3]
    return {
        "updates": report.updates,
        "rows": report.rows,
        "hz": hz,
        "context": report.context,
        "sequence": sequence,
        "sequences": count,
        "first": report.truth["is_first"][sequence].astype(bool).tolist(),
        "keys": {key: _lines(report, key, sequence) for key in vectors},
        "error": {key: _error(report, key) for key in vectors},
        "figures": _figures(report, sequence),
        "images": {key: _images(report, key, sequence) for key in report.guess if key not in vectors},
    }


def _lines(report: Report, key: str, sequence: int) -> dict[str, Any]:
    truth = report.truth[key][sequence].reshape(len(report.truth[key][sequence]), -1)
    guess = report.guess[key][sequence].reshape(len(report.guess[key][sequence]), -1)
    size = truth.shape[1]
    labels = _LABELS.get(size, tuple(str(k) for k in range(size)))
    return {
        "labels": [""] if size == 1 else list(labels),
        "truth": _plain(truth.T),
        "guess": _plain(guess.T),
    }


def _error(report: Report, key: str) -> list[float]:
    """``[T - context]`` root mean square over sequences and elements, in units of the truth's spread."""
    truth, guess = report.truth[key][:, report.context :], report.guess[key]
    square = np.square(guess.astype(np.float64) - truth).reshape(*guess.shape[:2], -1).mean((0, 2))
    errors: list[float] = _plain(np.sqrt(square) / max(float(np.std(report.truth[key])), 1e-3))
    return errors


def _figures(report: Report, sequence: int) -> dict[str, Any] | None:
    """Truth and prediction as a robot, where it is one that can be drawn."""
    truth, guess = motion(report.truth), motion(report.guess)
    if truth is None or guess is None:
        return None
    return {"truth": truth[sequence].tolist(), "guess": guess[sequence].tolist()}


def _images(report: Report, key: str, sequence: int) -> dict[str, Any]:
    """Every fourth predicted frame with its truth, as RGB bytes."""
    truth = report.truth[key][sequence, report.context :: _FRAME_EVERY]
    guess = report.guess[key][sequence, ::_FRAME_EVERY]
    height, width = guess.shape[1:3]
    return {
        "height": height, "width": width, "every": _FRAME_EVERY,
        "truth": [_rgb(image) for image in truth], "guess": [_rgb(image) for image in guess],
    }  # fmt: skip


def _rgb(image: NDArray[Any]) -> str:
    """``[H, W, C]`` uint8 of one or three channels, as base64 of RGB."""
    image = image[..., :3] if image.shape[-1] >= 3 else np.repeat(image[..., :1], 3, -1)
    return base64.b64encode(np.ascontiguousarray(image).tobytes()).decode()


def _plain(values: NDArray[Any]) -> list[Any]:
    plain: list[Any] = np.round(np.nan_to_num(np.asarray(values, np.float64)), 3).tolist()
    return plain

"""RUN/report.npz: the model's newest open-loop predictions beside what really came, for people and their pictures."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.atomic_file import write_atomically
from daydreamer.core.transition import Batch

_log = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]

NAME = "report.npz"
_SEQUENCES = 8  # kept: enough to look at, and a small file
_GUESS, _TRUTH = "open_loop/", "truth/"


@dataclass(frozen=True)
class Report:
    """One look ahead.

    Attributes:
        updates: Of the model that predicted.
        rows: Collected by then.
        truth: By key ``[B, T, ...]`` what came.
        guess: By key ``[B, T - context, ...]`` what the model predicted without seeing it.
    """

    updates: int
    rows: int
    truth: Arrays
    guess: Arrays

    @property
    def context(self) -> int:
        """Steps at the beginning that the model was shown."""
        key = next(iter(self.guess))
        return int(self.truth[key].shape[1] - self.guess[key].shape[1])


def of(batch: Batch, arrays: Arrays, updates: int, rows: int) -> Report | None:
    """What an agent's ``report`` on ``batch`` [B, T, ...] gave; None of an agent that predicts nothing."""
    guess = {k.removeprefix(_GUESS): v[:_SEQUENCES] for k, v in arrays.items() if k.startswith(_GUESS)}
    if not guess:
        return None
    truth = {key: batch[key][:_SEQUENCES] for key in (*guess, "is_first")}
    return Report(updates, rows, truth, {key: _small(value) for key, value in guess.items()})


def write(run_directory: Path, report: Report) -> None:
    """Write it. A disk that refuses is only logged."""
    named = {f"{_GUESS}{key}": value for key, value in report.guess.items()}
    named |= {f"{_TRUTH}{key}": value for key, value in report.truth.items()}
    counters = np.array([report.updates, report.rows])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, counters=counters, **named)  # type: ignore[arg-type]
    try:
        write_atomically(run_directory / NAME, buffer.getvalue())
    except OSError as error:
        _log.error("the disk refuses the report of the model's predictions: %s", error)


def read(run_directory: Path) -> Report | None:
    """The newest report; None when there is none, or none that can be read."""
    try:
        with np.load(run_directory / NAME, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        updates, rows = arrays.pop("counters").tolist()
        return Report(updates, rows, _part(arrays, _TRUTH), _part(arrays, _GUESS))
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        _log.warning("%s cannot be read: %s", run_directory / NAME, error)
        return None


def _part(arrays: Arrays, prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _small(value: NDArray[Any]) -> NDArray[Any]:
    """Images, which an agent predicts as 0 to 1, as bytes like those that came."""
    if value.ndim != 5:
        return value
    return (np.clip(value, 0, 1) * 255).astype(np.uint8)

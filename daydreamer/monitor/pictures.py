"""Pictures as TensorBoard wants them: arrays counted into bins, and the size that an image's bytes say."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BINS = 40
_PNG, _GIF = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a")


def histogram(values: NDArray[Any]) -> dict[str, Any]:
    """The fields of TensorBoard's ``HistogramProto``; what is not finite is left out."""
    numbers = np.asarray(values, np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        numbers = np.zeros(1)
    counts, edges = np.histogram(numbers, _BINS)
    return {
        "min": float(numbers.min()),
        "max": float(numbers.max()),
        "num": float(len(numbers)),
        "sum": float(numbers.sum()),
        "sum_squares": float(np.square(numbers).sum()),
        "bucket_limit": edges[1:].tolist(),
        "bucket": counts.tolist(),
    }


def size(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG or GIF. Raises ValueError of anything else."""
    if data.startswith(_PNG):
        width, height = struct.unpack(">II", data[16:24])
    elif data.startswith(_GIF):
        width, height = struct.unpack("<HH", data[6:10])
    else:
        raise ValueError(f"expected a PNG or a GIF, got {data[:8]!r}")
    return int(width), int(height)

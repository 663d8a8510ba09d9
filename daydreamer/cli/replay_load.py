"""``daydreamer bench replay``: appends and samples of a replay that grows to millions of rows on disk.

Times of sampling are processor time of the thread, so that other jobs on the computer do not count, and each
sample is followed by the same gather out of arrays in memory: the ratio compares like with like. Appends are wall
time, as they wait for the disk.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.cli.measures import Columns, made_up_rows, rows_of
from daydreamer.presets.preset import Preset
from daydreamer.replay import Replay

BATCH, LENGTH = 16, 64
ROWS = (100_000, 1_000_000, 5_000_000)
BLOCK = 50_000  # rows of an append while it grows
DURABLE = 16  # rows of the append whose time is told


def replay_load(
    preset: Preset, seconds: float, sizes: tuple[int, ...] = ROWS, directory: Path | None = None
) -> Iterator[tuple[str, float]]:
    """Numbers by name, for each of ``sizes`` rows on disk as they are reached."""
    spec = rows_of(preset)
    with (
        tempfile.TemporaryDirectory(dir=directory) as scratch,
        Replay(Path(scratch) / "replay", spec, 2 * sizes[-1], seed=0) as store,
    ):
        block, few = made_up_rows(spec, BLOCK), made_up_rows(spec, DURABLE)
        for size in sizes:
            name = f"replay_{size // 1000}k" if size < 1_000_000 else f"replay_{size // 1_000_000}m"
            before, begun = len(store), time.perf_counter()
            while len(store) < size:
                part = {key: rows[: size - len(store)] for key, rows in block.items()}
                store.append(part, "bench", store.next_seq("bench"))
            grown = (len(store) - before) / (time.perf_counter() - begun)
            waits = [_wall(lambda: store.append(few, "bench", store.next_seq("bench"))) for _ in range(30)]
            for start in range(0, len(store), BLOCK):  # every page is in memory before samples are timed
                store.read(start, start + BLOCK, keys=["reward"])
            anonymous, mapped = _resident()
            sample, gather = _side_by_side(store, block, seconds)
            yield f"{name}_append_rows_per_s", grown
            yield f"{name}_append_{DURABLE}_ms", 1e3 * float(np.median(waits))
            yield f"{name}_samples_per_s", 1 / sample
            yield f"{name}_gathers_per_s", 1 / gather
            yield f"{name}_ratio", gather / sample
            yield f"{name}_memory_mb", anonymous
            yield f"{name}_page_cache_mb", mapped


def _side_by_side(store: Replay, block: Columns, seconds: float) -> tuple[float, float]:
    """Median times [s] of one sample of ``store``, and of one gather of as much out of as many rows in memory."""
    keys = list(store.sample(1, 1))
    copies = -(-len(store) // BLOCK)
    memory = {key: np.concatenate([block[key]] * copies) for key in keys}
    rng = np.random.default_rng(0)

    def gather() -> dict[str, NDArray[Any]]:
        starts = rng.integers(0, len(store) - LENGTH + 1, BATCH)
        places = starts[:, None] + np.arange(LENGTH)
        return {key: rows[places] for key, rows in memory.items()}

    sampled: list[float] = []
    gathered: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(sampled) < 100:
        sampled.append(_worked(lambda: store.sample(BATCH, LENGTH)))
        gathered.append(_worked(gather))
    return float(np.median(sampled)), float(np.median(gathered))


def _wall(action: Callable[[], object]) -> float:
    before = time.perf_counter()
    action()
    return time.perf_counter() - before


def _worked(action: Callable[[], object]) -> float:
    before = time.thread_time()
    action()
    return time.thread_time() - before


def _resident() -> tuple[float, float]:
    """MB of this process in memory: its own, and of files that are mapped, which the system may take back."""
    pages = [int(word) for word in Path("/proc/self/statm").read_text().split()]
    page = os.sysconf("SC_PAGE_SIZE") / 1e6
    return (pages[1] - pages[2]) * page, pages[2] * page

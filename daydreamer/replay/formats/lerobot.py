"""Rows as a LeRobotDataset, version 3 of its layout, and back.

    meta/info.json                              features, rate, counts
    meta/stats.json                             of every feature, over all frames
    meta/tasks.parquet                          the one task
    meta/episodes/chunk-000/file-000.parquet    one line per episode
    data/chunk-000/file-000.parquet             one line per frame

A frame is a row. An episode ends with ``is_last`` and wherever a row does not continue the one before it. A
feature's name holds no slash, so ``applied/action`` becomes ``applied.action``; what an agent senses becomes
``observation.KEY``. LeRobot pairs an observation with the action taken after it, as a row does; its reward is
the one that came with the observation, under the name ``reward``. ``info.json`` also carries the row spec and
each episode's stream, so that the same rows come back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.errors import Corrupt, DaydreamerError
from daydreamer.core.specs import ArraySpec, Specs
from daydreamer.core.transition import sensed
from daydreamer.replay.archive import Archive, Part
from daydreamer.replay.layout import Layout, Rows

VERSION = "v3.0"
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
FILES_PER_CHUNK = 1000
FILE_BYTES = 100 << 20  # of rows as they lie in the replay
_INDICES = ("timestamp", "frame_index", "episode_index", "index", "task_index")


@dataclass(frozen=True)
class _Episode:
    stream: str
    first_seq: int
    begin: int  # frames before it, in the whole dataset
    length: int
    file: int


def write(archive: Archive, path: Path, fps: float, task: str, robot: str) -> int:
    """Write all good rows into the new directory ``path``; how many.

    Raises:
        DaydreamerError: pyarrow is not installed, or ``path`` exists.
    """
    pa, parquet = _pyarrow()
    if path.exists():
        raise DaydreamerError(f"{path} exists already: a dataset is written into a new directory")
    names = feature_names(archive.layout.specs)
    stats = _Stats()
    episodes: list[_Episode] = []
    frames = number = waiting = 0
    tables: list[Any] = []

    def flush() -> None:
        nonlocal number, waiting, tables
        if tables:
            _save(parquet, pa.concat_tables(tables), path / _place(DATA, number))
            number, waiting, tables = number + 1, 0, []

    for part in _whole_episodes(archive.parts()):
        for begin, end in _cuts(part.rows):
            rows = part.rows[begin:end]
            episode = _Episode(part.stream, part.first_seq + begin, frames, len(rows), number)
            columns = {names[name]: rows[name] for name in names}
            columns |= _indices(episode, len(episodes), fps)
            tables.append(pa.table({name: _array(pa, value) for name, value in columns.items()}))
            stats.add(columns)
            episodes.append(episode)
            frames += len(rows)
            waiting += rows.nbytes
            if waiting >= FILE_BYTES:
                flush()
    flush()
    (path / "meta").mkdir(parents=True, exist_ok=True)
    (path / "meta" / "info.json").write_text(
        json.dumps(_info(archive.layout.specs, names, episodes, frames, fps, task, robot), indent=2) + "\n"
    )
    (path / "meta" / "stats.json").write_text(json.dumps(stats.result(), indent=2) + "\n")
    # The task's text is the table's index, as pandas writes one.
    tasks = pa.table({"task_index": pa.array([0], pa.int64()), "task": pa.array([task], pa.string())})
    pandas = {
        "index_columns": ["task"], "column_indexes": [], "pandas_version": "2.0.0", "creator": {"library": "pyarrow"},
        "columns": [
            {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64",
             "metadata": None},
            {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object", "metadata": None},
        ],
    }  # fmt: skip
    _save(
        parquet,
        tasks.replace_schema_metadata({"pandas": json.dumps(pandas)}),
        path / "meta" / "tasks.parquet",
    )
    _save(parquet, _episode_table(pa, episodes, task), path / _place(EPISODES, 0))
    return frames


def read(path: Path) -> tuple[Layout, Iterator[Part]]:
    """The layout of the rows in ``path``, and the rows.

    Raises:
        DaydreamerError: pyarrow is not installed.
        Corrupt: it is no dataset that ``write`` has written.
    """
    _, parquet = _pyarrow()
    try:
        info = json.loads((path / "meta" / "info.json").read_bytes())
        ours = info["daydreamer"]
        layout = Layout({name: ArraySpec.from_dict(one) for name, one in ours["spec"].items()})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Corrupt(
            f"{path}: expected a dataset written by `daydreamer replay export --to lerobot` ({error!r}); others "
            "do not say what a row of ours is"
        ) from error
    return layout, _parts(layout, parquet, path, ours["episodes"])


def feature_names(specs: Specs) -> dict[str, str]:
    """``{key of a row: name of the feature}``, each different."""
    observed = sensed({k: s for k, s in specs.items() if not _is_action(k, specs)})
    names = {key: f"observation.{key}" if key in observed else key for key in specs}
    names = {key: name.replace("/", ".") for key, name in names.items()}
    taken = set(_INDICES)
    for key, name in list(names.items()):
        free = name
        while free in taken:
            free += "_"
        names[key] = free
        taken.add(free)
    return names


def _is_action(key: str, specs: Specs) -> bool:
    return key.startswith("applied/") or f"applied/{key}" in specs


def _whole_episodes(parts: Iterator[Part]) -> Iterator[Part]:
    """The rows of ``parts``, so that no episode is in two of them: a file may end in the middle of one."""
    waiting: dict[str, Part] = {}  # of each stream, its last episode, which may go on
    for part in parts:
        first, rows, before = part.first_seq, part.rows, waiting.pop(part.stream, None)
        if before is not None and before.first_seq + len(before.rows) == first:
            first, rows = before.first_seq, np.concatenate([before.rows, rows])
        elif before is not None:
            yield before
        begin, _ = _cuts(rows)[-1]
        if begin:
            yield Part(part.stream, first, rows[:begin])
        waiting[part.stream] = Part(part.stream, first + begin, rows[begin:])
    yield from waiting.values()


def _cuts(rows: Rows) -> list[tuple[int, int]]:
    """Where episodes begin and end."""
    starts = {0, *np.flatnonzero(rows["is_first"]).tolist()}
    if "is_last" in (rows.dtype.names or ()):
        starts |= {int(last) + 1 for last in np.flatnonzero(rows["is_last"])}
    ordered = sorted(start for start in starts if start < len(rows))
    return list(zip(ordered, [*ordered[1:], len(rows)], strict=True))


def _indices(episode: _Episode, number: int, fps: float) -> dict[str, NDArray[Any]]:
    frame = np.arange(episode.length)
    return {
        "timestamp": (frame / fps).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.full(episode.length, number),
        "index": episode.begin + frame,
        "task_index": np.zeros(episode.length, np.int64),
    }


def _array(pa: Any, value: NDArray[Any]) -> Any:
    """[N] as a plain column, [N, ...] as lists of the rest, row by row."""
    flat = pa.array(np.ascontiguousarray(value).reshape(-1))
    size = int(np.prod(value.shape[1:], dtype=int))
    return flat if value.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, size)


def _parts(layout: Layout, parquet: Any, path: Path, episodes: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    names = feature_names(layout.specs)
    loaded, first = -1, 0
    table: Any = None
    for episode in episodes:
        if episode["file"] != loaded:
            loaded, table = episode["file"], parquet.read_table(path / _place(DATA, episode["file"]))
            first = table["index"][0].as_py()
        part = table.slice(episode["begin"] - first, episode["length"])
        columns = {}
        for key, spec in layout.specs.items():
            column = part[names[key]].combine_chunks()
            flat = column.flatten() if spec.shape else column
            value = flat.to_numpy(zero_copy_only=False)
            columns[key] = value.astype(spec.dtype).reshape(episode["length"], *spec.shape)
        yield Part(episode["stream"], episode["first_seq"], layout.pack(columns))


def _info(
    specs: Specs,
    names: Mapping[str, str],
    episodes: Sequence[_Episode],
    frames: int,
    fps: float,
    task: str,
    robot: str,
) -> dict[str, Any]:
    features = {
        names[key]: {"dtype": spec.dtype, "shape": list(spec.shape) or [1], "names": None}
        for key, spec in specs.items()
    }
    features |= {
        name: {"dtype": "float32" if name == "timestamp" else "int64", "shape": [1], "names": None}
        for name in _INDICES
    }
    return {
        "codebase_version": VERSION,
        "robot_type": robot,
        "total_episodes": len(episodes),
        "total_frames": frames,
        "total_tasks": 1,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": FILE_BYTES >> 20,
        "video_files_size_in_mb": 0,
        "fps": fps,
        "splits": {"train": f"0:{len(episodes)}"},
        "data_path": DATA,
        "video_path": None,
        "features": features,
        "daydreamer": {
            "spec": {key: spec.to_dict() for key, spec in specs.items()},
            "task": task,
            "episodes": [vars(episode) for episode in episodes],
        },
    }


def _episode_table(pa: Any, episodes: Sequence[_Episode], task: str) -> Any:
    ends = [episode.begin + episode.length for episode in episodes]
    chunks = [episode.file // FILES_PER_CHUNK for episode in episodes]
    zeros = [0] * len(episodes)
    return pa.table(
        {
            "episode_index": list(range(len(episodes))),
            "tasks": pa.array([[task]] * len(episodes), pa.list_(pa.string())),
            "length": [episode.length for episode in episodes],
            "data/chunk_index": chunks,
            "data/file_index": [episode.file % FILES_PER_CHUNK for episode in episodes],
            "dataset_from_index": [episode.begin for episode in episodes],
            "dataset_to_index": ends,
            "meta/episodes/chunk_index": zeros,
            "meta/episodes/file_index": zeros,
            "daydreamer/stream": [episode.stream for episode in episodes],
            "daydreamer/first_seq": [episode.first_seq for episode in episodes],
        }
    )


class _Stats:
    """Minimum, maximum, mean and standard deviation of each feature, without keeping the frames."""

    def __init__(self) -> None:
        self._found: dict[str, list[Any]] = {}  # count, least, most, sum, sum of squares

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """More frames."""
        for name, value in columns.items():
            x = value.reshape(len(value), -1).astype(np.float64)
            new = [len(x), x.min(0), x.max(0), x.sum(0), (x**2).sum(0)]
            old = self._found.get(name)
            if old is not None:
                new = [
                    old[0] + new[0], np.minimum(old[1], new[1]), np.maximum(old[2], new[2]), old[3] + new[3],
                    old[4] + new[4],
                ]  # fmt: skip
            self._found[name] = new

    def result(self) -> dict[str, dict[str, list[float]]]:
        """``{feature: {min, max, mean, std, count}}``."""
        told = {}
        for name, (count, least, most, total, squares) in self._found.items():
            mean = total / count
            std = np.sqrt(np.maximum(0.0, squares / count - mean**2))
            values = {"min": least, "max": most, "mean": mean, "std": std, "count": np.array([count])}
            told[name] = {key: value.tolist() for key, value in values.items()}
        return told


def _place(template: str, number: int) -> str:
    return template.format(chunk_index=number // FILES_PER_CHUNK, file_index=number % FILES_PER_CHUNK)


def _save(parquet: Any, table: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DaydreamerError(
            "the LeRobot format needs pyarrow; from a clone: pip install '.[export]'"
        ) from error
    return pyarrow, pyarrow.parquet

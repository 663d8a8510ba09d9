"""Rows as one ``.npz`` file: an array [N, ...] for each key, and beside them where each row came from.

    import numpy as np
    rows = np.load("rows.npz")
    rows["action"]      # [N, 12]

Rows are in storage order. ``__stream__`` [P], ``__first_seq__`` [P] and ``__rows__`` [P] say which rows follow
one another; ``__spec__`` is the row spec as JSON. There is no pickle in it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from daydreamer.core.errors import Corrupt
from daydreamer.core.specs import ArraySpec
from daydreamer.replay.archive import Archive, Part, rows_went
from daydreamer.replay.layout import Layout

_ABOUT = ("__stream__", "__first_seq__", "__rows__", "__spec__")


def write(archive: Archive, path: Path) -> int:
    """Write all good rows to ``path``; how many. One key is in memory at a time.

    What a learner adds meanwhile is left out.

    Raises:
        DaydreamerError: Rows went meanwhile.
    """
    parts = [(part.stream, part.first_seq, len(part.rows)) for part in archive.parts()]
    spec = {name: spec.to_dict() for name, spec in archive.layout.specs.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as file:
        for name in archive.layout.specs:
            columns = [np.ascontiguousarray(part.rows[name]) for part in _as_before(archive.parts(), parts)]
            _put(file, name, np.concatenate(columns) if columns else np.empty(0))
        _put(file, "__stream__", np.array([stream for stream, _, _ in parts], np.str_))
        _put(file, "__first_seq__", np.array([first for _, first, _ in parts], np.int64))
        _put(file, "__rows__", np.array([count for _, _, count in parts], np.int64))
        _put(file, "__spec__", np.array(json.dumps(spec)))
    return sum(count for _, _, count in parts)


def _as_before(parts: Iterator[Part], before: list[tuple[str, int, int]]) -> Iterator[Part]:
    """``parts`` as they were when they were ``before``: (stream, first, rows) each."""
    known = {(stream, first): count for stream, first, count in before}
    for part in parts:
        count = known.pop((part.stream, part.first_seq), 0)
        if len(part.rows) < count:
            break
        if count:
            yield replace(part, rows=part.rows[:count])
    if known:
        raise rows_went()


def read(path: Path) -> tuple[Layout, Iterator[Part]]:
    """The layout of the rows in ``path``, and the rows. Raises Corrupt when it is no such file."""
    try:
        file = np.load(path, allow_pickle=False)
        streams, firsts, counts, spec = (file[name] for name in _ABOUT)
        layout = Layout({name: ArraySpec.from_dict(one) for name, one in json.loads(str(spec)).items()})
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise Corrupt(
            f"{path}: expected rows written by `daydreamer replay export --to npz` ({error})"
        ) from error
    return layout, _parts(layout, file, streams, firsts, counts)


def _parts(layout: Layout, file: Any, streams: Any, firsts: Any, counts: Any) -> Iterator[Part]:
    columns = {name: file[name] for name in layout.specs}
    begin = 0
    for stream, first, count in zip(streams.tolist(), firsts.tolist(), counts.tolist(), strict=True):
        rows = layout.pack({name: value[begin : begin + count] for name, value in columns.items()})
        yield Part(stream, first, rows)
        begin += count


def _put(file: zipfile.ZipFile, name: str, value: Any) -> None:
    """A key may hold a slash: it becomes a folder in the archive, and numpy reads it all the same."""
    with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, value, allow_pickle=False)

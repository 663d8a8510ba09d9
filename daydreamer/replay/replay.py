"""Replay: rows in, durable before they are acknowledged; chunks [B, T] out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.errors import SpecMismatch
from daydreamer.core.record_log import FRAME_SIZE
from daydreamer.core.specs import Specs
from daydreamer.core.transition import MAX_ACTORS, META, is_log
from daydreamer.replay.directory import Directory
from daydreamer.replay.errors import ReplayGap
from daydreamer.replay.index import Index
from daydreamer.replay.layout import Layout, Rows
from daydreamer.replay.sampler import Sampler
from daydreamer.replay.segment import Segment

SEGMENT_BYTES = 32 << 20
MAX_GROWING = MAX_ACTORS  # segments open for append; each holds a file descriptor, and its rows in memory


class Replay:
    """Rows of every actor, on disk.

    Rows of a stream are appended in order, each exactly once. ``append`` returns when its rows are durable,
    and only then can they be sampled; after a kill at any moment the directory opens again with every row
    that ``append`` has returned for. Beyond ``capacity`` the oldest segments are dropped whole, by ``append``
    alone: opening a replay deletes no row. A segment grows while an eighth of ``capacity`` comes, counted over
    all streams, and then its stream begins another: so the rows in the oldest one are old, however slowly it grew.

    One thread may append while another samples.
    """

    def __init__(
        self, directory: Path | str, spec: Specs, capacity: int, seed: int, segment_rows: int | None = None
    ):
        """Open ``directory``, creating it if need be, and verify every row in it.

        Args:
            directory: for this replay alone.
            spec: of a row, without the leading N; see ``core.transition.row_spec``.
            capacity: the most rows to keep; files from before it was lowered may hold more, see ``_surplus``.
            seed: of the sampler.
            segment_rows: rows per file, and so the grain in which old rows are dropped; by default 32 MiB
                of rows, and no more than a sixteenth of ``capacity``.

        Raises:
            ReplayLocked: another process has the directory.
            SpecMismatch: the directory holds rows of another spec.
            Corrupt: the directory is damaged in a way that no kill explains.
        """
        self._layout = Layout(spec)
        if segment_rows is None:
            segment_rows = max(1, min(SEGMENT_BYTES // self._layout.row_bytes, capacity // 16))
        if not 0 < segment_rows <= capacity:
            raise ValueError(f"expected 0 < segment_rows <= capacity, got {segment_rows} and {capacity}")
        self.capacity = capacity
        self._segment_rows = segment_rows
        self._growth = max(segment_rows, capacity // 8)  # rows of all streams while which a segment grows
        self._sampler = Sampler(seed)
        self._sampling, self._appending = threading.Lock(), threading.Lock()
        self._sampled_steps = self._duplicates = 0
        self._directory = Directory(Path(directory))
        try:
            self._segments = self._directory.load(self._layout)  # in storage order
            self._next_seq = self._directory.streams()
        except BaseException:
            self._directory.close()
            raise
        for stream, last in {segment.stream: segment for segment in self._segments}.items():
            self._next_seq[stream] = max(self._next_seq.get(stream, 0), last.resume)
        self._collected = self._directory.dropped_rows + sum(segment.count for segment in self._segments)
        self._syncs = 0
        self._old: list[Segment] = []  # no longer sampled, and still to be deleted
        self._growing: dict[str, Segment] = {}  # by stream, the one last appended to at the end
        self._by_recency = self._segments[::-1]
        self._index = Index(self._segments, self._by_recency)

    def append(
        self, rows: Mapping[str, NDArray[Any]], stream: str, first_seq: int, after_gap: bool = False
    ) -> int:
        """Store rows ``first_seq, first_seq + 1, ...`` of ``stream``, columns [N, ...]; durable on return.

        Rows that are stored already (sent again after a reconnect) are dropped. However many rows there are,
        the disk is waited for once, and once more for each segment that they end.

        Args:
            rows: Columns, each [N, ...].
            stream: Whose rows.
            first_seq: The number of the first one.
            after_gap: The stream goes on here, whatever rows are missing: nobody has them any more, or another
                learner does.

        Returns:
            How many rows were new.

        Raises:
            SpecMismatch: the rows do not fit the spec; nothing was stored.
            ReplayGap: rows between ``next_seq(stream)`` and ``first_seq`` are missing, and it is not said that
                they stay missing; nothing was stored.
            OSError: the disk refused. What is stored is a prefix: ``next_seq`` says how much.
        """
        if not stream or first_seq < 0:
            raise SpecMismatch(f"expected a stream's name and a row number >= 0, got '{stream}', {first_seq}")
        fresh = self._layout.pack(rows)
        with self._appending:
            expected = self.next_seq(stream)
            if first_seq > expected and after_gap:
                self._skip_to(stream, first_seq)
                expected = first_seq
            if first_seq > expected:
                raise ReplayGap(
                    f"stream '{stream}': expected row {expected}, got rows from {first_seq}: send them again "
                    f"from {expected}, or begin a new stream"
                )
            known = min(expected - first_seq, len(fresh))
            self._duplicates += known
            fresh = fresh[known:]
            if len(fresh):
                self._store(fresh, stream)
        return len(fresh)

    def next_seq(self, stream: str) -> int:
        """The number of the row that ``stream`` goes on with; 0 for a stream never seen.

        Of a stream that a power cut has left with a hole that is the first row missing, until it goes on. What is
        stored behind the hole can be sampled, and makes room for what comes again.
        """
        return self._next_seq.get(stream, 0)

    def sample(
        self,
        batch: int,
        length: int,
        recent: float = 0.0,
        recent_window: int = 2000,
        keys: Iterable[str] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Chunks of consecutive rows in storage order, uniform over all places where one can start.

        A chunk may run from one stream into the next. ``is_first`` is True at every row that does not
        continue the row before it; the first row of a chunk is otherwise left as it was recorded.

        Args:
            batch: B, chunks.
            length: T, rows per chunk.
            recent: share of the chunks that start among the newest ``recent_window`` rows, in [0, 1].
            recent_window: rows.
            keys: what to return; by default all but ``log/...``, ``applied/...``, ``time`` and
                ``policy_version``.

        Returns:
            ``{key: [B, T, ...]}`` in the spec's dtypes, the caller's own.

        Raises:
            ReplayEmpty: there are fewer than ``length`` rows.
        """
        if batch < 1 or length < 1 or not 0 <= recent <= 1:
            raise ValueError(f"expected B, T >= 1 and recent in [0, 1], got {batch}, {length}, {recent}")
        index = self._index
        with self._sampling:
            starts = self._sampler.starts(index, batch, length, recent, recent_window)
            self._sampled_steps += batch * length
        places = (starts[:, None] + np.arange(length)).reshape(-1)  # [B, T] -> [B*T]
        columns = self._columns(index, places, self._chosen(keys))
        return {key: value.reshape(batch, length, *value.shape[1:]) for key, value in columns.items()}

    def read(self, start: int, stop: int, keys: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
        """Rows ``start .. stop`` in storage order, ``{key: [N, ...]}``; all keys unless ``keys`` are named."""
        index = self._index
        start, stop, _ = slice(start, stop).indices(len(index))
        chosen = list(self._layout.specs) if keys is None else self._chosen(keys)
        return self._columns(index, np.arange(start, stop), chosen)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def collected(self) -> int:
        """Rows ever stored, over all streams, those dropped since included."""
        with self._appending:
            return self._collected

    def stats(self) -> dict[str, float]:
        """Sizes and counts; ``sampled_steps`` and ``duplicates`` count from the opening of the directory."""
        index = self._index
        return {
            "replay/rows": float(len(index)),
            "replay/bytes": float(len(index) * (FRAME_SIZE + self._layout.row_bytes)),
            "replay/segments": float(len(index.segments)),
            "replay/streams": float(len(self._next_seq)),
            "replay/duplicates": float(self._duplicates),
            "replay/sampled_steps": float(self._sampled_steps),
            "replay/syncs": float(self._syncs),
        }

    def random_state(self) -> dict[str, Any]:
        """The sampler's random state, as plain data that JSON keeps."""
        with self._sampling:
            return self._sampler.state()

    def set_random_state(self, state: Mapping[str, Any]) -> None:
        """The inverse of ``random_state``. Raises CheckpointError when it is none."""
        with self._sampling:
            self._sampler.set_state(state)

    def close(self) -> None:
        """Close the files and free the directory. Idempotent."""
        with self._appending:
            for segment in self._growing.values():
                segment.seal(self._layout)
            self._growing.clear()
            self._directory.close()

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _skip_to(self, stream: str, seq: int) -> None:
        """The next row of ``stream`` is ``seq``: it begins another segment, as one file has no holes."""
        if stream in self._growing:
            self._growing.pop(stream).seal(self._layout)
        self._next_seq[stream] = seq

    def _store(self, rows: Rows, stream: str) -> None:
        while len(rows):
            segment = self._growing_segment(stream)
            part, rows = rows[: segment.room], rows[segment.room :]
            segment.append(part)
            self._syncs += 1
            self._collected += len(part)
            self._next_seq[stream] = segment.next_seq
            self._by_recency.remove(segment)
            self._by_recency.insert(0, segment)
            if not segment.room:
                self._growing.pop(stream).seal(self._layout)
        self._publish()

    def _growing_segment(self, stream: str) -> Segment:
        """The open segment of ``stream``, or a new one; the streams silent for longest lose theirs."""
        segment = self._growing.pop(stream, None)
        if segment is not None:
            refused = not segment.room  # for good, by the disk
            if refused or self._collected - segment.begun > self._growth:
                segment.seal(self._layout)
                segment = None
        if segment is None:
            path, first_seq = self._directory.new_path(), self.next_seq(stream)
            segment = Segment.create(
                path, self._layout, stream, first_seq, self._segment_rows, self._collected
            )
            for one in self._segments:
                if one.stream == stream:  # what is behind a hole comes again
                    self._collected -= one.end_at(first_seq)
            self._segments.append(segment)
            self._by_recency.insert(0, segment)
        self._growing[stream] = segment
        while len(self._growing) > MAX_GROWING:
            self._growing.pop(next(iter(self._growing))).seal(self._layout)
        return segment

    def _surplus(self) -> int:
        """How many of the oldest segments go, to leave at most ``capacity`` rows.

        A file from before the capacity was lowered may hold as much as all of it. It stays until those behind
        it fill the capacity but for a segment, as they do when files of today's size are dropped.
        """
        left, count = sum(segment.count for segment in self._segments), 0
        while left > self.capacity:
            path = self._segments[count].path  # a damaged file is several segments, which go together
            file = [segment for segment in self._segments[count:] if segment.path == path]
            left -= sum(segment.count for segment in file)
            if left < max(1, self.capacity - self._segment_rows):
                break
            count += len(file)
        return count

    def _publish(self) -> None:
        """Drop the oldest segments beyond ``capacity``, and let the sampler see the others."""
        count = self._surplus()
        old = self._segments[:count]
        self._old += old
        del self._segments[:count]
        for segment in old:
            self._by_recency.remove(segment)
            if self._growing.get(segment.stream) is segment:
                self._growing.pop(segment.stream).seal(self._layout)
        self._index = Index(self._segments, self._by_recency)
        if self._old:  # after a disk that refused to write that down, those of before as well
            self._directory.drop(self._old, self._next_seq)
            self._old = []

    def _chosen(self, keys: Iterable[str] | None) -> list[str]:
        if keys is None:
            return [k for k in self._layout.specs if not (is_log(k) or k.startswith("applied/") or k in META)]
        chosen = list(keys)
        if unknown := [key for key in chosen if key not in self._layout.specs]:
            raise SpecMismatch(f"replay has no keys {unknown}, it has {list(self._layout.specs)}")
        return chosen

    def _columns(
        self, index: Index, places: NDArray[np.int64], keys: Iterable[str]
    ) -> dict[str, NDArray[Any]]:
        if not len(places):
            return {
                key: np.empty((0, *self._layout.specs[key].shape), self._layout.specs[key].dtype)
                for key in keys
            }
        rows = index.rows(places)
        columns = {key: np.ascontiguousarray(rows[key]) for key in keys}
        if "is_first" in columns:
            columns["is_first"] |= index.is_break(places)
        return columns

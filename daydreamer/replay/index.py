"""Rows of all segments as one line, in storage order.

Storage order: segments in the order in which they were created, in each the rows in the order of their
sequence numbers. With one actor at a time that is the order of time. Several actors at once each fill a
segment of their own, and these stand one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.replay.layout import Rows
from daydreamer.replay.segment import Segment

Ints = NDArray[np.int64]


class Index:
    """The durable rows at one moment: never changes, so that a reader needs no lock.

    Attributes:
        ends: ``[S]`` place after the last row of each segment.
        breaks: places of rows that do not continue the row before them: the first row of all, the first
            of a stream, and the first after rows that were dropped or lost.
    """

    def __init__(self, segments: Sequence[Segment], by_recency: Sequence[Segment] = ()):
        """``by_recency``: the segments, the one last appended to first; the reverse of ``segments`` if empty."""
        self.segments = tuple(segments)
        counts = np.array([segment.count for segment in self.segments], np.int64)
        self.ends: Ints = np.cumsum(counts)
        self._begins = self.ends - counts
        self.breaks: Ints = self._begins[[not self._continues(i) for i in range(len(self.segments))]]
        place = {id(segment): i for i, segment in enumerate(self.segments)}
        self._recency = [place[id(s)] for s in (by_recency or self.segments[::-1])]

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def rows(self, places: Ints) -> Rows:
        """Rows [N] at ``places`` [N], copied; quickest where places follow one another, as in a chunk."""
        dtype = self.segments[0].rows.dtype
        opaque = np.dtype((np.void, dtype.itemsize))  # numpy copies these whole, and not field by field
        found = np.empty(len(places), opaque)
        starts = [0, *(np.flatnonzero(np.diff(places) != 1) + 1).tolist()]
        which = np.searchsorted(self.ends, places[starts], side="right").tolist()
        for start, end, i in zip(starts, [*starts[1:], len(places)], which, strict=True):
            at, place = start, int(places[start])
            for segment, begin, until in zip(self.segments[i:], self._begins[i:], self.ends[i:], strict=True):
                first, count = place - int(begin), min(end - at, int(until) - place)
                found[at : at + count] = segment.rows[first : first + count].view(opaque)
                at, place = at + count, place + count
                if at == end:  # else the run of places goes on in the next segment
                    break
        rows: Rows = found.view(dtype)
        return rows

    def is_break(self, places: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the row at each place does not continue the row before it."""
        nearest = np.minimum(np.searchsorted(self.breaks, places), len(self.breaks) - 1)
        found: NDArray[np.bool_] = self.breaks[nearest] == places
        return found

    def newest(self, window: int) -> tuple[Ints, Ints]:
        """Ranges ``(begins, ends)`` of the newest ``window`` rows: the tails of the segments last appended to."""
        begins, ends = [], []
        for i in self._recency:
            if window <= 0:
                break
            begins.append(max(self._begins[i], self.ends[i] - window))
            ends.append(self.ends[i])
            window -= ends[-1] - begins[-1]
        return np.array(begins, np.int64), np.array(ends, np.int64)

    def _continues(self, i: int) -> bool:
        if i == 0:
            return False
        before, here = self.segments[i - 1], self.segments[i]
        return before.stream == here.stream and before.next_seq == here.first_seq

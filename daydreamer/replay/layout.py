"""How a row lies in a file: its values one after the other, in the order of their names, without padding.

Every row has the same size, so that a segment is an array of rows, and sampling is indexing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.errors import Corrupt, SpecMismatch
from daydreamer.core.specs import ArraySpec, Specs, difference, validate

Rows = NDArray[np.void]  # [N] structured: one field per key


class Layout:
    """The binary form of rows of one spec."""

    def __init__(self, specs: Specs):
        if "is_first" not in specs:
            raise SpecMismatch(f"a row spec has the flag 'is_first', got only {sorted(specs)}")
        self.specs = {name: specs[name] for name in sorted(specs)}
        self.dtype = np.dtype(
            [(name, np.dtype(s.dtype).newbyteorder("<"), s.shape) for name, s in self.specs.items()]
        )
        self.row_bytes = self.dtype.itemsize

    def pack(self, columns: Mapping[str, NDArray[Any]]) -> Rows:
        """Columns [N, ...] as rows [N].

        Raises:
            SpecMismatch: a key, shape, dtype or number does not fit the spec, or the columns differ in length.
        """
        shape = np.shape(next(iter(columns.values()), ()))
        count = shape[0] if shape else 0
        validate({name: _stacked(spec, count) for name, spec in self.specs.items()}, columns)
        rows: Rows = np.empty(count, self.dtype)
        for name in self.specs:
            rows[name] = columns[name]
        return rows

    def header(self, stream: str, first_seq: int) -> bytes:
        """The header of a segment that holds rows ``first_seq``, ``first_seq + 1``, ... of ``stream``."""
        spec = {name: spec.to_dict() for name, spec in self.specs.items()}
        return json.dumps({"stream": stream, "first_seq": first_seq, "spec": spec}).encode()

    def read_header(self, header: bytes, where: object) -> tuple[str, int]:
        """``(stream, first_seq)`` of a segment's header.

        Raises:
            Corrupt: this is no header of a segment.
            SpecMismatch: the segment holds rows of another spec.
        """
        try:
            data = json.loads(header)
            theirs = {name: ArraySpec.from_dict(spec) for name, spec in data["spec"].items()}
            stream, first_seq = str(data["stream"]), int(data["first_seq"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Corrupt(f"{where}: not a replay segment: {header[:200]!r}") from error
        if lines := difference(self.specs, theirs):
            raise SpecMismatch(
                f"{where} holds rows of another spec (ours: this job, theirs: the file):\n  "
                + "\n  ".join(lines)
                + "\nUse another directory, or the settings that this one was recorded with."
            )
        return stream, first_seq


def _stacked(spec: ArraySpec, count: int) -> ArraySpec:
    return replace(spec, shape=(count, *spec.shape))

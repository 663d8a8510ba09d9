"""One row as a fixed number of bytes, checked and written in microseconds by the control loop.

Values of one dtype lie side by side, so that all of a row's float32 are checked by one comparison in place of
one for each key.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.errors import SpecMismatch
from daydreamer.core.pack import DTYPES
from daydreamer.core.specs import ArraySpec, Specs, brief, validate
from daydreamer.core.transition import Row

FEW = 4  # numbers that are compared sooner one by one than by numpy


class RowCodec:
    """Rows of one spec to bytes, and many such records to columns."""

    def __init__(self, specs: Specs):
        if not specs:
            raise SpecMismatch("a row spec has at least one key, got none")
        names = sorted(specs, key=lambda name: (specs[name].dtype, name))
        self.specs = {name: specs[name] for name in names}
        self._fields = [(name, specs[name].shape, np.dtype(specs[name].dtype)) for name in names]
        self._record = np.dtype(
            [(name, dtype.newbyteorder("<"), shape) for name, shape, dtype in self._fields]
        )
        self.row_bytes = self._record.itemsize
        groups = [_Group(self.specs, dtype, self._record) for dtype in {s.dtype for s in specs.values()}]
        self._bounded = [group for group in groups if group.bounded]

    def encode(self, row: Row) -> bytes:
        """``row`` as ``row_bytes`` bytes. Raises SpecMismatch when it does not fit the spec."""
        if row.keys() != self.specs.keys():
            validate(self.specs, row)
        parts = []
        for name, shape, dtype in self._fields:
            value = row[name]
            try:
                fits = value.shape == shape and (value.dtype is dtype or value.dtype == dtype)
            except AttributeError:
                fits = False
            if not fits:
                _refuse(name, self.specs[name], value)
            parts.append(value.tobytes())
        record = b"".join(parts)
        for group in self._bounded:
            if not group.is_bool and not group.fits(record):
                validate(self.specs, {name: np.asarray(value) for name, value in row.items()})
                raise SpecMismatch(f"a value is out of bounds by more than rounding: {dict(row)}")
        return record

    def decode(self, records: bytes | memoryview) -> dict[str, NDArray[Any]]:
        """Records, one after the other, as columns ``[N, ...]``; nothing about them is trusted.

        Raises:
            SpecMismatch: not a whole number of rows, at least one, that fit the spec.
        """
        count, rest = divmod(len(records), self.row_bytes)
        if rest or not count:
            raise SpecMismatch(f"expected rows of {self.row_bytes} bytes, got {len(records)} bytes")
        table = np.frombuffer(records, self._record)
        columns = {name: np.ascontiguousarray(table[name]) for name in self.specs}
        if not all(group.all_fit(records) for group in self._bounded):
            validate({k: replace(s, shape=(count, *s.shape)) for k, s in self.specs.items()}, columns)
            raise SpecMismatch("a bool is a byte 0 or 1, others came")
        return columns


class _Group:
    """All values of one dtype in a record, with the bounds of each."""

    def __init__(self, specs: Specs, dtype: str, record: np.dtype[Any]):
        mine = {name: spec for name, spec in specs.items() if spec.dtype == dtype}
        assert record.fields is not None
        self._offset = min(record.fields[name][1] for name in mine)
        self._dtype = np.dtype("uint8" if dtype == "bool" else dtype).newbyteorder("<")
        self._size = sum(spec.size for spec in mine.values())
        self._slice = np.dtype(
            {
                "names": ["values"],
                "formats": [(self._dtype, (self._size,))],
                "offsets": [self._offset],
                "itemsize": record.itemsize,
            }
        )
        self.is_bool = (
            dtype == "bool"
        )  # an array of bools is right by itself; bytes from elsewhere may not be
        is_float = self._dtype.kind == "f"
        # An infinity is beyond the largest number, and NaN is within no bounds: one comparison finds all three.
        least, most = (-np.finfo(dtype).max, np.finfo(dtype).max) if is_float else (-np.inf, np.inf)
        # A little wider than the spec's bounds, as ArraySpec.validate is; that one has the last word.
        low = [np.full(s.size, least if s.low is None else s.low - 1e-5) for s in mine.values()]
        high = [np.full(s.size, most if s.high is None else s.high + 1e-5) for s in mine.values()]
        limits = self._dtype if is_float else np.dtype("float64")
        self._low = np.concatenate(low).astype(limits)
        self._high = np.minimum(np.concatenate(high), 1.0 if self.is_bool else np.inf).astype(limits)
        few = self._size <= FEW and is_float
        self._struct = struct.Struct(f"<{self._size}{self._dtype.char}") if few else None
        self._bounds = list(zip(self._low.tolist(), self._high.tolist(), strict=True))
        self.bounded = is_float or bool(np.isfinite(self._low).any() or np.isfinite(self._high).any())

    def fits(self, record: bytes) -> bool:
        """False when some value in one record is not finite or out of bounds."""
        if self._struct is not None:
            few = self._struct.unpack_from(record, self._offset)
            return all(low <= value <= high for value, (low, high) in zip(few, self._bounds, strict=True))
        return self._all_within(np.frombuffer(record, self._dtype, self._size, self._offset))

    def all_fit(self, records: bytes | memoryview) -> bool:
        """False when some value in some record is not finite or out of bounds."""
        return self._all_within(np.frombuffer(records, self._slice)["values"])

    def _all_within(self, values: NDArray[Any]) -> bool:
        fits = (values >= self._low) & (values <= self._high)
        return b"\0" not in fits.tobytes()  # half the time of ``all`` where there are few


def specs_to_bytes(specs: Specs) -> bytes:
    """A row spec as bytes that are the same for the same spec, for the head of a file."""
    return json.dumps({name: specs[name].to_dict() for name in sorted(specs)}, sort_keys=True).encode()


def specs_from_tree(tree: Any) -> dict[str, ArraySpec]:
    """Specs from plain data that came from elsewhere. Raises SpecMismatch when it describes none."""
    if not isinstance(tree, dict):
        raise SpecMismatch(f"expected specs by name, got {type(tree)}")
    specs = {}
    for name, data in tree.items():
        if not isinstance(name, str) or not isinstance(data, dict):
            raise SpecMismatch(f"expected a name and an array spec, got {name!r:.80}: {data!r:.80}")
        dtype, bounds = data.get("dtype"), (data.get("low"), data.get("high"))
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise SpecMismatch(f"'{name:.80}': expected a dtype of {sorted(DTYPES)}, got {dtype!r:.80}")
        if not all(bound is None or isinstance(bound, (int, float)) for bound in bounds):
            raise SpecMismatch(f"'{name:.80}': expected numbers or nothing as bounds, got {bounds!r:.80}")
        specs[name] = ArraySpec.from_dict(data)
    return specs


def _refuse(name: str, spec: ArraySpec, value: Any) -> None:
    if isinstance(value, (np.ndarray, np.generic)):
        raise SpecMismatch(f"'{name}': expected {brief(spec)}, got {value.dtype.name}{list(value.shape)}")
    raise SpecMismatch(f"'{name}': expected an array {brief(spec)}, got {type(value)}: {value!r:.80}")

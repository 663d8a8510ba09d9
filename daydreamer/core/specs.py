"""ArraySpec: shape, type, range, unit and meaning of one array, and of dicts of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.errors import SpecMismatch


@dataclass(frozen=True)
class ArraySpec:
    """One array. ``low`` and ``high`` bound every element; None is unbounded."""

    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None
    unit: str = ""
    doc: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "dtype", np.dtype(self.dtype).name)

    @property
    def is_image(self) -> bool:
        """``[H, W, C]`` uint8."""
        return len(self.shape) == 3 and self.dtype == "uint8"

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def zeros(self) -> NDArray[Any]:
        """An array of zeros of this shape and dtype."""
        return np.zeros(self.shape, self.dtype)

    def validate(self, name: str, value: NDArray[Any]) -> None:
        """Raise SpecMismatch unless ``value`` fits: exact shape and dtype, finite, within the bounds."""
        if not isinstance(value, np.ndarray):
            raise SpecMismatch(
                f"'{name}': expected an array {self.dtype}{list(self.shape)}, got {type(value)}"
            )
        if value.shape != self.shape or value.dtype.name != self.dtype:
            raise SpecMismatch(
                f"'{name}': expected {self.dtype}{list(self.shape)}, got {value.dtype.name}{list(value.shape)}"
            )
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise SpecMismatch(f"'{name}': not finite: {value}")
        tolerance = 1e-5
        if self.low is not None and value.size and value.min() < self.low - tolerance:
            raise SpecMismatch(
                f"'{name}': {value.min()} is below its lower bound {self.low} {self.unit}".rstrip()
            )
        if self.high is not None and value.size and value.max() > self.high + tolerance:
            raise SpecMismatch(
                f"'{name}': {value.max()} is above its upper bound {self.high} {self.unit}".rstrip()
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for files and messages."""
        return {
            "shape": list(self.shape), "dtype": self.dtype, "low": self.low, "high": self.high,
            "unit": self.unit, "doc": self.doc,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ArraySpec:
        """The inverse of ``to_dict``. Raises SpecMismatch when ``data`` describes no array."""
        try:
            return cls(**{**data, "shape": tuple(data["shape"])})
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise SpecMismatch(f"not an array spec: {data!r} ({error})") from error


Specs = Mapping[str, ArraySpec]


def validate(specs: Specs, values: Mapping[str, NDArray[Any]]) -> None:
    """Raise SpecMismatch unless ``values`` has exactly the keys of ``specs`` and each value fits."""
    if specs.keys() != values.keys():
        missing, extra = sorted(specs.keys() - values.keys()), sorted(values.keys() - specs.keys())
        raise SpecMismatch(f"keys differ: missing {missing}, not expected {extra}")
    for name, spec in specs.items():
        spec.validate(name, values[name])


def difference(ours: Specs, theirs: Specs) -> list[str]:
    """Lines that say how two spec dicts differ in shape, dtype or range; empty when they agree."""
    lines = []
    for name in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(name), theirs.get(name)
        if a is None or b is None or (a.shape, a.dtype, a.low, a.high) != (b.shape, b.dtype, b.low, b.high):
            lines.append(f"{name}: ours {brief(a)}, theirs {brief(b)}")
    return lines


def brief(spec: ArraySpec | None) -> str:
    """``float32[12] in [-1, 1]``, for messages."""
    if spec is None:
        return "absent"
    bounds = "" if spec.low is None and spec.high is None else f" in [{spec.low}, {spec.high}]"
    return f"{spec.dtype}{list(spec.shape)}{bounds}"

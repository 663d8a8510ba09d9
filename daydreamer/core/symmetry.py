"""Symmetry: the same experience seen in a mirror, as a permutation and a sign for each array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.transition import Batch

Mirror = tuple[tuple[int, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Symmetry:
    """A reflection of named arrays over their last axis: ``mirrored[..., i] = sign[i] * x[..., perm[i]]``.

    A body that looks the same in a mirror obeys the same physics there, so a mirrored sequence is as true as
    the recorded one, and costs no robot time.

    Attributes:
        keys: For each array name, ``(perm, sign)``, both as long as the array's last axis. Doing it twice
            must give the array back, as a mirror does.
    """

    keys: Mapping[str, Mirror]

    def __post_init__(self) -> None:
        for name, (perm, sign) in self.keys.items():
            size = len(perm)
            if sorted(perm) != list(range(size)) or len(sign) != size:
                raise ValueError(
                    f"'{name}': expected a permutation of 0..{size - 1} and {size} signs, "
                    f"got {perm} and {sign}"
                )
            if any(perm[perm[i]] != i or sign[i] * sign[perm[i]] != 1.0 for i in range(size)):
                raise ValueError(f"'{name}': mirrored twice it must be itself; got {perm} and {sign}")

    def mirror(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """Mirror every array of ``batch`` that has a key here; the others pass as they are, not copied.

        Args:
            batch: Arrays ``[..., D]`` by name; D as long as the key's permutation.

        Returns:
            A new dict with the same keys, shapes and dtypes.

        Raises:
            ValueError: An array's last axis does not fit its permutation.
        """
        return {name: self._reflect(name, x) if name in self.keys else x for name, x in batch.items()}

    def mirror_some(self, batch: Batch, chosen: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """Mirror the sequences of ``batch`` that are ``chosen``, whole.

        Args:
            batch: Arrays ``[B, ...]`` by name.
            chosen: ``[B]`` bool.
        """
        mirrored: dict[str, NDArray[Any]] = dict(batch)
        for name in self.keys.keys() & batch.keys():
            x = batch[name].copy()
            x[chosen] = self._reflect(name, x[chosen])
            mirrored[name] = x
        return mirrored

    def _reflect(self, name: str, x: NDArray[Any]) -> NDArray[Any]:
        perm, sign = self.keys[name]
        if x.shape[-1:] != (len(perm),):
            raise ValueError(f"'{name}': expected [..., {len(perm)}] to mirror, got {list(x.shape)}")
        # Signs in the array's own dtype: a float32 batch stays float32.
        reflected: NDArray[Any] = x[..., list(perm)] * np.asarray(sign, x.dtype)
        return reflected

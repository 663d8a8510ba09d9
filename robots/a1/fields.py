"""Numbers into the fields of a packet and back: scaled, clamped so that nothing wraps, refused when not finite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from robots.robot import Array, RobotError

Reason = Literal["length", "checksum", "not finite", "value"]


class PacketError(RobotError):
    """Bytes that are no packet, or values that no packet can carry. ``reason`` is for counters."""

    def __init__(self, reason: Reason, text: str):
        super().__init__(text)
        self.reason: Reason = reason


def refuse(name: str, expected: str, came: str) -> NoReturn:
    """Raise the PacketError of a value that cannot be sent."""
    raise PacketError("value", f"{name}: expected {expected}, got {came}. Nothing was encoded.")


def limits(kind: DTypeLike) -> tuple[float, float]:
    """Lowest and highest number that a field of dtype ``kind`` can hold."""
    dtype = np.dtype(kind)
    bounds = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return float(bounds.min), float(bounds.max)


def as_numbers(
    name: str, join: Callable[..., NDArray[Any]], parts: Sequence[Any], shape: tuple[int, ...]
) -> Array:
    """``join(parts)`` in float64. Raises PacketError unless it has ``shape``."""
    try:
        numbers: Array = join(parts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        refuse(name, f"numbers of shape {shape}", str(error))
    if numbers.shape != shape:
        refuse(name, f"numbers of shape {shape}", f"shape {numbers.shape}")
    return numbers


def clamped(name: str, values: Array, low: Array, high: Array) -> Array:
    """``values`` between ``low`` and ``high``, which broadcast. Raises PacketError when one is not finite.

    The largest float32 is exact in float64, so a number stays finite on the wire.
    """
    if np.count_nonzero(np.isfinite(values)) != values.size:  # a third of the time that .all() takes
        refuse(name, "finite numbers", f"{values[~np.isfinite(values)][0]}")
    inside: Array = np.minimum(np.maximum(values, low), high)
    return inside


class MotorFields:
    """The part of a packet that repeats for every motor, as a dict of float64 arrays ``[slots]`` in SI units."""

    def __init__(self, motor: np.dtype[np.void], slots: int, offset: int, scale: dict[str, float]):
        """Describe the part.

        Args:
            motor: one motor's fields; one called "reserve" is left alone.
            slots: how many follow each other.
            offset: where the first lies in the packet, bytes.
            scale: wire units in one SI unit, of fields where that is not one.
        """
        names = tuple(name for name in motor.names or () if name != "reserve")
        self.names, self._label, self._shape = names, ", ".join(names), (slots, len(names))
        self._offset = offset
        # The same fields twice, on the wire and in float64, so that numpy converts all of them in one go.
        places = {name: (motor[name], motor.fields[name][1]) for name in names} if motor.fields else {}
        formats, offsets = zip(*places.values(), strict=True)
        self._wire = np.dtype(
            {"names": names, "formats": formats, "offsets": offsets, "itemsize": motor.itemsize}
        )
        self._plain = np.dtype([(name, np.float64) for name in names])
        self._scale = np.array([scale.get(name, 1.0) for name in names])
        self._low, self._high = np.array([limits(motor[name]) for name in names]).T / self._scale

    def write(self, packet: bytearray, values: object) -> None:
        """Put the attributes of ``values`` named as the fields into ``packet``, cut off towards zero."""
        columns = [getattr(values, name) for name in self.names]
        numbers = as_numbers(self._label, np.array, columns, self._shape[::-1])
        fitting = clamped(self._label, numbers.T, self._low, self._high)
        in_wire_units = np.multiply(fitting, self._scale, order="C")
        self._view(packet)[:] = in_wire_units.view(self._plain)[:, 0]

    def read(self, packet: bytes) -> dict[str, Array]:
        """The fields of ``packet``; the arrays are copies."""
        motors = np.empty(self._shape[0], self._plain)
        # A signalling NaN must not cost a warning on the control path: finiteness is judged by the decoder.
        with np.errstate(invalid="ignore"):
            motors[:] = self._view(packet)
        numbers = motors.view(np.float64).reshape(self._shape)
        numbers /= self._scale
        return {name: motors[name] for name in self.names}

    def _view(self, packet: bytes | bytearray) -> NDArray[np.void]:
        return np.frombuffer(packet, self._wire, self._shape[0], self._offset)

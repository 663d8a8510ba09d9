"""Trees of plain data and arrays as bytes: a small msgpack header, then the arrays' own memory. Never pickle.

``pack`` gives frames (header, buffer, buffer, ...) and copies no array; ``dumps`` joins them into one blob,
little-endian::

    magic (4 bytes) | count of frames u32 | length of each frame u64 | frames

Reading trusts nothing: dtypes come from a list, sizes must fit exactly before an array is made, nesting is
bounded, and an array that is read is a read-only view of what came.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from daydreamer.core.errors import Corrupt

Buffer = bytes | bytearray | memoryview

DTYPES = frozenset(
    [
        *("bool", "float16", "float32", "float64"),
        *("int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64"),
    ]
)
MAX_DEPTH = 32
MAX_AXES = 16

_MAGIC = b"ddp\n"
_START = struct.Struct("<4sI")  # magic, count of frames
_ARRAY = 1  # msgpack extension type: an array stands here


def pack(tree: Any) -> list[Buffer]:
    """``tree`` as frames: a header, then one buffer for each array in it.

    Dicts have string keys; leaves are None, bool, int, float, str, bytes and arrays of the dtypes in
    ``DTYPES``. Tuples come back as lists, numpy scalars as Python's. The frames share memory with the arrays.

    Raises:
        TypeError: something else is in the tree; the text says what.
    """
    buffers: list[Buffer] = []

    def place(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray):
            raise TypeError(f"plain data and arrays can be packed, got {type(value)}: {value!r:.80}")
        if value.dtype.name not in DTYPES:
            raise TypeError(f"arrays of {sorted(DTYPES)} can be packed, got {value.dtype}")
        little = np.asarray(value, value.dtype.newbyteorder("<"), order="C")
        buffers.append(little.reshape(-1).view(np.uint8).data)
        return msgpack.ExtType(_ARRAY, msgpack.packb([value.dtype.name, list(value.shape)]))

    if fault := _fault(tree):
        raise TypeError(f"not packable: {fault}")
    try:
        header = msgpack.packb(tree, default=place)
    except ValueError as error:
        raise TypeError(f"not packable: {error}") from error
    return [header, *buffers]


def unpack(frames: Sequence[Buffer]) -> Any:
    """The tree that ``pack`` was given; arrays are read-only and share memory with the frames.

    Raises:
        Corrupt: the frames are not what ``pack`` makes.
    """
    if not frames:
        raise Corrupt("expected a header frame, got no frames")
    buffers = iter(frames[1:])

    def place(code: int, data: bytes) -> NDArray[Any]:
        if code != _ARRAY:
            raise Corrupt(f"unknown extension type {code}, only arrays ({_ARRAY}) are known")
        dtype, shape = _array_header(data)
        buffer = next(buffers, None)
        if buffer is None:
            raise Corrupt(f"the buffer of an array {dtype}{shape} is missing: {len(frames) - 1} came")
        return _array(dtype, shape, buffer)

    try:
        tree = msgpack.unpackb(frames[0], ext_hook=place, strict_map_key=True)
    except Corrupt:
        raise
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise Corrupt(f"the header is not msgpack: {error or type(error).__name__}") from error
    if next(buffers, None) is not None:
        raise Corrupt(f"{len(frames) - 1} buffers came, more than the header has arrays")
    if fault := _fault(tree):
        raise Corrupt(fault)
    return tree


def dumps(tree: Any) -> bytes:
    """``tree`` as one blob. Raises TypeError as ``pack`` does."""
    frames = pack(tree)
    lengths = struct.pack(f"<{len(frames)}Q", *(len(frame) for frame in frames))
    return b"".join([_START.pack(_MAGIC, len(frames)), lengths, *frames])


def loads(blob: Buffer, most_header: int | None = None, most_arrays: int | None = None) -> Any:
    """The tree in ``blob``; its arrays are read-only views of the blob.

    Args:
        blob: What ``dumps`` made, or anything else.
        most_header: Bytes that the header may have: its objects take up to 80 times as many while it is read.
        most_arrays: How many arrays there may be.

    Raises:
        Corrupt: the blob is not what ``dumps`` makes, is cut short, or is beyond a limit.
    """
    view = memoryview(blob)
    if len(view) < _START.size:
        raise Corrupt(f"expected at least {_START.size} bytes, got {len(view)}")
    magic, count = _START.unpack_from(view)
    if magic != _MAGIC:
        raise Corrupt(f"expected data beginning with {_MAGIC!r}, got {magic!r}")
    position = _START.size + 8 * count
    if position > len(view):
        raise Corrupt(f"{count} frames announced, more than {len(view)} bytes can hold")
    if most_arrays is not None and count > most_arrays + 1:
        raise Corrupt(f"expected at most {most_arrays} arrays, got {count - 1}")
    lengths = struct.unpack_from(f"<{count}Q", view, _START.size)
    if most_header is not None and count and lengths[0] > most_header:
        raise Corrupt(f"expected a header of at most {most_header} bytes, got {lengths[0]}")
    if position + sum(lengths) != len(view):
        raise Corrupt(f"expected {position + sum(lengths)} bytes, got {len(view)}")
    frames = []
    for length in lengths:
        frames.append(view[position : position + length])
        position += length
    return unpack(frames)


def _array_header(data: bytes) -> tuple[str, list[int]]:
    header = msgpack.unpackb(data)
    if not isinstance(header, list) or len(header) != 2:
        raise Corrupt(f"expected [dtype, shape] for an array, got {header!r:.80}")
    dtype, shape = header
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise Corrupt(f"arrays of {sorted(DTYPES)} are read, got {dtype!r:.80}")
    if not isinstance(shape, list) or len(shape) > MAX_AXES:
        raise Corrupt(f"expected a shape of at most {MAX_AXES} axes, got {shape!r:.80}")
    if not all(type(n) is int and 0 <= n < 2**48 for n in shape):
        raise Corrupt(f"expected a shape of natural numbers, got {shape!r:.80}")
    return dtype, shape


def _array(name: str, shape: list[int], buffer: Buffer) -> NDArray[Any]:
    dtype = np.dtype(name).newbyteorder("<")
    size = math.prod(shape) * dtype.itemsize
    if len(buffer) != size:
        raise Corrupt(f"an array {name}{shape} has {size} bytes, {len(buffer)} came")
    try:
        array: NDArray[Any] = np.ndarray(tuple(shape), dtype, buffer=buffer)
    except ValueError as error:
        raise Corrupt(f"not an array: {name}{shape} ({error})") from error
    if name == "bool" and array.size and array.view(np.uint8).max() > 1:
        raise Corrupt("a bool array holds bytes other than 0 and 1")
    array.flags.writeable = False
    return array


def _fault(tree: Any, depth: int = 0) -> str | None:
    """What is wrong with a tree: nested too deep, a key that is no string, a type that is not plain data."""
    if depth > MAX_DEPTH:
        return f"nested deeper than {MAX_DEPTH}"
    if isinstance(tree, msgpack.Timestamp):
        return "a msgpack timestamp is not plain data"
    if isinstance(tree, dict):
        for key in tree:
            if not isinstance(key, str):
                return f"expected string keys, got {key!r:.80}"
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        return next((fault for value in tree if (fault := _fault(value, depth + 1))), None)
    return None

"""What an ONNX model says of itself before anything runs it: format, opset, and that it is self-contained.

Read with a few lines of protobuf, since the robot's computer has onnxruntime, and not the package ``onnx``.
Source: onnx.proto (ModelProto, FunctionProto, GraphProto, NodeProto, AttributeProto, TensorProto) and the encoding of
Protocol Buffers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from daydreamer.core.errors import Corrupt

IR_VERSIONS = range(4, 14)
OPSETS = range(13, 25)
DOMAINS = frozenset(["", "ai.onnx"])  # of operators: those of ONNX itself, none of anyone else's

MOST_NESTED = 16  # graphs in graphs, as a loop's body

_IR_VERSION, _GRAPH, _OPSET_IMPORT, _FUNCTIONS = 1, 7, 8, 25  # fields of ModelProto
_DOMAIN, _VERSION = 1, 2  # of OperatorSetIdProto
_FUNCTION_NODE, _FUNCTION_OPSET_IMPORT, _FUNCTION_ATTRIBUTE = 7, 9, 11  # of FunctionProto
_NODE, _INITIALIZER, _SPARSE_INITIALIZER = 1, 5, 15  # of GraphProto
_ATTRIBUTE = 5  # of NodeProto
_TENSORS, _GRAPHS, _SPARSE_TENSORS = {5, 10}, {6, 11}, {22, 23}  # of AttributeProto: one, and several
_DATA_LOCATION, _EXTERNAL = 14, 1  # of TensorProto; a SparseTensorProto is made of two

Value = int | memoryview


def check_model(data: bytes) -> None:
    """Raise Corrupt unless ``data`` is an ONNX model of a version that is run here, its weights inside."""
    try:
        model = list(_fields(memoryview(data)))
        versions = [value for number, value in model if number == _IR_VERSION]
        graphs = [value for number, value in model if number == _GRAPH]
        functions = [value for number, value in model if number == _FUNCTIONS]
        opsets = [_opset(value) for number, value in model if number == _OPSET_IMPORT]
        opsets += [_opset(value) for one in functions for value in _parts(one, _FUNCTION_OPSET_IMPORT)]
        tensors = itertools.chain(*map(_of_graph, graphs), *map(_of_function, functions))
        external = any((_DATA_LOCATION, _EXTERNAL) in _fields(_message(tensor)) for tensor in tensors)
    except (ValueError, IndexError) as error:
        raise Corrupt(f"expected an ONNX model, got {len(data)} bytes that are none: {error}") from error
    if not opsets or len(graphs) != 1:
        raise Corrupt(f"expected an ONNX model, got {len(data)} bytes that are none")
    if not versions or versions[-1] not in IR_VERSIONS:
        raise Corrupt(f"the policy is of ONNX format {versions}; this software runs {_span(IR_VERSIONS)}")
    for domain, version in opsets:
        if domain not in DOMAINS:
            raise Corrupt(f"the policy uses operators of '{domain:.80}'; only ONNX's own are run here")
        if version not in OPSETS:
            raise Corrupt(f"the policy is of ONNX opset {version}; this software runs {_span(OPSETS)}")
    if external:
        raise Corrupt("the policy keeps weights in other files; they belong inside")


def _span(versions: range) -> str:
    return f"{versions[0]} to {versions[-1]}"


def _opset(value: Value) -> tuple[str, int]:
    domain, version = "", 0
    for number, field in _fields(_message(value)):
        if number == _DOMAIN:
            domain = bytes(_message(field)).decode("utf-8", "replace")
        elif number == _VERSION and isinstance(field, int):
            version = field
    return domain, version


def _of_graph(graph: Value, depth: int = 0) -> Iterator[Value]:
    """Every tensor in ``graph``: its weights, and those that its operators carry with them."""
    if depth > MOST_NESTED:
        raise ValueError(f"graphs are nested deeper than {MOST_NESTED}")
    for number, value in _fields(_message(graph)):
        if number == _INITIALIZER:
            yield value
        elif number == _SPARSE_INITIALIZER:
            yield from _of_sparse(value)
        elif number == _NODE:
            for attribute in _parts(value, _ATTRIBUTE):
                yield from _of_attribute(attribute, depth)


def _of_function(function: Value) -> Iterator[Value]:
    for number, value in _fields(_message(function)):
        if number == _FUNCTION_NODE:
            for attribute in _parts(value, _ATTRIBUTE):
                yield from _of_attribute(attribute, 0)
        elif number == _FUNCTION_ATTRIBUTE:
            yield from _of_attribute(value, 0)


def _of_attribute(attribute: Value, depth: int) -> Iterator[Value]:
    for number, value in _fields(_message(attribute)):
        if number in _TENSORS:
            yield value
        elif number in _SPARSE_TENSORS:
            yield from _of_sparse(value)
        elif number in _GRAPHS:
            yield from _of_graph(value, depth + 1)


def _of_sparse(sparse: Value) -> Iterator[Value]:
    return (part for _, part in _fields(_message(sparse)) if not isinstance(part, int))


def _parts(value: Value, wanted: int) -> Iterator[Value]:
    return (field for number, field in _fields(_message(value)) if number == wanted)


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a message was due")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field: an int, or the bytes of what has a length. Raises ValueError, IndexError."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + size > len(data):
            raise ValueError("cut short")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number without end")

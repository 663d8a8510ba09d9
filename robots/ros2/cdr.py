"""Messages as bytes, the way ROS 2 puts them on the wire and into recordings: little-endian XCDR1.

Every value stands at a multiple of its own size, counted from the end of the four bytes of header.
Source: OMG DDS-RTPS 2.3, section 10 (encapsulation CDR_LE); OMG CORBA 3.3 part 2, section 9.3.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from robots.robot import RobotError
from robots.ros2.definitions import ANY, ONE, PRIMITIVES, Field, Message, fields

_HEADER = b"\x00\x01\x00\x00"
_FORMATS = {
    **{"bool": "?", "byte": "B", "uint8": "B", "int32": "i", "uint32": "I"},
    **{"float32": "f", "float64": "d"},
}


class MessageError(RobotError):
    """A message that does not fit its definition: a mistake of ours."""


def encode(kind: str, message: Message) -> bytes:
    """The bytes of ``message``, of the type ``kind``.

    Raises:
        MessageError: a field is missing, too much, or of another kind; the text names it.
    """
    body = bytearray()
    _message(body, kind, message)
    return _HEADER + bytes(body)


def _message(body: bytearray, kind: str, message: Message) -> None:
    wanted = fields(kind)
    if {field.name for field in wanted} != set(message):
        raise MessageError(f"{kind}: expected the fields {[f.name for f in wanted]}, got {list(message)}")
    for field in wanted:
        try:
            _field(body, field, message[field.name])
        except (struct.error, TypeError, AttributeError) as error:
            raise MessageError(
                f"{kind}: {field.name} is {message[field.name]!r:.80}, not {field.type}: {error}"
            ) from error


def _field(body: bytearray, field: Field, value: Any) -> None:
    if field.size == ONE:
        _values(body, field.type, [value])
        return
    if field.size == ANY:
        _number(body, "I", 4, [len(value)])
    elif len(value) != field.size:
        raise MessageError(f"{field.name}: expected {field.size} values, got {len(value)}")
    _values(body, field.type, value)


def _values(body: bytearray, kind: str, values: Sequence[Any]) -> None:
    if kind == "string":
        for value in values:
            text = value.encode() + b"\0"
            _number(body, "I", 4, [len(text)])
            body += text
    elif kind in PRIMITIVES:
        _number(body, _FORMATS[kind], struct.calcsize(_FORMATS[kind]), values)
    else:
        for value in values:
            _message(body, kind, value)


def _number(body: bytearray, form: str, size: int, values: Sequence[Any]) -> None:
    if len(values):
        body += bytes(-len(body) % size)
        body += struct.pack(f"<{len(values)}{form}", *values)

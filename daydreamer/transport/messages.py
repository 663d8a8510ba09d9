"""What the two ends say to each other, and the check that every message passes before anyone believes it.

A message is one frame: a packed list ``[SCHEMA, kind, fields]``, in which bytes stand as an array of uint8, so that
a long message is not parsed byte by byte. Every field has one meaning and one check, whatever message it stands
in (``_FIELDS``). A schema that differs is answered by ``Refuse``, the one message
that every schema reads::

    actor                                        learner
      Hello  life, stream, its oldest row kept,
             row spec, policy it has         ->
                                             <-  Welcome  next row wanted, credit     (or Refuse)
      RowBatch  rows in order                ->
                                             <-  Ack      next row wanted, credit     (those before it are durable)
                                             <-  PolicyChunk ...                      (a new policy, in order)
      Ping   policy it has, knows of stop,
             its time                        ->                                       (every 0.5 s, or when it changes)
                                             <-  Ping     credit, times               (every 0.5 s, or when it changes)
      Report numbers for people              ->
                                             <-  Stop     reason                      (until a ping says it is known)
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from daydreamer.core.errors import Corrupt
from daydreamer.core.pack import dumps, loads
from daydreamer.transport.link import MAX_POLICY_BYTES

SCHEMA = 4  # raise it with every change of a message, of the row codec or of pack

MAX_BATCH_ROWS = 64
CHUNK_BYTES = 64 * 1024  # of a policy: on the slowest line one still comes well within the 3 s of silence
MAX_SMALL_BYTES = 256 * 1024  # of any message, rows or a chunk of a policy left aside


class OtherSchema(Corrupt):
    """The message is of another version of this protocol."""


@dataclass(frozen=True)
class Hello:
    """Binds a connection to an actor and a stream; said again to go on with another stream, or after a gap."""

    actor: str
    stream: str
    row_spec: dict[str, Any]
    software: str
    policy: str
    life: str = ""  # names the actor's process
    oldest: int = 0  # the first row of the stream that can still be sent
    terms: dict[str, str] = field(default_factory=dict)  # what else both ends have to agree on, by name


@dataclass(frozen=True)
class Welcome:
    """The stream goes on at ``next_seq``."""

    stream: str
    next_seq: int
    credit: int


@dataclass(frozen=True)
class Refuse:
    """The learner wants nothing from this connection; ``reason`` is for people."""

    reason: str


@dataclass(frozen=True)
class RowBatch:
    """Rows of the bound stream, in the row codec's form, one after the other."""

    first_seq: int
    records: bytes | memoryview


@dataclass(frozen=True)
class Ack:
    """Rows before ``next_seq`` are durable; ``credit`` more are wanted after them."""

    stream: str
    next_seq: int
    credit: int


@dataclass(frozen=True)
class PolicyChunk:
    """``data`` stands at ``offset`` in a policy of ``size`` bytes."""

    version: int
    policy: str
    size: int
    offset: int
    data: bytes | memoryview


@dataclass(frozen=True)
class Report:
    """Numbers for people, by metric name."""

    metrics: dict[str, float]


@dataclass(frozen=True)
class ActorPing:
    """The actor lives, has ``policy``, and knows whether it is to stop."""

    policy: str
    stopped: bool
    asked: float = field(default=0.0, compare=False)  # s since 1970 on the actor's clock, when it says so


@dataclass(frozen=True)
class LearnerPing:
    """The learner lives and wants ``credit`` more rows after those it acknowledged. Times are s since 1970."""

    credit: int
    asked: float = field(
        default=0.0, compare=False
    )  # of the newest ping of the actor, on its clock; 0: none yet
    heard: float = field(default=0.0, compare=False)  # when that came, and
    answered: float = field(default=0.0, compare=False)  # when this is said, both on the learner's clock


@dataclass(frozen=True)
class Stop:
    """The actor is to stop; ``reason`` is for people."""

    reason: str


Message = Hello | Welcome | Refuse | RowBatch | Ack | PolicyChunk | Report | ActorPing | LearnerPing | Stop

_KINDS: dict[str, type[Any]] = {
    "hello": Hello,
    "welcome": Welcome,
    "refuse": Refuse,
    "rows": RowBatch,
    "ack": Ack,
    "policy": PolicyChunk,
    "report": Report,
    "ping/actor": ActorPing,
    "ping/learner": LearnerPing,
    "stop": Stop,
}
_NAMES = {cls: kind for kind, cls in _KINDS.items()}
_FIELDS_OF = {cls: [one.name for one in fields(cls)] for cls in _NAMES}
_BULK = {"records", "data"}  # fields that are bytes

ACTOR_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
STREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}-\d{13}-[0-9a-f]{8}")
DIGEST = re.compile(r"([0-9a-f]{64})?")  # empty: none yet
LIFE = re.compile(r"[0-9a-f]{0,32}")


def encode(message: Message) -> bytes:
    """``message`` as bytes."""
    body = {name: getattr(message, name) for name in _FIELDS_OF[type(message)]}
    for name in _BULK & body.keys():
        body[name] = np.frombuffer(body[name], np.uint8)
    return dumps([SCHEMA, _NAMES[type(message)], body])


def decode(data: bytes | memoryview) -> Message:
    """The message in ``data``.

    Raises:
        OtherSchema: it is of another version of the protocol.
        Corrupt: it is no message; the text says what is wrong.
    """
    tree = loads(data, most_header=MAX_SMALL_BYTES, most_arrays=1)
    if not (isinstance(tree, list) and len(tree) == 3 and isinstance(tree[1], str)):
        raise Corrupt("expected [schema, kind, fields]")
    schema, kind, body = tree
    if (type(schema) is not int or schema != SCHEMA) and kind != "refuse":
        raise OtherSchema(
            f"this side speaks protocol {SCHEMA}, the other {schema!r:.20}: "
            "install the same version of daydreamer on both computers"
        )
    cls = _KINDS.get(kind)
    if cls is None:
        raise Corrupt(f"unknown kind of message {kind!r:.40}")
    names = _FIELDS_OF[cls]
    if not isinstance(body, dict) or body.keys() != set(names):
        raise Corrupt(f"'{kind}': expected the fields {sorted(names)}, got {_keys(body)}")
    for name, value in body.items():
        what, fits = _FIELDS[name]
        if not fits(value):
            raise Corrupt(f"'{kind}': expected {what} for '{name}', got {value!r:.80}")
        if name in _BULK:
            body[name] = value.data
    message: Message = cls(**body)
    return message


def _keys(body: Any) -> str:
    return f"{sorted(body)!r:.200}" if isinstance(body, dict) else str(type(body))


def _is_natural(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**62


def _is_integer(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**62


def _is_time(value: Any) -> bool:
    return type(value) is float and math.isfinite(value) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 64 * 1024


def _is_bytes(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 1 and value.size > 0


def _is_metrics(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= 512
        and all(len(name) <= 128 and type(x) is float and math.isfinite(x) for name, x in value.items())
    )


def _is_terms(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= 256
        and all(
            len(name) <= 128 and isinstance(text, str) and len(text) <= 1024 for name, text in value.items()
        )
    )


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "actor": ("a name of letters, digits, '_', '.', '-'", _matches(ACTOR_NAME)),
    "stream": ("a stream's name, ACTOR-MILLISECONDS-HEX", _matches(STREAM_NAME)),
    "terms": ("at most 256 short texts by name", _is_terms),
    "row_spec": ("specs by name", lambda value: isinstance(value, dict) and len(value) <= 1024),
    "software": ("a short text", lambda value: isinstance(value, str) and len(value) <= 64),
    "policy": ("64 hex digits or nothing", _matches(DIGEST)),
    "life": ("up to 32 hex digits", _matches(LIFE)),
    "oldest": ("a natural number", _is_natural),
    "next_seq": ("a natural number", _is_natural),
    "first_seq": ("a natural number", _is_natural),
    "credit": ("an integer", _is_integer),
    "reason": ("a text", _is_text),
    "records": ("bytes", _is_bytes),
    "version": ("an integer", _is_integer),
    "size": (f"1 to {MAX_POLICY_BYTES}", lambda value: _is_natural(value) and 0 < value <= MAX_POLICY_BYTES),
    "offset": ("a natural number", _is_natural),
    "data": ("bytes", _is_bytes),
    "metrics": ("at most 512 finite floats by name", _is_metrics),
    "asked": ("a time", _is_time),
    "heard": ("a time", _is_time),
    "answered": ("a time", _is_time),
    "stopped": ("a bool", lambda value: isinstance(value, bool)),
}

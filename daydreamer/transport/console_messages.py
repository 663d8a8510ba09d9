"""What goes over the actor's console: a viewer's ``watch`` and ``hand``, the console's telemetry and answers.

Each message is one frame, a dict packed by ``core.pack``. Nothing in it is believed before it was checked.

A path that stalls delivers later what was sent into it. So the console says with everything what its clock shows, and
a hand says until when, by that clock, it may be done (``until``); a stop has no such end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daydreamer.core import pack
from daydreamer.core.errors import Corrupt, DaydreamerError

VERSION = 2
MAX_BYTES = 64 << 10  # of one message, either way
MAX_HZ = 20.0  # telemetry per viewer
WATCH_EVERY = 1.0  # s between two ``watch`` of a viewer
FORGET_AFTER = 3.5  # s without one until a viewer gets no more
GOOD_FOR = 3.0  # s after which no wish is done any more, except a stop

WISHES = ("pause", "resume", "lie_down", "damp", "reset", "mark_good", "mark_bad", "mark_reset")
MAX_WORDS = 80  # characters of an operator's name or a viewer's


class HandRefused(DaydreamerError):
    """The console did not take a wish: wrong token, unknown wish, or the robot cannot be stopped this way."""


@dataclass(frozen=True)
class Hand:
    """A person's wish.

    Attributes:
        wish: One of WISHES. ``damp`` is stop: it acts at once.
        operator: Who wishes it; a ``reset`` needs it.
        viewer: The program it came from, for the log: "terminal", "page", ...
    """

    wish: str
    operator: str = ""
    viewer: str = ""

    def __post_init__(self) -> None:
        if self.wish not in WISHES:
            raise HandRefused(f"a wish is one of {', '.join(WISHES)}; got {self.wish!r:.40}")
        for words in (self.operator, self.viewer):
            if len(words) > MAX_WORDS or not words.isprintable():
                raise HandRefused(f"a name is at most {MAX_WORDS} printable characters, got {words!r:.100}")
        if self.wish == "reset" and not self.operator.strip():
            raise HandRefused("a reset needs the name of the person who looked at the robot, got none")


def encode(kind: str, **fields: Any) -> bytes:
    """A message of ``kind``."""
    return pack.dumps({"console": VERSION, "kind": kind, **fields})


def decode(data: pack.Buffer) -> tuple[str, dict[str, Any]]:
    """Kind and fields of a message. Raises Corrupt when it is none of this version."""
    tree = pack.loads(data)
    if not isinstance(tree, dict):
        raise Corrupt("expected a console message, got something else")
    version, kind = tree.pop("console", None), tree.pop("kind", None)
    if type(version) is not int or version != VERSION or not isinstance(kind, str):
        raise Corrupt(f"expected a console message of version {VERSION}, got version {version!r:.20}")
    return kind, tree


def field(fields: dict[str, Any], name: str, kind: type) -> Any:
    """A field that must be there. Raises Corrupt when it is not, or is no ``kind``."""
    value = fields.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Corrupt(f"console message: expected {name} as {kind.__name__}, got {value!r:.40}")
    return value

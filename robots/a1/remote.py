"""The A1's own remote control: which buttons are held, in the 40 bytes that every LowState repeats from it.

Bytes 2 and 3 are a bit for each button; sticks follow; what else is in there is not looked at. The layout is that of
the vendor's `unitree_joystick.h`, in every client library since v3.2; no robot has confirmed it to us yet.

L2 and B together stop. On the vendor's robots the same chord means "damp all motors", so that a person who reaches for
it in fear finds it; a single button is pressed by mistake too easily.
"""

from __future__ import annotations

import struct
from enum import IntFlag

SIZE = 40  # bytes
_BUTTONS = struct.Struct("<H")
_AT = 2


class Button(IntFlag):
    """Buttons that are held."""

    R1 = 1 << 0
    L1 = 1 << 1
    START = 1 << 2
    SELECT = 1 << 3
    R2 = 1 << 4
    L2 = 1 << 5
    F1 = 1 << 6
    F2 = 1 << 7
    A = 1 << 8
    B = 1 << 9
    X = 1 << 10
    Y = 1 << 11
    UP = 1 << 12
    RIGHT = 1 << 13
    DOWN = 1 << 14
    LEFT = 1 << 15


STOP = Button.L2 | Button.B


def held(remote: bytes) -> Button:
    """The buttons that are held, in ``remote`` [40]."""
    return Button(_BUTTONS.unpack_from(remote, _AT)[0])


def stops(remote: bytes) -> bool:
    """True while the stopping chord is held, whatever else is."""
    return held(remote) & STOP == STOP


def holding(buttons: Button) -> bytes:
    """The 40 bytes of a remote control on which ``buttons`` are held, as the emulated robot sends them."""
    remote = bytearray(SIZE)
    remote[:_AT] = b"\x55\x51"  # what a real one's begin with
    _BUTTONS.pack_into(remote, _AT, buttons)
    return bytes(remote)

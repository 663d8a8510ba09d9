"""The A1's checksum of a packet, computed by zlib so that it costs three microseconds and not three hundred.

The robot's CRC-32 has zlib's polynomial, 0x04C11DB7, and the same start, 0xFFFFFFFF. It differs in three ways: it takes
each little-endian 32-bit word from its most significant bit down, it is not reflected, and nothing is xored into the
end. Turning the bytes of every word round gives the order of bytes; turning the bits of every byte round gives
zlib's order of bits; the last xor and the reflection of the result are undone.
"""

from __future__ import annotations

import zlib
from array import array

CRC_BYTES = 4  # the last of a packet

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL_ONES = 0xFFFFFFFF


def covered(length: int) -> int:
    """Bytes, from the first, that the checksum of a packet of ``length`` bytes covers: all whole words but one.

    Where the length is no multiple of four, the last bytes before the checksum are covered by nothing: two of a
    LowCmd's 610 bytes and three of a LowState's 771, all of them in the reserve word.
    """
    return 4 * ((length >> 2) - 1)


def crc(packet: bytes | bytearray) -> int:
    """The checksum that ``packet`` ought to carry in its last four bytes, which are not looked at."""
    words = array("I", packet[: covered(len(packet))].translate(_MIRRORED))
    words.byteswap()
    register = zlib.crc32(words) ^ _ALL_ONES
    return int.from_bytes(register.to_bytes(4, "big").translate(_MIRRORED), "little")


def seal(packet: bytearray) -> bytes:
    """``packet`` with its checksum written into the last four bytes."""
    packet[-CRC_BYTES:] = crc(packet).to_bytes(CRC_BYTES, "little")
    return bytes(packet)


def is_intact(packet: bytes | bytearray) -> bool:
    """Whether the last four bytes are the checksum of the rest."""
    return crc(packet) == int.from_bytes(packet[-CRC_BYTES:], "little")

"""HOST:PORT, as people write it and as ZeroMQ wants it; and this computer's own addresses."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import socket
import struct
from dataclasses import dataclass

from daydreamer.transport.link import LinkError

_SIOCGIFADDR = 0x8915


@dataclass(frozen=True)
class Address:
    """A TCP address. Port 0 means "any free one" where one listens."""

    host: str  # a name or an IP address, IPv6 without brackets
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """``"robot.local:5555"``, ``"10.0.0.2:5555"`` or ``"[::1]:5555"``. Raises LinkError for anything else."""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        bracketed = host == f"[{bare}]"
        good = colon and bare and port.isascii() and port.isdigit() and int(port) < 65536
        if not good or bracketed != (":" in bare) or not bare.isprintable() or set(bare) & set(" /[];"):
            raise LinkError(f"expected HOST:PORT such as 192.168.1.5:5555 or [::1]:5555, got '{text}'")
        return cls(bare, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach it."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_ipv6(self) -> bool:
        """Whether the host is an IPv6 address."""
        return ":" in self.host

    @property
    def endpoint(self) -> str:
        """What ZeroMQ connects to, or listens on."""
        host = "127.0.0.1" if self.host == "localhost" else self.host
        port = str(self.port) if self.port else "*"
        return f"tcp://[{host}]:{port}" if self.is_ipv6 else f"tcp://{host}:{port}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


def own_addresses() -> dict[str, str]:
    """This computer's IPv4 addresses by interface, one each; none where that cannot be told."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                reply = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                found[name] = socket.inet_ntoa(reply[20:24])
    return found

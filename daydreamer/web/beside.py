"""The page as a process of its own beside a training job: it can be slow, or die, and nothing else feels it."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
from pathlib import Path

from daydreamer.runtime.supervise import Child, this_program
from daydreamer.transport.address import Address, own_addresses
from daydreamer.web import access

PORT = 8080
_NEXT_PORTS = 20


def installed() -> bool:
    """True when what the page's server is made of can be imported."""
    return all(importlib.util.find_spec(name) for name in ("starlette", "uvicorn", "prometheus_client"))


def page(run_directory: Path, log: Path, port: int = PORT) -> tuple[Child, str]:
    """The process to supervise, and the address to open, its token included.

    The process gets a socket that listens here already, so that the address can be shown at once, nobody takes it
    meanwhile, and it stays the same when the process is started again.
    """
    try:
        sock = listen_near("127.0.0.1", port)
    except OSError:
        # Too many pages, or a port that is not for this user: the run goes on without the one asked for.
        sock = listen("127.0.0.1", 0)
    token = access.kept_token(run_directory) or access.new_token()
    (url,) = links("http", "127.0.0.1", sock.getsockname()[1])
    access.keep(run_directory, token, url)
    command = this_program("monitor", str(run_directory), "--fd", str(sock.fileno()))
    return Child("monitor", command, log, vital=False, socket=sock), f"{url}#token={token}"


def links(scheme: str, host: str, port: int) -> list[str]:
    """Where a page that listens on ``host`` can be opened: on this computer, if it can, first."""
    hosts = [host]
    if access.is_loopback(host):
        hosts = ["localhost"]
    elif host in ("", "0.0.0.0", "::"):
        hosts = ["localhost", *(one for one in own_addresses().values() if not access.is_loopback(one))]
    return [f"{scheme}://{Address(one, port)}/" for one in hosts]


def free_port(host: str, port: int) -> int:
    """``port``, or the next free one; somebody else may take it at any time. Raises OSError when none is free."""
    with listen_near(host, port) as sock:
        found: int = sock.getsockname()[1]
        return found


def listen_near(host: str, port: int) -> socket.socket:
    """A socket that listens on ``port``, or the next free one; 0 is any. Raises OSError when none is free."""
    try:
        return listen(host, port)
    except OSError:
        for candidate in range(port + 1, min(port + _NEXT_PORTS, 65536)) if port else ():
            with contextlib.suppress(OSError):
                return listen(host, candidate)
        raise


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the port is taken."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock

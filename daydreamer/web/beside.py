"""The page as a process of its own beside a training job: it can be slow, or die, and nothing else feels it."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

from daydreamer.runtime.supervise import Child, this_program
from daydreamer.web import access

PORT = 8080
_NEXT_PORTS = 20


def installed() -> bool:
    """True when what the page's server is made of can be imported."""
    return all(importlib.util.find_spec(name) for name in ("starlette", "uvicorn", "prometheus_client"))


def page(run_directory: Path, log: Path, port: int = PORT) -> tuple[Child, str]:
    """The process to supervise, and the address to open, its token included.

    The address is settled here, before the process runs, so that it can be shown at once and stays the same when the
    process is started again.
    """
    port = free_port("127.0.0.1", port)
    token = access.kept_token(run_directory) or access.new_token()
    url = f"http://localhost:{port}/"
    access.keep(run_directory, token, url)
    command = this_program("monitor", str(run_directory), "--port", str(port))
    return Child("monitor", command, log, vital=False), f"{url}#token={token}"


def free_port(host: str, port: int) -> int:
    """``port``, or the next free one; ``port`` itself when none is. 0 is any."""
    for candidate in range(port, port + _NEXT_PORTS) if port else (0,):
        try:
            with listen(host, candidate) as sock:
                found: int = sock.getsockname()[1]
                return found
        except OSError:
            continue
    return port


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

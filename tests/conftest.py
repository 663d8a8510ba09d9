"""For every test: how long one example takes is the computer's affair, and no failure. And a disk that fills up.

And a port to listen on, which is nobody else's.
"""

import contextlib
import resource
import socket

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any computer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any computer")


@pytest.fixture
def room_for():
    """``with room_for(path, n)``: the kernel takes n bytes more for ``path``, and cuts the write that goes beyond."""

    @contextlib.contextmanager
    def room_for(path, more):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return room_for


@pytest.fixture
def own_port():
    """A TCP port on loopback for a process or a link to come: whoever else asks for a free one is not given this.

    It is bound and not listened on, so that connections are refused, and it can be listened on as our programs do.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]

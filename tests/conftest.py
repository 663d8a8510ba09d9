"""For every test: how long one example takes is the computer's affair, and no failure. And a disk that fills up."""

import contextlib
import resource

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

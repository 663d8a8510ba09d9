"""Addresses as people write them."""

import pytest

from daydreamer.transport.address import Address
from daydreamer.transport.link import LinkError


@pytest.mark.parametrize(
    ("text", "host", "port", "endpoint", "loopback"),
    [
        ("127.0.0.1:5555", "127.0.0.1", 5555, "tcp://127.0.0.1:5555", True),
        ("127.8.0.1:5555", "127.8.0.1", 5555, "tcp://127.8.0.1:5555", True),
        ("localhost:0", "localhost", 0, "tcp://127.0.0.1:*", True),
        ("[::1]:5555", "::1", 5555, "tcp://[::1]:5555", True),
        ("0.0.0.0:5555", "0.0.0.0", 5555, "tcp://0.0.0.0:5555", False),
        ("[::]:5555", "::", 5555, "tcp://[::]:5555", False),
        ("*:5555", "*", 5555, "tcp://*:5555", False),
        ("learner.local:65535", "learner.local", 65535, "tcp://learner.local:65535", False),
        ("10.0.0.2:1", "10.0.0.2", 1, "tcp://10.0.0.2:1", False),
    ],
)
def test_a_good_address(text, host, port, endpoint, loopback):
    address = Address.parse(text)
    assert (address.host, address.port) == (host, port)
    assert address.endpoint == endpoint
    assert address.is_loopback == loopback
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "5555", ":5555", "host", "host:", "host:x", "host:65536", "host:-1", "::1:5555", "[host]:5", "a b:5",
             "tcp://host:5", "host;eth0:5", "[::1:5", "host:\u0665"],
)  # fmt: skip
def test_a_bad_address_is_an_error_that_shows_a_good_one(text):
    with pytest.raises(LinkError, match="HOST:PORT such as"):
        Address.parse(text)

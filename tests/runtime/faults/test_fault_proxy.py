"""The proxy that misbehaves on command, between real sockets."""

import contextlib
import socket
import threading
import time

import pytest

from daydreamer.runtime.faults.proxy import FaultProxy
from tests.awaiting import PATIENCE, until


class Echo:
    """Says everything again; keeps what each connection said."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.said = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.said.append(bytearray())
            threading.Thread(target=self.serve, args=(connection, self.said[-1]), daemon=True).start()

    def serve(self, connection, said):
        with connection:
            try:
                while data := connection.recv(4096):
                    said += data
                    connection.sendall(data)
            except OSError:
                pass


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.listener.close()


@pytest.fixture
def proxy(echo):
    made = FaultProxy(echo.port)
    yield made
    made.close()
    made.close()


@pytest.fixture
def client(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as made:
        yield made


def exchange(client, data):
    client.sendall(data)
    came = b""
    while len(came) < len(data):
        part = client.recv(len(data) - len(came))
        assert part, "the connection has ended"
        came += part
    return came


def silent(client, seconds=0.2):
    client.settimeout(seconds)
    try:
        return not client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(PATIENCE)


def settled(proxy):
    """The proxy's own thread has done all that it was told."""
    done = threading.Event()
    proxy._call(done.set)
    assert done.wait(PATIENCE)


def test_without_faults_everything_passes_both_ways(client):
    data = bytes(range(256)) * 1000
    assert exchange(client, data) == data


@pytest.mark.parametrize(("up", "down"), [(True, True), (True, False), (False, True)])
def test_what_is_held_comes_when_it_is_let_go(proxy, client, echo, up, down):
    exchange(client, b"hello")
    proxy.hold(up, down)
    settled(proxy)
    client.sendall(b"held")
    if not up:
        until(lambda: bytes(echo.said[0]) == b"helloheld")
    assert silent(client)
    assert bytes(echo.said[0]) == (b"hello" if up else b"helloheld")
    proxy.heal()
    assert client.recv(4) == b"held"


def test_a_late_line_is_late_and_in_order(proxy, client):
    exchange(client, b"hello")
    proxy.delay(0.3)
    settled(proxy)
    begun = time.monotonic()
    assert exchange(client, b"one two") == b"one two"
    assert time.monotonic() - begun >= 0.6  # there, and back


def test_a_slow_line_is_slow(proxy, client):
    exchange(client, b"hello")
    proxy.throttle(40_000.0)
    settled(proxy)
    begun = time.monotonic()
    exchange(client, bytes(8000))
    assert time.monotonic() - begun >= 0.2  # 8,000 bytes at 40,000 a second, in each direction


def test_a_reset_ends_the_connection_and_the_next_one_is_good(proxy, client):
    exchange(client, b"hello")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as another:
        assert exchange(another, b"again") == b"again"


def test_a_truncated_message_arrives_in_half(proxy, client, echo):
    exchange(client, b"hello")
    proxy.truncate()
    settled(proxy)
    client.sendall(b"x" * 100)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert len(echo.said[0]) <= 5 + 50


def test_a_duplicate_says_all_again_on_a_second_connection_and_goes_on(proxy, client, echo):
    exchange(client, b"hello")
    proxy.duplicate()
    until(lambda: len(echo.said) == 2 and bytes(echo.said[1]) == b"hello")
    exchange(client, b" world")
    until(lambda: bytes(echo.said[1]) == b"hello world")
    assert bytes(echo.said[0]) == b"hello world"


def test_where_nobody_listens_a_connection_ends_at_once(proxy, echo):
    echo.listener.close()
    until(lambda: refused(echo.port))
    with (
        socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as client,
        contextlib.suppress(ConnectionResetError),
    ):
        assert client.recv(1) == b""


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return True
    return False

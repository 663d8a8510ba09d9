"""Ports, a learner's door, and another computer's clock, on loopback."""

import contextlib
import socket
import struct
import threading

import pytest
import zmq

from daydreamer.doctor import network
from daydreamer.doctor.check import Level
from daydreamer.transport.auth import Doorman, load_actor_keys, load_learner_keys, new_keys

PATIENCE = 60.0  # s, for a loaded computer


def test_a_port_that_is_taken_is_noted():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        (check,) = network.ports({number: "a test"})
        assert check.level is Level.NOTE and "a test" in check.do
    (check,) = network.ports({number: "a test"})
    assert check.level is Level.OK


@pytest.fixture
def keys(tmp_path):
    new_keys(tmp_path / "keys", ["actor", "stranger"])
    (tmp_path / "keys" / "allowed" / "stranger.pub").unlink()
    return tmp_path / "keys"


@contextlib.contextmanager
def door(learner_keys=None):
    """The address of a learner that says nothing; with keys it lets in those that are allowed."""
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    doorman = None
    if learner_keys is not None:
        learner_keys.apply(router)
        doorman = Doorman(context, learner_keys)
    router.bind("tcp://127.0.0.1:*")
    address = router.getsockopt_string(zmq.LAST_ENDPOINT).removeprefix("tcp://")
    ended = threading.Event()

    def answer():
        while not ended.wait(0.01):
            if doorman is not None:
                doorman.answer()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield address
    finally:
        ended.set()
        thread.join()
        context.destroy(linger=0)


@pytest.mark.parametrize("address", ["*:5555", "what?:5555"])
def test_an_address_that_cannot_be_connected_to_is_told(address):
    check = network.learner(address, None, PATIENCE)
    assert check.level is Level.PROBLEM and address in check.found and "Invalid argument" in check.do


def test_an_open_learner_answers():
    with door() as address:
        check = network.learner(address, None, PATIENCE)
    assert check.level is Level.OK and "not encrypted" in check.found


def test_a_key_that_is_allowed_is_let_in(keys):
    with door(load_learner_keys(keys)) as address:
        check = network.learner(address, load_actor_keys(keys), PATIENCE)
    assert check.level is Level.OK and "this key is let in" in check.found


def test_a_key_that_is_not_allowed_is_told(keys):
    with door(load_learner_keys(keys)) as address:
        check = network.learner(address, load_actor_keys(keys, "stranger"), PATIENCE)
    assert check.level is Level.PROBLEM and "allowed/" in check.do


def test_a_learner_with_keys_and_an_actor_without_do_not_agree(keys):
    with door(load_learner_keys(keys)) as address:
        check = network.learner(address, None, 3.0)
    assert check.level is Level.PROBLEM and "agree about keys" in check.do


def test_nobody_there_says_what_to_start():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        check = network.learner(address, None, 0.3)
    assert check.level is Level.PROBLEM and "daydreamer learner --bind" in check.do


def test_an_address_that_is_none_is_told():
    assert network.learner("nowhere", None).level is Level.PROBLEM


@contextlib.contextmanager
def time_server(answer):
    """The port of a server that gives ``answer`` to one question."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(PATIENCE)

        def serve():
            _, client = line.recvfrom(128)
            line.sendto(answer, client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield line.getsockname()[1]
        thread.join()


def at(seconds):
    """An NTP answer of a server at ``seconds`` since 1970, when it came and when it left."""
    stamp = struct.pack("!II", int(seconds) + 2208988800, int(seconds % 1 * 2**32))
    return bytes([0x24, 2]) + bytes(30) + stamp + stamp


@pytest.mark.parametrize(("ahead", "level"), [(0.25, Level.OK), (2.0, Level.PROBLEM), (-2.0, Level.PROBLEM)])
def test_a_clock_that_differs_by_more_than_half_a_second_is_a_problem(ahead, level):
    # Here it is always 1000 s; there 1000 s and what it is ahead.
    with time_server(at(1000.0 + ahead)) as port:
        check = network.clock_skew("127.0.0.1", port, PATIENCE, wall=lambda: 1000.0)
    assert check.level is level and f"{1000 * ahead:+.1f} ms" in check.found


@pytest.mark.parametrize("answer", [b"", b"nonsense", bytes(48)])
def test_what_is_no_time_is_not_believed(answer):
    with time_server(answer) as port:
        check = network.clock_skew("127.0.0.1", port, PATIENCE)
    assert check.level is Level.NOTE and "date" in check.do

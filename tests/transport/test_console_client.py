"""A viewer's end outlives whoever speaks to it, and its own mistakes: a person may need it for a stop."""

import numpy as np
import pytest
import zmq

from daydreamer.core import pack
from daydreamer.transport import console_client
from daydreamer.transport.console import Console
from daydreamer.transport.console_client import ConsoleClient
from tests.awaiting import until
from tests.contracts.telemetry import telemetry
from tests.transport.test_console import LONG, seen


@pytest.fixture
def console():
    made = Console("127.0.0.1:0", "secret", lambda hand: None)
    made.start()
    made.post(telemetry(steps=4))
    yield made
    made.close()


@pytest.mark.parametrize("odd", [b"nonsense", pack.dumps({"console": np.zeros(2), "kind": "telemetry"})])
def test_whoever_speaks_nonsense_is_hung_up_on_and_dialled_again(odd):
    context = zmq.Context()
    peer = context.socket(zmq.ROUTER)
    peer.linger = 0
    port = peer.bind_to_random_port("tcp://127.0.0.1")
    try:
        with ConsoleClient(f"127.0.0.1:{port}", "secret"):
            first, *_ = peer.recv_multipart()
            peer.send_multipart([first, odd])
            until(lambda: peer.poll(100) and peer.recv_multipart()[0] != first, "another connection")
    finally:
        context.destroy(linger=0)


def test_a_mistake_does_not_end_it(console, monkeypatch, caplog):
    real, tries = console_client.Connection, []

    def broken(*how):
        tries.append(how)
        if len(tries) < 3:
            raise RuntimeError("a mistake")
        return real(*how)

    monkeypatch.setattr(console_client, "Connection", broken)
    with ConsoleClient(console.address, "secret", viewer="test") as viewer:
        assert seen(viewer, lambda t: t.steps == 4)
        viewer.send("damp", timeout=LONG)
    assert "it dials again" in caplog.text

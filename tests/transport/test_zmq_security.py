"""Who is not allowed gets nothing, leaves one line in the log, and disturbs nobody; over real sockets."""

import logging
import os
import shutil
import socket
from functools import partial

import pytest
import zmq

from daydreamer.transport import auth, handshakes, learner_link
from daydreamer.transport.actor_link import ActorLink
from daydreamer.transport.auth import KeyProblem, load_actor_keys, load_learner_keys, new_keys
from daydreamer.transport.learner_link import LearnerLink
from daydreamer.transport.link import PolicyMessage
from daydreamer.transport.messages import Hello, Refuse, decode, encode
from daydreamer.transport.seldom import Seldom
from tests.contracts.link_contract import SPEC, DurableRows, eventually, pump, row

TRIES = 5


@pytest.fixture
def keys(tmp_path):
    new_keys(tmp_path / "keys", ["spot", "rex"])
    return tmp_path / "keys"


@pytest.fixture
def one_line_for_all(monkeypatch):
    """However long the tries take, they are within the time in which a text is logged once."""
    for module in (learner_link, auth):  # the door, and the doorman
        monkeypatch.setattr(module, "Seldom", partial(Seldom, interval=3600.0))


@pytest.fixture
def store():
    return DurableRows()


@pytest.fixture
def learner(keys, store):
    learner = LearnerLink("127.0.0.1:0", SPEC, store.next_seq, keys=load_learner_keys(keys))
    learner.publish(PolicyMessage.of(1, b"weights"))
    yield learner
    learner.close()


@pytest.fixture
def dial(learner, keys, tmp_path):
    made = []

    def dial(name, keys_of=None, directory=keys):
        mine = load_actor_keys(directory, keys_of or name)
        made.append(
            ActorLink(f"127.0.0.1:{learner.port}", name, SPEC, tmp_path / f"spool{len(made)}", keys=mine)
        )
        made[-1].start()
        return made[-1]

    yield dial
    for link in made:
        link.close(0.0)


def nothing(socket):
    pass


def password(socket):
    socket.plain_username, socket.plain_password = b"spot", b"secret"


def another_learner(directory):
    new_keys(directory, ["spot"])
    return load_actor_keys(directory, "spot").apply


def unknown_key(directory, keys):
    new_keys(directory, ["spot"])
    shutil.copy(keys / "learner.pub", directory / "learner.pub")
    return load_actor_keys(directory, "spot").apply


@pytest.mark.usefixtures("patient_peers", "one_line_for_all")
@pytest.mark.parametrize("who", ["no keys", "a password", "keys for another learner", "an unknown key"])
def test_whoever_is_not_allowed_gets_nothing_and_leaves_one_line(
    learner, dial, store, keys, tmp_path, caplog, who
):
    caplog.set_level(logging.WARNING)
    actor = dial("spot")
    eventually(lambda: actor.status().connected, lambda: pump(learner, store))
    prepare = {
        "no keys": lambda: nothing,
        "a password": lambda: password,
        "keys for another learner": lambda: another_learner(tmp_path / "other"),
        "an unknown key": lambda: unknown_key(tmp_path / "other", keys),
    }[who]()
    context = zmq.Context()
    try:
        for _ in range(TRIES):
            with context.socket(zmq.DEALER) as stranger:
                stranger.setsockopt(zmq.LINGER, 0)
                stranger.setsockopt(zmq.RECONNECT_IVL, -1)
                prepare(stranger)
                with stranger.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED) as events:
                    stranger.connect(f"tcp://127.0.0.1:{learner.port}")
                    eventually(lambda events=events: events.poll(0), lambda: pump(learner, store))
                    assert not stranger.poll(0)
                    stranger.disable_monitor()
    finally:
        context.destroy(linger=0)
    eventually(lambda: caplog.messages, lambda: pump(learner, store))
    assert len(caplog.messages) == 1
    assert ("its key is not in" if who == "an unknown key" else "failed in its handshake") in caplog.text
    assert learner.actors().keys() == {"spot"}
    actor.send(row(0))
    eventually(lambda: store.count == 1, lambda: pump(learner, store))
    assert actor.status().connected


@pytest.mark.usefixtures("patient_peers", "one_line_for_all")
def test_plain_text_gets_no_answer_but_a_greeting_and_leaves_one_line(learner, store, caplog, monkeypatch):
    monkeypatch.setattr(handshakes, "PATIENCE", 0.2)
    for _ in range(TRIES):
        with socket.create_connection(("127.0.0.1", learner.port), 60.0) as browser:
            browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
            learner.receive(0.01)
    eventually(lambda: "spoke no ZeroMQ" in caplog.text, lambda: pump(learner, store))
    learner.receive(0.1)
    assert len(caplog.messages) == 1


@pytest.mark.usefixtures("patient_peers")
def test_a_key_cannot_speak_for_another_actor(learner, dial, store):
    spot, false = dial("spot"), dial("spot", keys_of="rex")
    reason = eventually(lambda: false.status().refused, lambda: pump(learner, store))
    assert "this key is the one of 'rex', and cannot speak as 'spot'" in reason
    assert "daydreamer keys new DIR --actors spot" in reason
    spot.send(row(0))
    eventually(lambda: store.count == 1, lambda: pump(learner, store))
    assert spot.status().refused is None


@pytest.mark.usefixtures("patient_peers")
def test_deleting_a_key_shuts_its_owner_out_at_once(learner, dial, store, keys, monkeypatch):
    monkeypatch.setattr(learner_link, "CHECK_KEYS", 0.0)
    spot, rex = dial("spot"), dial("rex")
    for one in (spot, rex):
        eventually(lambda one=one: one.status().connected, lambda: pump(learner, store))
    (keys / "allowed" / "rex.pub").unlink()
    reason = eventually(lambda: rex.status().refused, lambda: pump(learner, store))
    assert "not allowed" in reason or "no longer allowed" in reason
    assert spot.status().connected


@pytest.mark.usefixtures("patient_peers")
def test_a_connection_made_with_a_key_that_was_replaced_since_is_worth_nothing(
    learner, dial, store, keys, monkeypatch
):
    monkeypatch.setattr(auth, "LOOK_EVERY", 0.0)
    context = zmq.Context()
    try:
        with context.socket(zmq.DEALER) as thief:
            thief.setsockopt(zmq.LINGER, 0)
            load_actor_keys(keys, "rex").apply(thief)
            with thief.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) as events:
                thief.connect(f"tcp://127.0.0.1:{learner.port}")
                eventually(lambda: events.poll(0), lambda: pump(learner, store))
                thief.disable_monitor()
            (keys / "rex.key").unlink(), (keys / "allowed" / "rex.pub").unlink()
            new_keys(keys, ["rex"])
            rex = dial("rex")
            eventually(lambda: rex.status().connected, lambda: pump(learner, store))
            spec = {name: one.to_dict() for name, one in SPEC.items()}
            thief.send(encode(Hello("rex", "rex-1700000000000-0a1b2c3d", spec, "0", "")))
            eventually(lambda: thief.poll(0), lambda: pump(learner, store))
            answer = decode(thief.recv())
            assert isinstance(answer, Refuse) and "no longer allowed" in answer.reason
            assert not thief.poll(0), "no policy"
    finally:
        context.destroy(linger=0)
    rex.send(row(0))
    eventually(lambda: store.count == 1, lambda: pump(learner, store))
    assert rex.status().connected and rex.status().refused is None


@pytest.mark.parametrize("what", [".", "allowed", "allowed/spot.pub"])
def test_a_list_that_others_can_write_to_is_not_trusted(keys, what):
    os.chmod(keys / what, (keys / what).stat().st_mode | 0o020)
    with pytest.raises(KeyProblem, match="chmod go-w"):
        load_learner_keys(keys)


def test_the_queue_of_a_connection_is_short_and_a_message_is_not_long(learner):
    socket = learner._socket
    assert socket.getsockopt(zmq.RCVHWM) == 100
    # 64 rows of 21 bytes, and 256 KiB
    assert socket.getsockopt(zmq.MAXMSGSIZE) == 64 * 21 + 256 * 1024

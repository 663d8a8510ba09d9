"""What goes wrong on real sockets: strangers, wrong keys, silence, restarts, and ends that vanish."""

import shutil
import socket
import threading
import time

import pytest
import zmq

from daydreamer.transport import actor_io, actor_session, learner_session
from daydreamer.transport.actor_link import ActorLink
from daydreamer.transport.auth import load_actor_keys, load_learner_keys, new_keys
from daydreamer.transport.learner_link import LearnerLink
from daydreamer.transport.link import LinkError, PolicyMessage, SpoolFull
from daydreamer.transport.messages import Hello, RowBatch, Welcome, decode, encode
from daydreamer.transport.spool import leftovers
from tests.contracts.link_contract import SPEC, DurableRows, eventually, pump, row

pytestmark = pytest.mark.usefixtures("patient_peers")


@pytest.fixture
def ends():
    made = []
    yield made
    for end in made:
        end.close(0.0) if isinstance(end, ActorLink) else end.close()


@pytest.fixture
def store():
    return DurableRows()


@pytest.fixture
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def listen(ends, store, port=0, **settings):
    ends.append(LearnerLink(f"127.0.0.1:{port}", SPEC, store.next_seq, **settings))
    return ends[-1]


def dial(ends, port, directory, **settings):
    ends.append(ActorLink(f"127.0.0.1:{port}", "spot", SPEC, directory, **settings))
    ends[-1].start()
    return ends[-1]


def test_a_stranger_who_talks_nonsense_disturbs_nobody(ends, store, tmp_path, context):
    learner = listen(ends, store)
    actor = dial(ends, learner.port, tmp_path)
    stranger = context.socket(zmq.DEALER)
    stranger.connect(f"tcp://127.0.0.1:{learner.port}")
    for i in range(100):
        stranger.send(b"nonsense %d" % i)
        stranger.send_multipart([b"more", b"parts"])
        actor.send(row(i))
    with socket.create_connection(("127.0.0.1", learner.port)) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
    eventually(lambda: store.count == 100, lambda: pump(learner, store))
    assert actor.status().connected


def test_an_oversized_message_does_not_get_in(ends, store, tmp_path, context):
    learner = listen(ends, store)
    stranger = context.socket(zmq.DEALER)
    stranger.setsockopt(zmq.RECONNECT_IVL, -1)
    events = stranger.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    stranger.connect(f"tcp://127.0.0.1:{learner.port}")
    stranger.send(bytes(8 << 20))
    eventually(lambda: events.poll(0), lambda: learner.receive(0.01))
    stranger.disable_monitor()


def test_a_port_in_use_is_a_clear_error(ends, store):
    learner = listen(ends, store)
    with pytest.raises(LinkError, match=f"cannot listen on 127.0.0.1:{learner.port}.*another learner"):
        listen(ends, store, port=learner.port)


def test_listening_to_the_network_without_keys_is_refused(ends, store):
    with pytest.raises(LinkError, match="keys"):
        LearnerLink("0.0.0.0:0", SPEC, store.next_seq)
    ends.append(LearnerLink("0.0.0.0:0", SPEC, store.next_seq, insecure=True))


def test_an_actor_is_driven_over_the_network_with_keys_or_with_an_explicit_word(ends, tmp_path):
    with pytest.raises(LinkError, match="anyone on the network move the robot"):
        ActorLink("192.0.2.1:5555", "spot", SPEC, tmp_path)
    ends.append(ActorLink("192.0.2.1:5555", "spot", SPEC, tmp_path, insecure=True))


def test_a_spool_has_one_actor(ends, store, tmp_path):
    dial(ends, 9, tmp_path)
    with pytest.raises(LinkError, match="another actor uses the spool"):
        ActorLink("127.0.0.1:9", "rex", SPEC, tmp_path)


def test_an_actor_may_wait_for_one_before_it_that_is_about_to_go(ends, tmp_path):
    before = dial(ends, 9, tmp_path)
    asked = []

    def clock():  # the one before goes between two looks
        asked.append(time.monotonic())
        if len(asked) == 3:
            before.close(0.0)
        return asked[-1]

    ends.append(ActorLink("127.0.0.1:9", "rex", SPEC, tmp_path, clock=clock, patience=60.0))


def test_a_key_that_is_not_allowed_gets_nothing_until_it_is(ends, store, tmp_path):
    new_keys(tmp_path / "keys", ["spot"])
    new_keys(tmp_path / "other", ["spot"])
    shutil.copy(tmp_path / "keys" / "learner.pub", tmp_path / "other" / "learner.pub")
    learner = listen(ends, store, keys=load_learner_keys(tmp_path / "keys"))
    learner.publish(PolicyMessage.of(1, b"weights"))
    actor = dial(ends, learner.port, tmp_path / "spool", keys=load_actor_keys(tmp_path / "other", "spot"))
    actor.send(row(0))
    eventually(lambda: actor.status().refused, lambda: pump(learner, store))
    assert "not allowed" in actor.status().refused
    assert (store.count, learner.actors(), actor.policy()) == (0, {}, None)
    # The learner need not be started again.
    shutil.copy(tmp_path / "other" / "allowed" / "spot.pub", tmp_path / "keys" / "allowed" / "spot.pub")
    eventually(lambda: store.count == 1, lambda: pump(learner, store))
    eventually(lambda: actor.status().refused is None, lambda: pump(learner, store))


@pytest.mark.parametrize("mistake", ["no keys", "another learner's key", "keys where the learner has none"])
def test_keys_that_do_not_fit_are_named_as_the_cause(ends, store, tmp_path, mistake, monkeypatch):
    monkeypatch.setattr(actor_io, "LOCKED_OUT_FOR", 0.0)
    new_keys(tmp_path / "keys")
    new_keys(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "learner.pub", tmp_path / "keys" / "wrong")
    learner_keys = None if mistake.startswith("keys") else load_learner_keys(tmp_path / "keys")
    actor_keys = None if mistake == "no keys" else load_actor_keys(tmp_path / "other")
    learner = listen(ends, store, keys=learner_keys)
    actor = dial(ends, learner.port, tmp_path / "spool", keys=actor_keys)
    eventually(lambda: actor.status().refused, lambda: pump(learner, store))
    assert "keys do not fit" in actor.status().refused


def test_a_learner_that_dies_while_it_is_dialled_has_refused_nobody(ends, store, tmp_path):
    reasons, callers = [], []
    with socket.socket() as dying:
        dying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as ZeroMQ does
        dying.bind(("127.0.0.1", 0))
        dying.listen()
        port = dying.getsockname()[1]
        actor = dial(ends, port, tmp_path)
        for _ in range(2):
            for caller in callers:
                caller.close()  # in the middle of the handshake
            callers.append(dying.accept()[0])
            callers[-1].recv(10)
    callers[-1].close()
    actor.send(row(0))
    learner = listen(ends, store, port=port)
    eventually(
        lambda: store.count == 1, lambda: (reasons.append(actor.status().refused), pump(learner, store))
    )
    assert set(reasons) == {None}


def test_a_learner_that_is_started_again_goes_on_without_loss_or_doubling(ends, store, tmp_path):
    def some_of_them(learner, before):
        eventually(lambda: store.count > before, lambda: pump(learner, store))

    learner = listen(ends, store)
    actor = dial(ends, learner.port, tmp_path)
    for life in range(3):
        for i in range(life * 100, life * 100 + 100):
            actor.send(row(i))
        some_of_them(learner, life * 100)
        learner.receive(0.01)  # rows that were received, and are lost with this learner
        learner.close()
        learner = listen(ends, store, port=learner.port)
    eventually(lambda: store.count == 300, lambda: pump(learner, store))
    assert store.rewards == {actor.stream: [float(i) for i in range(300)]}
    eventually(lambda: actor.status().unacked == 0, lambda: pump(learner, store))


def test_rows_wait_on_disk_for_a_learner_that_comes_later(ends, store, tmp_path, own_port):
    actor = dial(ends, own_port, tmp_path)
    for i in range(500):
        actor.send(row(i))
    eventually(lambda: actor.status().spool_bytes > 500 * 20)
    assert not actor.status().connected
    actor.close(0.0)
    second = dial(ends, own_port, tmp_path)  # the actor, too, is started again
    second.send(row(0))
    learner = listen(ends, store, port=own_port)
    eventually(lambda: store.count == 501, lambda: pump(learner, store))
    assert store.rewards == {actor.stream: [float(i) for i in range(500)], second.stream: [0.0]}
    eventually(lambda: second.status().unacked == 0, lambda: pump(learner, store))
    second.close()
    assert leftovers(tmp_path) == []


def test_a_spool_at_its_limit_holds_the_robot_and_frees_it_again(ends, store, tmp_path):
    learner = listen(ends, store)
    actor = dial(ends, learner.port, tmp_path, spool_limit_bytes=20_000)

    def fill():
        while True:
            actor.send(row(0))

    with pytest.raises(SpoolFull, match="hold the robot"):
        fill()
    assert actor.status().full
    sent = actor.status().sent
    # A row is 8 + 4 + 1 + 8 = 21 bytes, 29 in a file: 20,000 / 29 = 689.7; files' heads take some more.
    assert 300 < sent <= 690
    eventually(lambda: store.count == sent, lambda: pump(learner, store))
    eventually(lambda: not actor.status().full, lambda: pump(learner, store))
    assert actor.send(row(0)) == sent


def test_a_learner_that_falls_silent_is_left_for_one_that_speaks(ends, store, tmp_path, context, monkeypatch):
    frozen = context.socket(zmq.ROUTER)
    port = frozen.bind_to_random_port("tcp://127.0.0.1")
    actor = dial(ends, port, tmp_path)
    identity, hello = frozen.recv_multipart()
    frozen.send_multipart([identity, encode(Welcome(decode(hello).stream, 0, 10))])
    actor.send(row(0))
    eventually(lambda: isinstance(decode(frozen.recv_multipart()[1]), RowBatch))  # after a ping, perhaps
    monkeypatch.setattr(actor_session, "SILENCE", 0.3)
    # It accepts connections and says no more. The actor comes back with another hello, on another connection.
    other, again = eventually(
        lambda: (m := frozen.recv_multipart()) and isinstance(decode(m[1]), Hello) and m
    )
    assert other != identity
    assert decode(again).stream == actor.stream
    assert not actor.status().connected
    monkeypatch.setattr(actor_session, "SILENCE", 60.0)
    context.destroy(linger=0)  # returns when the port is free
    learner = listen(ends, store, port=port)
    eventually(lambda: store.count == 1, lambda: pump(learner, store))


def test_an_actor_that_vanishes_without_a_word_is_forgotten(ends, store, tmp_path, context, monkeypatch):
    learner = listen(ends, store)
    silent = context.socket(zmq.DEALER)
    silent.connect(f"tcp://127.0.0.1:{learner.port}")
    spec = {name: one.to_dict() for name, one in SPEC.items()}
    silent.send(encode(Hello("spot", "spot-1700000000000-0a1b2c3d", spec, "0", "")))
    eventually(learner.actors, lambda: learner.receive(0.01))
    assert learner.actors()["spot"].connected
    monkeypatch.setattr(learner_session, "SILENCE", 0.3)
    eventually(lambda: not learner.actors()["spot"].connected, lambda: learner.receive(0.05))


def test_rows_end_a_wait_at_once(ends, store, tmp_path):
    learner = listen(ends, store)
    actor = dial(ends, learner.port, tmp_path)
    eventually(lambda: actor.status().connected, lambda: learner.receive(0.01))
    came = []
    waiting = threading.Thread(target=lambda: came.extend(learner.receive(120.0)))
    waiting.start()
    actor.send(row(0))
    waiting.join(60.0)  # half as long as it would wait for nothing
    assert len(came) == 1


def test_what_another_thread_wants_said_is_said_at_once(ends, store, tmp_path, monkeypatch):
    for session in (learner_session, actor_session):  # nothing but the bell ends the wait
        monkeypatch.setattr(session, "HEARTBEAT", 120.0)
    learner = listen(ends, store)
    actor = dial(ends, learner.port, tmp_path)
    eventually(lambda: actor.status().connected, lambda: learner.receive(0.01))
    waiting = threading.Thread(target=learner.receive, args=(120.0,), daemon=True)
    waiting.start()
    learner.publish(PolicyMessage.of(1, b"weights"))
    eventually(actor.policy, within=40.0)
    learner.stop("done")
    eventually(lambda: actor.status().stopped == "done", within=40.0)
    actor.send(row(0))
    waiting.join(40.0)
    assert not waiting.is_alive()


def test_a_learner_that_stops_and_closes_has_told_its_actors(ends, store, tmp_path):
    learner = listen(ends, store)
    actor = dial(ends, learner.port, tmp_path)
    eventually(lambda: actor.status().connected, lambda: learner.receive(0.01))
    learner.stop("trained")
    learner.close()
    assert actor.status().stopped == "trained" or eventually(lambda: actor.status().stopped == "trained")


def test_a_link_that_breaks_down_says_so_to_the_control_loop(ends, store, tmp_path, monkeypatch):
    actor, sent = dial(ends, 9, tmp_path), threading.Event()

    def broken(self, now):
        assert sent.wait(60.0)
        raise RuntimeError("a mistake in the link")

    monkeypatch.setattr(actor_session.ActorSession, "wait", broken)
    actor.send(row(0))
    sent.set()
    eventually(lambda: actor._desk.broken is not None)
    with pytest.raises(LinkError, match="a mistake in the link"):
        actor.send(row(1))
    assert actor.status().broken == "a mistake in the link"


def test_a_spool_at_its_limit_may_give_up_its_oldest_rows_and_counts_them(
    ends, store, tmp_path, caplog, own_port
):
    actor = dial(ends, own_port, tmp_path, spool_limit_bytes=20_000, when_full="drop-oldest")
    for i in range(2000):  # 29 bytes each: three times the limit
        actor.send(row(i))
    eventually(lambda: actor.status().dropped > 1000 and not actor._desk.queue)
    assert not actor.status().full and actor.status().spool_bytes <= 20_000 + 29
    assert "its oldest rows are given up" in caplog.text
    learner = listen(ends, store, port=own_port)
    eventually(lambda: actor.status().connected and actor.status().unacked == 0, lambda: pump(learner, store))
    numbers = store.numbers[actor.stream]
    assert numbers == list(range(actor.status().dropped, 2000)), "the newest, in order, and no other"
    assert store.rewards[actor.stream] == [float(i) for i in numbers]
    assert actor.status().acked == len(numbers), "what was given up is not acknowledged"


def test_two_processes_of_one_name_take_no_row_from_each_other(ends, store, tmp_path, monkeypatch):
    learner = listen(ends, store)
    first, second = dial(ends, learner.port, tmp_path / "a"), dial(ends, learner.port, tmp_path / "b")
    for i in range(50):
        first.send(row(i))
        second.send(row(i))
    eventually(lambda: first.status().refused or second.status().refused, lambda: pump(learner, store))
    staying, leaving = (second, first) if first.status().refused else (first, second)
    eventually(lambda: staying.status().unacked == 0, lambda: pump(learner, store))
    staying.close()
    monkeypatch.setattr(learner_session, "SILENCE", 3.0)  # by which it knows that this one is gone
    eventually(lambda: leaving.status().unacked == 0, lambda: pump(learner, store))
    assert store.rewards == {one.stream: [float(i) for i in range(50)] for one in (first, second)}


def test_rows_that_the_learner_cannot_store_are_told_to_their_actor_and_kept(ends, store, tmp_path):
    learner = listen(ends, store)
    actor = dial(ends, learner.port, tmp_path)
    actor.send(row(0))
    came = eventually(lambda: learner.receive(0.05))
    learner.refuse(came[0].stream, "there is something about these rows")
    eventually(lambda: actor.status().refused, lambda: learner.receive(0.01))
    assert (actor.status().refused, actor.status().unacked) == ("there is something about these rows", 1)
    eventually(lambda: store.count == 1, lambda: pump(learner, store))  # it asks again, and is welcome
    eventually(lambda: actor.status().refused is None, lambda: pump(learner, store))

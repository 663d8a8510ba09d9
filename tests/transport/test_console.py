"""The console over real sockets: telemetry out, hands in, and viewers that misbehave."""

import os
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
import zmq

from daydreamer.core import pack
from daydreamer.runtime.faults.proxy import FaultProxy
from daydreamer.transport import console_messages as messages
from daydreamer.transport.auth import new_keys
from daydreamer.transport.console import Console
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_file import ConsoleFile, token_of
from daydreamer.transport.console_keys import console_keys, viewer_keys
from daydreamer.transport.console_messages import HandRefused
from daydreamer.transport.link import LinkError
from tests.awaiting import until
from tests.contracts.telemetry import telemetry

LONG = 60.0  # s; a loaded machine may take its time
pytestmark = pytest.mark.usefixtures("patient_hands")


@pytest.fixture
def hands():
    return []


@pytest.fixture
def console(hands):
    made = Console("127.0.0.1:0", "secret", hands.append)
    made.start()
    yield made
    made.close()


@pytest.fixture
def viewer(console):
    with ConsoleClient(console.address, "secret", hz=20.0, viewer="test") as made:
        yield made


def seen(viewer, condition):
    return until(lambda: (t := viewer.latest(0.1)) is not None and condition(t) and t, "such telemetry")


def test_a_viewer_gets_the_newest_telemetry_and_how_old_it_is(console, viewer):
    console.post(telemetry(steps=1))
    first = seen(viewer, lambda t: t.steps == 1)
    assert first.viewers == 1 and first.age >= 0
    console.post(telemetry(steps=2))
    assert seen(viewer, lambda t: t.steps == 2)
    old = seen(viewer, lambda t: t.age > 0.3)
    assert old.steps == 2, "a loop that posts nothing is seen to hang"


def test_what_is_posted_as_a_function_is_made_when_it_is_sent_and_not_in_the_loop(console, viewer):
    made_in = []

    def make():
        made_in.append(threading.current_thread().name)
        return telemetry(steps=5)

    console.post(make)
    assert made_in == []
    assert seen(viewer, lambda t: t.steps == 5)
    assert set(made_in) == {"actor console"}


def test_a_wish_reaches_the_actor_with_who_wished_it(viewer, hands):
    viewer.send("pause", "Ann", timeout=LONG)
    assert [(hand.wish, hand.operator, hand.viewer) for hand in hands] == [("pause", "Ann", "test")]


def test_a_wrong_token_is_refused_and_nothing_happens(console, hands):
    with (
        ConsoleClient(console.address, "guess") as stranger,
        pytest.raises(HandRefused, match="token is wrong"),
    ):
        stranger.send("damp", timeout=LONG)
    with ConsoleClient(console.address) as watcher, pytest.raises(HandRefused, match="no control token"):
        watcher.send("damp", timeout=LONG)
    assert hands == []


def test_a_reset_needs_a_name_and_a_wish_must_be_one(viewer):
    with pytest.raises(HandRefused, match="name of the person"):
        viewer.send("reset", timeout=LONG)
    with pytest.raises(HandRefused, match="one of pause, resume"):
        viewer.send("fly", timeout=LONG)


def test_what_the_actor_refuses_is_the_answer_and_a_mistake_does_not_end_the_console(console, hands):
    def on_hand(hand):
        if hand.wish == "pause":
            raise HandRefused("not now")
        raise RuntimeError("a mistake")

    stubborn = Console("127.0.0.1:0", "secret", on_hand)
    stubborn.start()
    try:
        with ConsoleClient(stubborn.address, "secret") as viewer:
            with pytest.raises(HandRefused, match="not now"):
                viewer.send("pause", timeout=LONG)
            with pytest.raises(HandRefused, match="a mistake"):
                viewer.send("damp", timeout=LONG)
            with pytest.raises(HandRefused, match="not now"):
                viewer.send("pause", timeout=LONG)
    finally:
        stubborn.close()


def test_nonsense_is_dropped_and_the_console_goes_on(console, viewer, hands, caplog):
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(f"tcp://{console.address}")
    odd = pack.dumps({"console": np.zeros(2), "kind": "watch"})
    for data in (b"", b"nonsense", odd, messages.encode("dance"), messages.encode("watch", hz="fast")):
        socket.send(data)
    socket.send(messages.encode("hand", id=1, token="secret", wish="damp"))  # no operator field
    viewer.send("resume", timeout=LONG)
    assert [hand.wish for hand in hands] == ["resume"]
    assert "mistake" not in caplog.text
    socket.close()
    context.term()


def test_a_viewer_that_does_not_read_changes_nothing_for_the_others(console, viewer, hands):
    context = zmq.Context()
    stalled = context.socket(zmq.DEALER)
    stalled.linger = 0
    stalled.setsockopt(zmq.RCVHWM, 1)
    stalled.setsockopt(zmq.RCVBUF, 4096)
    stalled.connect(f"tcp://{console.address}")
    stalled.send(messages.encode("watch", hz=20.0))
    # Each message is larger than the sockets' buffers would hold twenty of.
    big = telemetry(stopped="x" * 40_000)
    console.post(big)
    seen(viewer, lambda t: t.viewers == 2)
    for step in range(1, 41):
        stalled.send(messages.encode("watch", hz=20.0))
        console.post(replace(big, steps=step))
        seen(viewer, lambda t, step=step: t.steps == step)
    viewer.send("damp", timeout=LONG)
    assert [hand.wish for hand in hands] == ["damp"]
    stalled.close()
    context.term()


def test_a_viewer_finds_the_actor_again_on_another_port(tmp_path, hands):
    directory = tmp_path / "actor-a"
    with ConsoleClient(directory / "console.json", hz=20.0) as viewer:
        assert viewer.latest() is None and "missing" in until(
            lambda: "missing" in viewer.problem and viewer.problem, ""
        )
        for life in (1, 2):
            console = Console("127.0.0.1:0", f"token {life}", hands.append)
            ConsoleFile(console.address, f"token {life}").write(directory)
            console.start()
            console.post(telemetry(steps=life))
            assert seen(viewer, lambda t, life=life: t.steps == life)
            viewer.send("pause", f"life {life}", timeout=LONG)
            console.close()
    assert [hand.operator for hand in hands] == ["life 1", "life 2"]


def test_an_actor_of_another_run_on_the_port_of_before_is_not_taken_for_this_one(tmp_path, console, hands):
    # This run's actor has ended. Another run's has its port now, and perhaps, as a copy, its token.
    left = ConsoleFile(console.address, "the token of this run", "actor", os.getpid())
    copied = ConsoleFile(console.address, "secret", "actor", os.getpid() + 1)
    console.post(telemetry(steps=7))
    for place, file in (("left", left), ("copied", copied)):
        file.write(tmp_path / place)
        with ConsoleClient(tmp_path / place) as viewer:
            until(lambda viewer=viewer: "another actor listens" in viewer.problem, "that it is another one")
            assert viewer.latest() is None
    assert hands == []
    ConsoleFile(console.address, "secret", "actor", os.getpid()).write(tmp_path / "right")
    with ConsoleClient(tmp_path / "right") as viewer:
        assert seen(viewer, lambda t: t.steps == 7)


def test_a_copy_of_a_run_does_not_drive_the_original_s_robot_and_a_run_that_was_moved_does(
    tmp_path, console, hands
):
    original, copy, moved = (tmp_path / name for name in ("original", "copy", "moved"))
    ConsoleFile(console.address, "secret", "actor", os.getpid()).write(original)
    shutil.copytree(original, copy)
    with ConsoleClient(copy) as viewer:
        with pytest.raises(LinkError, match="is a copy"):
            viewer.send("damp", timeout=0.3)
        assert viewer.latest() is None
    assert token_of(copy) != "secret", "an actor that is started there has a token of its own"
    assert ConsoleFile.read(copy, copied=True).token == "secret", "a copy that was made on purpose"
    original.rename(moved)
    with ConsoleClient(moved) as viewer:
        viewer.send("pause", timeout=LONG)
    assert [hand.wish for hand in hands] == ["pause"] and token_of(moved) == "secret"


def test_a_wish_to_nobody_fails_in_its_time_and_is_never_kept_for_later(hands):
    first = Console("127.0.0.1:0", "secret", hands.append)
    address = first.address
    first.close()
    with ConsoleClient(address, "secret", hz=20.0) as viewer:
        with pytest.raises(LinkError, match="no answer to 'resume'"):
            viewer.send("resume", timeout=0.2)
        second = Console(address, "secret", hands.append)
        second.start()
        second.post(telemetry(steps=9))
        seen(viewer, lambda t: t.steps == 9)
        viewer.send("pause", timeout=LONG)
        second.close()
    assert [hand.wish for hand in hands] == ["pause"]


@pytest.fixture
def stalling(console):
    """A path to the console that a test can stall."""
    proxy = FaultProxy(int(console.address.rpartition(":")[2]))
    yield proxy
    proxy.close()


def test_what_failed_does_not_act_when_a_stalled_path_delivers_it_but_a_stop_does(console, stalling, hands):
    console.post(telemetry())
    with ConsoleClient(f"127.0.0.1:{stalling.port}", "secret", hz=20.0) as viewer:
        viewer.send("pause", timeout=LONG)
        stalling.hold(up=True, down=True)
        for wish in ("resume", "damp"):
            with pytest.raises(LinkError, match="no answer"):
                viewer.send(wish, timeout=0.2)
        stalling.heal()
        until(lambda: len(hands) > 1, "the stop arrives")
        viewer.send("mark_good", timeout=LONG)
    assert [hand.wish for hand in hands] == ["pause", "damp", "mark_good"]


def test_a_wish_says_until_when_by_the_console_s_clock_it_may_be_done_and_not_too_far_from_now(
    console, hands
):
    console.post(telemetry())
    late, far = -0.001, 1000 * LONG
    names = {"token": "secret", "wish": "resume", "operator": "", "viewer": ""}
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger, socket.rcvtimeo = 0, int(1000 * LONG)
        socket.connect(f"tcp://{console.address}")
        socket.send(messages.encode("watch", hz=20.0))
        clock = messages.decode(socket.recv())[1]["clock"]
        for until in ({}, {"until": clock + late}, {"until": clock + far}):
            socket.send(messages.encode("hand", id=1, **names, **until))
            while (answer := messages.decode(socket.recv()))[0] == "telemetry":
                pass
            assert answer[0] == "refused", until
    assert "came too late" in answer[1]["why"]
    assert hands == []


def test_a_stop_does_not_wait_for_the_console_s_first_word_and_other_wishes_do(hands):
    mute = Console("127.0.0.1:0", "secret", hands.append)
    mute._speak = lambda now: None
    mute.start()
    with ConsoleClient(mute.address, "secret") as viewer:
        with pytest.raises(LinkError):
            viewer.send("resume", timeout=0.2)
        viewer.send("damp", timeout=LONG)
    mute.close()
    assert [hand.wish for hand in hands] == ["damp"]


def test_beyond_this_computer_it_needs_keys_and_lets_in_the_learner_alone(tmp_path, hands):
    with pytest.raises(LinkError, match="without keys"):
        Console("0.0.0.0:0", "secret", hands.append)
    new_keys(tmp_path / "learner", ["robot", "other"])
    robot = tmp_path / "robot"
    robot.mkdir(0o700)
    for name in ("robot.key", "learner.pub"):
        (robot / name).write_bytes((tmp_path / "learner" / name).read_bytes())
        (robot / name).chmod(0o600)
    console = Console("0.0.0.0:0", "secret", hands.append, console_keys(robot, "robot"))
    console.start()
    console.post(telemetry(steps=4))
    port = console.address.rpartition(":")[2]
    try:
        with ConsoleClient(
            f"127.0.0.1:{port}", "secret", viewer_keys(tmp_path / "learner", "robot")
        ) as viewer:
            assert seen(viewer, lambda t: t.steps == 4)
        with ConsoleClient(f"127.0.0.1:{port}", "secret") as stranger, pytest.raises(LinkError):
            stranger.send("damp", timeout=0.5)
    finally:
        console.close()
    assert hands == []


def test_a_stop_does_not_wait_for_chores_that_wait_for_a_disk(hands):
    busy, go = threading.Event(), threading.Event()

    def chores():
        busy.set()
        assert go.wait(LONG)

    console = Console("127.0.0.1:0", "secret", hands.append, chores=chores)
    console.start()
    try:
        assert busy.wait(LONG)
        with ConsoleClient(console.address, "secret") as viewer:
            viewer.send("damp", timeout=LONG)
        assert [hand.wish for hand in hands] == ["damp"]
    finally:
        go.set()
        console.close()


def test_chores_are_done_once_more_at_the_end(hands):
    done = []
    console = Console(
        "127.0.0.1:0", "secret", hands.append, chores=lambda: done.append(threading.current_thread())
    )
    console.start()
    console.close()
    assert done and threading.main_thread() not in done


def test_the_port_is_the_usual_one_or_the_next_free_one(hands):
    one, two = Console(None, "s", hands.append), Console(None, "s", hands.append)
    ports = [int(console.address.rpartition(":")[2]) for console in (one, two)]
    assert 5557 <= ports[0] < ports[1]
    with pytest.raises(LinkError, match="cannot listen"):
        Console(one.address, "s", hands.append)
    one.close()
    two.close()


def test_the_file_is_for_its_owner_alone_and_the_token_stays(tmp_path):
    path = ConsoleFile("127.0.0.1:5557", token_of(tmp_path), "a", 7).write(tmp_path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    found = ConsoleFile.read(tmp_path)
    assert found.address == "127.0.0.1:5557" and len(found.token) >= 32 and found.token not in repr(found)
    assert token_of(tmp_path) == found.token, "an open page goes on after a restart"
    path.chmod(0o644)
    with pytest.raises(LinkError, match="open to other users"):
        ConsoleFile.read(tmp_path)
    assert token_of(tmp_path) != found.token, "what others may have read is of no use any more"
    path.write_text("{}")
    path.chmod(0o600)
    with pytest.raises(LinkError, match="damaged"):
        ConsoleFile.read(tmp_path)

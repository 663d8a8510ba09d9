"""Keys are made, kept to their owner, and decide who comes in."""

import os
import shutil

import pytest
import zmq
from zmq.utils import z85

from daydreamer.transport.address import Address
from daydreamer.transport.auth import (
    LOOK_EVERY,
    MOST_ANSWERS,
    Doorman,
    KeyProblem,
    check_exposure,
    load_actor_keys,
    load_learner_keys,
    new_keys,
    owner_of,
)
from daydreamer.transport.link import LinkError


def mode(path):
    return os.stat(path).st_mode & 0o777


def test_new_keys_are_where_they_belong_and_fit_together(tmp_path):
    keys = tmp_path / "keys"
    written = new_keys(keys, ["spot", "rex"])
    assert sorted(str(path.relative_to(keys)) for path in written) == [
        "allowed/rex.pub", "allowed/spot.pub", "learner.key", "learner.pub", "rex.key", "spot.key",
    ]  # fmt: skip
    assert {mode(keys / name) for name in ("learner.key", "spot.key", "rex.key")} == {0o600}
    learner, spot, rex = load_learner_keys(keys), load_actor_keys(keys, "spot"), load_actor_keys(keys, "rex")
    assert spot.learner == rex.learner == learner.public == (keys / "learner.pub").read_bytes().strip()
    assert (learner.allowed / "spot.pub").read_bytes().strip() == spot.public
    assert len({learner.secret, spot.secret, rex.secret}) == 3


def test_a_secret_is_not_shown_by_accident(tmp_path):
    new_keys(tmp_path)
    for keys in (load_learner_keys(tmp_path), load_actor_keys(tmp_path)):
        assert keys.secret.decode() not in repr(keys)


def test_an_actor_is_added_without_changing_the_learner(tmp_path):
    new_keys(tmp_path, ["spot"])
    before = load_learner_keys(tmp_path)
    new_keys(tmp_path, ["rex"])
    assert load_learner_keys(tmp_path) == before
    assert load_actor_keys(tmp_path, "rex").learner == before.public


def test_keys_are_never_overwritten(tmp_path):
    new_keys(tmp_path)
    before = load_actor_keys(tmp_path)
    with pytest.raises(KeyProblem, match=r"has keys for 'actor'"):
        new_keys(tmp_path)
    assert load_actor_keys(tmp_path) == before


@pytest.mark.parametrize("name", ["learner", "../spot", "", "a/b", ".hidden"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(KeyProblem, match="expected a name"):
        new_keys(tmp_path, [name])


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o644, 0o620])
def test_a_secret_that_others_may_read_is_not_used(tmp_path, bits):
    new_keys(tmp_path)
    for name, load in (("learner.key", load_learner_keys), ("actor.key", load_actor_keys)):
        os.chmod(tmp_path / name, bits)
        with pytest.raises(KeyProblem, match=rf"mode {bits:o}.*chmod 600"):
            load(tmp_path)


def test_missing_keys_say_how_to_make_them(tmp_path):
    with pytest.raises(KeyProblem, match="daydreamer keys new"):
        load_learner_keys(tmp_path)
    new_keys(tmp_path)
    (tmp_path / "learner.pub").unlink()
    with pytest.raises(KeyProblem, match="copy it"):
        load_actor_keys(tmp_path)


def test_in_a_robots_directory_no_keys_are_made_and_nothing_is_left_behind(tmp_path):
    new_keys(tmp_path / "learner", ["spot"])
    robot = tmp_path / "robot"
    robot.mkdir()
    shutil.copy(tmp_path / "learner" / "learner.pub", robot)
    with pytest.raises(KeyProblem, match=r"spot.key is missing.*--actors spot` on the learner's computer"):
        load_actor_keys(robot, "spot")
    with pytest.raises(KeyProblem, match="keys are made on the learner's computer"):
        new_keys(robot, ["spot"])
    assert [path.name for path in robot.iterdir()] == ["learner.pub"]


def test_a_name_that_is_said_twice_is_one_actor(tmp_path):
    assert len(new_keys(tmp_path, ["spot", "spot"])) == 4


@pytest.mark.parametrize("what", [".", "learner.pub"])
def test_a_robot_believes_no_learner_whom_others_could_have_put_there(tmp_path, what):
    new_keys(tmp_path)
    os.chmod(tmp_path / what, (tmp_path / what).stat().st_mode | 0o002)
    with pytest.raises(KeyProblem, match="chmod go-w"):
        load_actor_keys(tmp_path)


@pytest.mark.parametrize("name", ["actor.key", "learner.pub"])
def test_a_key_that_cannot_be_read_is_a_problem_with_words(tmp_path, name):
    new_keys(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir(mode=0o700)
    with pytest.raises(KeyProblem, match=rf"{name} cannot be read.*belong to the user"):
        load_actor_keys(tmp_path)


def test_a_file_that_is_no_key_is_not_used(tmp_path):
    new_keys(tmp_path)
    (tmp_path / "actor.key").write_text("secret")
    with pytest.raises(KeyProblem, match="40 characters"):
        load_actor_keys(tmp_path)


def test_listening_beyond_loopback_takes_keys_or_an_explicit_word(tmp_path, caplog):
    everywhere, here = Address.parse("0.0.0.0:5555"), Address.parse("127.0.0.1:5555")
    check_exposure(here, None, insecure=False)
    with pytest.raises(LinkError, match="daydreamer keys new"):
        check_exposure(everywhere, None, insecure=False)
    new_keys(tmp_path)
    check_exposure(everywhere, load_learner_keys(tmp_path), insecure=False)
    assert not caplog.messages
    check_exposure(everywhere, None, insecure=True)
    assert "anyone on the network" in caplog.text


@pytest.fixture
def door(tmp_path):
    """A doorman of two robots' keys, time, and libzmq's side of its door: ask with a key, hear the verdicts."""

    class Door:
        def __init__(self, context):
            new_keys(tmp_path, ["spot", "rex"])
            self.now = 0.0
            self.allowed = tmp_path / "allowed"
            self.doorman = Doorman(context, load_learner_keys(tmp_path), lambda: self.now)
            self._asking = context.socket(zmq.DEALER)
            self._asking.connect("inproc://zeromq.zap.01")

        def ask(self, name):
            key = z85.decode(load_actor_keys(tmp_path, name).public)
            question = [b"1.0", b"1", b"daydreamer", b"192.0.2.1", b"", b"CURVE", key]
            self._asking.send_multipart([b"", *question])

        def verdicts(self):
            self.doorman.answer()
            heard = []
            while self._asking.poll(0):
                *_, verdict, _, ticket, _ = self._asking.recv_multipart()
                heard.append(int(verdict))
                self.ticket = ticket.decode()  # the newest
            return heard

    context = zmq.Context()
    yield Door(context)
    context.destroy(linger=0)


def test_whoever_asks_without_end_is_answered_a_few_times_in_a_turn(door):
    (door.allowed / "rex.pub").unlink()
    for _ in range(3 * MOST_ANSWERS):
        door.ask("rex")
    door.ask("spot")
    assert [door.verdicts() for _ in range(4)] == 3 * [MOST_ANSWERS * [400]] + [[200]]


def test_the_keys_are_read_once_in_a_while_however_many_ask(door):
    door.ask("rex")
    assert door.verdicts() == [200]
    rex = door.ticket
    door.ask("spot")
    assert door.verdicts() == [200]
    spot = door.ticket
    (door.allowed / "spot.pub").unlink()
    (door.allowed / "rex.pub").rename(door.allowed / "tom.pub")
    door.now = LOOK_EVERY - 0.01
    door.ask("spot"), door.ask("rex")
    assert door.verdicts() == [200, 200] and door.doorman.still_allows(spot)
    door.now = LOOK_EVERY
    assert not door.doorman.still_allows(spot) and not door.doorman.still_allows(rex)
    door.ask("spot"), door.ask("rex")
    assert door.verdicts() == [400, 200] and door.doorman.still_allows(door.ticket)
    assert owner_of(door.ticket) == "tom"


def test_a_ticket_is_good_for_the_key_that_was_shown_and_not_for_its_successor(door, tmp_path):
    door.ask("rex")
    assert door.verdicts() == [200]
    of_before = door.ticket
    (tmp_path / "rex.key").unlink(), (door.allowed / "rex.pub").unlink()
    new_keys(tmp_path, ["rex"])
    door.now = LOOK_EVERY
    door.ask("rex")
    assert door.verdicts() == [200] and door.doorman.still_allows(door.ticket)
    assert not door.doorman.still_allows(of_before)


def test_a_key_that_others_can_write_to_lets_nobody_in_until_that_is_mended(door, caplog):
    path = door.allowed / "spot.pub"
    os.chmod(path, 0o666)
    door.ask("spot"), door.ask("rex")
    assert door.verdicts() == [400, 200] and "can be written by other users" in caplog.text
    os.chmod(path, 0o644)
    door.now = LOOK_EVERY
    door.ask("spot")
    assert door.verdicts() == [200]

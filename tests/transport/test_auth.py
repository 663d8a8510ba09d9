"""Keys are made, kept to their owner, and decide who comes in."""

import os

import pytest

from daydreamer.transport.address import Address
from daydreamer.transport.auth import KeyProblem, check_exposure, load_actor_keys, load_learner_keys, new_keys
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

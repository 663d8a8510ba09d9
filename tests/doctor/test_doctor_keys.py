"""The directory of keys, as a learner's and as a robot's."""

import shutil

import pytest

from daydreamer.doctor import keys
from daydreamer.doctor.check import Level
from daydreamer.transport.auth import new_keys


@pytest.fixture
def made(tmp_path):
    new_keys(tmp_path / "keys", ["actor", "two"])
    return tmp_path / "keys"


def levels(checks):
    return {check.name: check.level for check in checks}


def test_fresh_keys_are_fine_on_the_learners_side(made):
    found = keys.checks(made, "actor")
    assert levels(found) == {
        "directory": Level.OK,
        "learner": Level.OK,
        "actors' secrets": Level.NOTE,  # they belong on the robots
        "actor": Level.OK,
    }
    assert "lets in actor, two" in found[1].found


def test_a_robot_needs_two_files(made, tmp_path):
    robot = tmp_path / "robot"
    robot.mkdir(mode=0o700)
    for name in ("two.key", "learner.pub"):
        shutil.copy(made / name, robot)
    assert levels(keys.checks(robot, "two")) == {"directory": Level.OK, "two": Level.OK}
    (missing,) = [check for check in keys.checks(robot, "actor") if check.level is Level.PROBLEM]
    assert "has two.key" in missing.found and "actor.key" in missing.do


def test_a_secret_that_others_can_read_is_a_problem(made):
    (made / "actor.key").chmod(0o644)
    assert levels(keys.checks(made, "actor"))["actor"] is Level.PROBLEM


def test_a_directory_that_others_can_look_into_is_noted(made):
    made.chmod(0o755)
    assert levels(keys.checks(made, "actor"))["directory"] is Level.NOTE


def test_a_public_key_of_another_pair_is_found(made):
    shutil.copy(made / "allowed" / "actor.pub", made / "learner.pub")
    assert levels(keys.checks(made, "actor"))["learner"] is Level.PROBLEM


def test_no_directory_says_how_to_make_one(tmp_path):
    (check,) = keys.checks(tmp_path / "none", "actor")
    assert check.level is Level.PROBLEM and "daydreamer keys new" in check.do

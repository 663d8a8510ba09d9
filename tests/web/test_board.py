"""Which robots are shown, alarmed about and moved, when some of a run's actors are gone."""

import errno
import threading
from dataclasses import replace

import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.monitor.record import Record
from daydreamer.runtime.hands import Wanted
from daydreamer.runtime.wanted_file import WantedFile
from daydreamer.transport.console_file import ConsoleFile
from daydreamer.web.board import Board
from daydreamer.web.run_follower import RunFollower
from tests.web.conftest import FakeConsole


class Actor:
    """Its console, and its file in the run."""

    def __init__(self, run_dir, name):
        self.console, self.name, self.directory = FakeConsole(), name, run_dir.actor(name)
        self.file = ConsoleFile("127.0.0.1:1", f"token of {name}", name, 1)
        self.file.write(self.directory)

    def end(self):
        self.console.deaf, self.console.newest = True, None
        replace(self.file, ended=True).write(self.directory)


@pytest.fixture
def actors(run_dir):
    return {name: Actor(run_dir, name) for name in ("rex", "spot")}


@pytest.fixture
def board(run_dir, actors):
    made = Board(run_dir, {}, lambda file: actors[file.parent.name.removeprefix("actor-")].console)
    made.look_for_actors()
    yield made
    made.close()


def names(board):
    return [robot.name for robot in board.robots]


def settled(board):
    """Two looks, between which nobody says anything."""
    for robot in board.robots:
        robot.close()
    board.look_for_actors()
    board.look_for_actors()


def test_an_actor_that_ended_on_purpose_is_neither_shown_nor_missed(board, actors):
    actors["rex"].end()
    settled(board)
    assert names(board) == ["spot"]
    assert [message["name"] for message in board.robot_messages()] == [
        "actor"
    ]  # as spot's telemetry calls it
    board.hand("pause")
    board.hand("damp")  # confirmed, though rex answers nobody
    assert actors["spot"].console.wishes == [("pause", ""), ("damp", "")]


def test_one_that_the_learner_has_lost_is_an_alarm_unless_it_ended_on_purpose(board, actors, run_dir):
    there = {"learner/actors": 2.0, "actor/rex/connected": 1.0, "actor/spot/connected": 1.0}
    lost = {**there, "learner/actors": 1.0, "actor/rex/connected": 0.0}
    lines = [Record(0, 2000.0, there), Record(0, 2130.0, lost)]
    run_dir.metrics.write_bytes(b"".join(line.to_line() for line in lines))
    board.run.look()
    assert "an actor is gone: rex" in map(str, board.alarms())
    actors["rex"].end()
    settled(board)
    assert "actor-gone" not in [raised.alarm.key for raised in board.alarms()]


def test_one_that_was_killed_is_still_shown_and_missed(board, actors):
    actors["rex"].console.deaf, actors["rex"].console.newest = True, None
    settled(board)
    assert names(board) == ["rex", "spot"]
    with pytest.raises(DaydreamerError, match="rex: no answer"):
        board.hand("damp")


def test_a_stop_that_was_not_received_goes_on_and_holds_for_the_next_life(
    board, actors, run_dir, monkeypatch
):
    monkeypatch.setattr("daydreamer.web.board._AGAIN", 0.001)
    rex, spot = actors["rex"].console, actors["spot"].console
    rex.deaf = True  # between two lives
    with pytest.raises(DaydreamerError, match="rex: no answer"):
        board.hand("damp", "Ann")
    rex.deaf = False
    assert rex.wished.wait(60)
    assert rex.wishes == spot.wishes == [("damp", "Ann")]
    assert WantedFile.read(run_dir.wishes("rex")) is Wanted.LIMP
    assert WantedFile.read(run_dir.wishes("spot")) is Wanted.RUN


def test_one_that_speaks_although_its_file_says_that_it_has_ended_is_shown(board, actors):
    settled(board)
    replace(actors["rex"].file, ended=True).write(actors["rex"].directory)
    rex = board.robots[0]
    rex.take(actors["rex"].console.newest)
    board.look_for_actors()
    assert names(board) == ["rex", "spot"]
    board.look_for_actors()  # and nothing was heard since
    assert names(board) == ["spot"]
    rex.take(actors["rex"].console.newest)
    board.look_for_actors()
    assert names(board) == ["rex", "spot"]


def test_one_that_begins_again_is_shown_again(board, actors):
    actors["rex"].end()
    settled(board)
    actors["rex"].file.write(actors["rex"].directory)
    board.look_for_actors()
    assert names(board) == ["rex", "spot"]


def test_a_stop_is_tried_at_those_that_have_ended_too(board, actors):
    for actor in actors.values():
        replace(actor.file, ended=True).write(actor.directory)
    settled(board)
    assert names(board) == []
    with pytest.raises(DaydreamerError, match="no robot is connected"):
        board.hand("damp")
    wished = [actor.console.wished.wait(60) for actor in actors.values()]
    assert all(wished)


def test_an_actor_that_cannot_be_looked_at_for_a_moment_is_found_all_the_same(run_dir, monkeypatch):
    monkeypatch.setattr("daydreamer.web.board._SEARCH_EVERY", 0.001)
    spot, tries, found = Actor(run_dir, "spot"), [], threading.Event()

    def open_console(file):
        tries.append(file)
        if len(tries) < 3:
            raise OSError(errno.EMFILE, "Too many open files")
        found.set()
        return spot.console

    board = Board(run_dir, {}, open_console)
    board.start()
    try:
        assert found.wait(60)
        board.look_for_actors()
        board.hand("damp")
        assert spot.console.wishes == [("damp", "")]
    finally:
        board.close()


def test_a_mistake_with_one_line_does_not_end_what_follows_a_run(run_dir, monkeypatch):
    monkeypatch.setattr("daydreamer.web.run_follower._EVERY", 0.001)
    follower, again = RunFollower(run_dir), threading.Event()
    look = follower.look

    def broken():
        monkeypatch.setattr(follower, "look", lambda: (look(), again.set()))
        raise OverflowError("int too large to convert to float")

    monkeypatch.setattr(follower, "look", broken)
    follower.start()
    try:
        assert again.wait(60)
        assert follower.status()["metrics"]["learner/steps"] == 100
    finally:
        follower.close()


def test_a_run_is_not_told_as_ended_beside_an_alarm_of_before(run_dir, monkeypatch):
    board = Board(run_dir, {}, lambda file: None)
    board.run.look()
    alarms = board.alarms

    def and_then_it_ends():
        """What follows the run reads its end at once afterwards."""
        raised = alarms()
        with run_dir.events.open("a") as file:
            file.write('{"time": 1700.0, "event": "stop", "reason": "finished"}\n')
        board.run.look()
        return raised

    monkeypatch.setattr(board, "alarms", and_then_it_ends)
    status = board.status()
    assert [alarm["key"] for alarm in status["alarms"]] == ["metrics-silent"]
    assert status["ended"] is None
    status = board.status()
    assert (status["ended"], status["alarms"]) == ("finished", [])
    board.close()

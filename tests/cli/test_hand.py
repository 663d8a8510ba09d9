"""Wishes from a shell: what is waited for, and what is said when nobody is there."""

from types import SimpleNamespace

import numpy as np
import pytest

from daydreamer.cli.hand import follow, in_vain, is_so
from daydreamer.cli.main import main
from daydreamer.runtime.hands import Wanted
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.wanted_file import WantedFile
from daydreamer.transport.console import Console
from daydreamer.transport.console_file import ConsoleFile
from daydreamer.transport.link import LinkError
from robots.clock import ManualClock
from tests.contracts.telemetry import telemetry as whole_telemetry


def telemetry(activity="learning", last_hand="", speed=0.0, stopped="", good=0):
    return SimpleNamespace(
        activity=activity, last_hand=last_hand, joint_vel=np.full(12, speed), stopped=stopped, mode="NORMAL",
        counts={"good": good},
    )  # fmt: skip


class Client:
    """Gives one telemetry after the other, 0.1 s apart, then the last one again."""

    def __init__(self, clock, *shown):
        self._clock, self._shown = clock, list(shown)

    def latest(self, timeout):
        self._clock.advance(0.1)
        return self._shown.pop(0) if len(self._shown) > 1 else self._shown[0]


@pytest.fixture
def clock():
    return ManualClock()


def test_a_wish_is_followed_until_the_robot_says_what_came_of_it(clock):
    before, after = telemetry(), telemetry(last_hand="pause by Ada: the robot holds its pose")
    assert follow(Client(clock, before, before, after), "pause", before, 10.0, clock) is after
    assert clock.now() == pytest.approx(0.3)


def test_lying_down_is_over_when_the_robot_has_been_still_for_a_second(clock):
    lying = [telemetry("lying down", speed=2.0)] * 25 + [telemetry("lying down")]
    follow(Client(clock, telemetry(), *lying), "lie_down", None, 10.0, clock)
    # It moved until 2.6 s; a second later it is over.
    assert clock.now() == pytest.approx(3.6, abs=0.15)


def test_a_robot_that_was_still_all_along_is_given_the_time_of_the_motion(clock):
    follow(Client(clock, telemetry("lying down")), "lie_down", None, 10.0, clock)
    assert clock.now() == pytest.approx(2.0, abs=0.15)


def test_a_stopped_robot_does_not_lie_down_and_is_not_waited_for(clock):
    follow(Client(clock, telemetry("stopped", stopped="DAMP: pressed")), "lie_down", None, 10.0, clock)
    assert clock.now() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("wish", "effect", "stopped", "vain"),
    [
        ("reset", "refused: a motor is hot", "DAMP: hot", True),
        ("resume", "nothing: the robot is stopped and needs a reset first", "DAMP: pressed", True),
        ("resume", "nothing: it goes on already", "", False),
        ("reset", "nothing: the robot is not stopped", "", False),
        ("lie_down", "nothing: the robot is stopped and needs a reset first", "DAMP: pressed", False),
        ("mark_bad", "nothing: there is no row to mark yet", "", True),
        ("pause", "the robot holds its pose", "", False),
    ],
)
def test_a_script_learns_from_the_exit_code_what_was_in_vain(wish, effect, stopped, vain):
    after = telemetry(last_hand=f"{wish} by Ann: {effect}", stopped=stopped)
    assert in_vain(wish, after) == vain


def test_a_second_mark_of_the_same_row_is_told_of_by_its_count(clock):
    words = "good mark by Ann: row 7"
    before, after = telemetry(last_hand=words, good=1), telemetry(last_hand=words, good=2)
    assert follow(Client(clock, before, after), "mark_good", before, 10.0, clock) is after
    assert clock.now() == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("wish", "activity", "stopped", "so"),
    [
        ("pause", "learning", "", False),
        ("pause", "paused", "", True),
        ("resume", "paused", "", False),
        ("resume", "waiting", "", True),
        ("resume", "stopped", "DAMP", False),
        ("lie_down", "paused", "", False),
        ("lie_down", "stopped", "DAMP", True),
        ("damp", "learning", "", False),
        ("damp", "stopped", "DAMP", True),
        ("reset", "stopped", "DAMP", False),
        ("reset", "paused", "", True),
        ("mark_good", "learning", "", False),
    ],
)
def test_what_nobody_tells_of_is_judged_by_how_the_robot_is(wish, activity, stopped, so):
    assert is_so(wish, telemetry(activity, stopped=stopped)) == so


@pytest.mark.parametrize(("activity", "code"), [("learning", 2), ("paused", 0)])
def test_a_wish_that_no_loop_serves_is_not_said_to_be_done(tmp_path, capsys, activity, code, monkeypatch):
    monkeypatch.setattr("daydreamer.cli.hand.HANGS", 60.0)  # of a loop that hangs nothing is said to be so
    received = []
    console = Console("127.0.0.1:0", "secret", received.append)
    ConsoleFile(console.address, "secret").write(RunDir(tmp_path).actor("actor"))
    console.start()
    # What came of an earlier hand is no answer to this one.
    console.post(whole_telemetry(activity=activity, last_hand="resume by Ann: the policy drives again"))
    try:
        with pytest.raises(SystemExit) as stop:
            main(["hand", "pause", str(tmp_path), "--wait", "0.3"])
        assert stop.value.code == code
    finally:
        console.close()
    assert [hand.wish for hand in received] == ["pause"]
    assert "does not say what came of it" in capsys.readouterr().out


def test_waiting_has_an_end(clock):
    assert follow(Client(clock, None), "lie_down", None, 5.0, clock) is None
    assert clock.now() == pytest.approx(5.0, abs=0.15)


def test_a_run_without_an_actor_says_so(capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["hand", "lie_down", str(tmp_path)])
    assert stop.value.code == 2
    assert "is missing: its actor has not begun" in capsys.readouterr().err


@pytest.mark.parametrize("wish", ["pause", "resume", "lie_down", "reset", "mark_good"])
def test_an_actor_that_has_ended_is_not_waited_for(tmp_path, capsys, unheard, wish):
    client = unheard(vain=9)
    ConsoleFile("127.0.0.1:1", "secret", ended=True).write(RunDir(tmp_path).actor("actor"))
    with pytest.raises(SystemExit) as stop:
        main(["hand", wish, str(tmp_path)])
    said = capsys.readouterr().err
    assert stop.value.code == 2 and not client.kept
    assert f"the actor has ended and its robot is damped: nobody hears '{wish}'" in said


def test_a_stop_of_an_actor_that_has_ended_is_kept_for_its_next_life(tmp_path, unheard):
    unheard(vain=9)
    ConsoleFile("127.0.0.1:1", "secret", ended=True).write(RunDir(tmp_path).actor("actor"))
    with pytest.raises(SystemExit):
        main(["hand", "damp", str(tmp_path)])
    assert WantedFile.read(RunDir(tmp_path).wishes("actor")) is Wanted.LIMP


class Unheard:
    """A client whose first ``vain`` wishes nobody receives; remembers what was kept of each by then."""

    def __init__(self, wishes, vain):
        self._wishes, self._vain, self.kept = wishes, vain, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def latest(self, timeout):
        if len(self.kept) <= self._vain:
            return None
        return whole_telemetry(last_hand="damp by a person: the robot damps", stopped="DAMP")

    def send(self, wish, operator):
        self.kept.append(WantedFile.read(self._wishes))
        if len(self.kept) <= self._vain:
            raise LinkError("no answer")


@pytest.fixture
def unheard(tmp_path, monkeypatch):
    def make(vain):
        RunDir(tmp_path).actor("actor").mkdir()
        client = Unheard(RunDir(tmp_path).wishes("actor"), vain)
        monkeypatch.setattr("daydreamer.cli.hand.ConsoleClient", lambda *how, **more: client)
        return client

    return make


def test_a_stop_that_nobody_receives_is_kept_for_the_next_life_and_is_no_success(tmp_path, capsys, unheard):
    unheard(vain=2)
    with pytest.raises(SystemExit) as stop:
        main(["hand", "damp", str(tmp_path)])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "NOBODY CONFIRMED THE STOP" in said and "kept for the actor's next life" in said
    assert WantedFile.read(RunDir(tmp_path).wishes("actor")) is Wanted.LIMP


def test_a_life_that_began_while_a_stop_was_being_kept_hears_it(tmp_path, unheard):
    client = unheard(vain=1)
    with pytest.raises(SystemExit) as stop:
        main(["hand", "damp", str(tmp_path), "--wait", "0.3"])
    assert stop.value.code == 0
    assert client.kept == [Wanted.RUN, Wanted.LIMP], "whatever it read at its beginning"


def test_of_other_wishes_that_nobody_receives_nothing_is_kept(tmp_path, unheard):
    client = unheard(vain=9)
    with pytest.raises(SystemExit) as stop:
        main(["hand", "pause", str(tmp_path)])
    assert stop.value.code == 2 and client.kept == [Wanted.RUN]
    assert WantedFile.read(RunDir(tmp_path).wishes("actor")) is Wanted.RUN


def test_a_stop_of_a_run_that_is_not_there_makes_none(tmp_path, capsys, unheard):
    unheard(vain=9)
    with pytest.raises(SystemExit) as stop:
        main(["hand", "damp", str(tmp_path / "misspelt")])
    assert stop.value.code == 2 and "not kept for the actor's next life" in capsys.readouterr().err
    assert not (tmp_path / "misspelt").exists()

"""The actor's loop with people at its console: a robot that is paused, laid down, stopped, and started again."""

import json

import numpy as np
import pytest

from daydreamer.core.transition import row_spec
from daydreamer.envs.brake import Brake
from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.tasks.walk import WalkTask
from daydreamer.runtime.actor import Actor, ActorConfig
from daydreamer.runtime.attendant import Attendant
from daydreamer.runtime.events import EventLog
from daydreamer.runtime.hands import Wanted
from daydreamer.runtime.wanted_file import WantedFile, put_aside
from daydreamer.transport.console_messages import Hand, HandRefused
from daydreamer.transport.link import LinkStatus
from robots.a1.stand import MOTIONS, Waypoint
from robots.clock import ManualClock
from robots.fake import FakeRobot

UNIX = 1e9  # s, where the loop's wall time is 0


class Link:
    """Takes every row."""

    stream = "stream"

    def __init__(self):
        self.rows, self.room, self.reports, self.wants = [], 10**9, [], 1

    def send(self, row):
        self.rows.append(row)
        return len(self.rows) - 1

    def policy(self):
        return None

    def credit(self):
        return self.wants

    def report(self, metrics):
        self.reports.append(metrics)

    def status(self):
        return LinkStatus(True, 0, 0, len(self.rows), 0)


class Loop:
    """An actor on the fake robot; ``wish`` acts after so many questions of its loop."""

    def __init__(self, tmp_path, paced=False, config=None):
        self.robot, self.wall = FakeRobot(), ManualClock()
        self.env = RobotEnv(
            self.robot,
            WalkTask(self.robot.info),
            patience=0.1,
            wall=self.wall,
            unix=lambda: UNIX + self.wall.now(),
        )
        self.attendant = Attendant(
            self.env,
            "actor",
            EventLog(tmp_path / "events.jsonl"),
            paced,
            _Ticking(self.wall),
            tmp_path / "wanted",
        )
        self.shown = []
        self.attendant.post = lambda make: self.shown.append(make())
        self.link = Link()
        self.events = tmp_path / "events.jsonl"
        self.actor = Actor(
            self.env,
            self.link,
            config or ActorConfig(),
            self.robot.clock,
            self.wall,
            self.env.timing,
            0,
            self.attendant,
        )

    def run(self, script, questions):
        """``script``: {question: wish, or what to do then}; stops after so many questions."""
        asked = 0

        def stop():
            nonlocal asked
            asked += 1
            for wish in [script[asked]] if asked in script else []:
                wish() if callable(wish) else self.attendant.take(Hand(wish, "Ann", "test"))
            return "enough" if asked > questions else None

        self.actor.run(stop)
        self.attendant.chores()
        self.attendant.close()
        return [bool(row["is_first"]) for row in self.link.rows], [
            bool(row["is_last"]) for row in self.link.rows
        ]

    def activities(self):
        found = [one.activity for one in self.shown]
        return [a for n, a in enumerate(found) if n == 0 or found[n - 1] != a]


class _Ticking:
    """Wall time that a look moves on, so that nothing is shown too soon."""

    def __init__(self, clock):
        self.clock = clock

    def now(self):
        self.clock.advance(0.025)
        return self.clock.now()

    def sleep_until(self, deadline):
        self.clock.sleep_until(deadline)


@pytest.fixture
def loop(tmp_path):
    return Loop(tmp_path)


def test_a_pause_ends_the_stretch_and_a_resume_begins_another(loop):
    first, last = loop.run({4: "pause", 12: "resume"}, 20)
    end = last.index(True)
    assert first[0] and first[end + 1] and sum(first) == 2 and sum(last) == 1
    assert not any(bool(row["is_terminal"]) for row in loop.link.rows), "a pause is no terminal state"
    assert row_spec(loop.env.obs_spec, loop.env.act_spec).keys() == loop.link.rows[0].keys()
    assert loop.activities() == ["random", "paused", "random"]
    assert not loop.link.rows[end]["action"].any()


def test_a_paused_robot_holds_its_pose(loop):
    loop.run({6: "pause"}, 40)
    sent = list(loop.robot.commands)
    poses = np.stack([command.pos for command in sent[-25:]])
    assert (sent[-1].kp > 0).all() and np.ptp(poses, axis=0).max() == 0.0
    assert loop.shown[-1].mode == "NORMAL" and loop.shown[-1].activity == "paused"
    steps = {one.steps for one in loop.shown if one.activity == "paused"}
    assert len(steps) == 1, "no step is counted meanwhile"
    assert loop.link.reports == [] or loop.link.reports[-1]["actor/paused"] == 1.0


def test_a_paused_robot_that_cannot_follow_is_not_pulled_on(loop):
    loop.robot.limp = True
    loop.run({6: "pause"}, 40)
    pulls = np.stack([command.pos for command in list(loop.robot.commands)[4:]]) - loop.robot.info.stand_pos
    assert abs(pulls[0]).max() > 0.3, "it was asked to go far"
    assert abs(pulls[-25:]).max() == pytest.approx(0.2) and np.ptp(pulls[-25:], axis=0).max() == 0.0


def test_lying_down_folds_the_legs_and_then_damps(loop):
    loop.run({4: "lie_down"}, 60)
    assert loop.activities() == ["random", "lying down"]
    np.testing.assert_allclose(loop.shown[-1].joint_pos, MOTIONS["lie"][-1].pos, atol=0.05)
    assert not loop.robot.commands[-1].kp.any()


@pytest.mark.parametrize(
    "before",
    [{4: "damp", 6: "reset"}, {4: "lie_down", 50: "pause"}, {}],
    ids=["stopped and reset", "lain and paused", "never driven"],
)
def test_a_robot_that_damps_is_not_moved_to_lie_down(loop, before):
    """A service that is stopped wishes it, whoever has their hands in the robot."""
    loop.run({**before, (60 if before else 1): "lie_down"}, 100)
    assert loop.activities()[-1] == "lying down"
    assert not any(command.kp.any() for command in list(loop.robot.commands)[-45 if before else 0 :])


def test_a_person_may_change_their_mind_while_it_lies_down(loop):
    first, last = loop.run({4: "lie_down", 12: "resume"}, 30)
    assert loop.activities() == ["random", "lying down", "random"]
    assert sum(first) == 2 and sum(last) == 1
    assert abs(loop.shown[-1].joint_pos - MOTIONS["lie"][-1].pos).max() > 0.1, "the motion was cut short"


def test_a_stop_in_the_middle_of_a_step_ends_the_stretch_and_the_robot_damps(loop):
    step, count = loop.env.step, []

    def stopped_in_mid_step(action):
        count.append(0)
        if len(count) == 3:
            loop.attendant.take(Hand("damp", "Ann"))
        return step(action)

    loop.env.step = stopped_in_mid_step
    first, last = loop.run({10: "resume", 14: "reset", 20: "resume"}, 30)
    begins = [n for n, row in enumerate(first) if row]
    assert (begins, last.index(True)) == ([0, 3, 4], 3), "3 steps; the last row, by itself; the next stretch"
    assert loop.activities() == ["random", "stopped", "paused", "random"]
    stopped = [one for one in loop.shown if one.activity == "stopped"]
    assert {one.mode for one in stopped} == {"DAMP"} and "Ann" in stopped[0].stopped
    assert not any(command.kp.any() for command in list(loop.robot.commands)[2:5])


def test_a_stop_while_it_lies_down_stops_the_motion(loop):
    loop.run({4: "lie_down", 10: "damp"}, 30)
    assert loop.activities()[-1] == "stopped"
    assert not loop.robot.commands[-1].kp.any()


def test_a_stop_before_the_first_step_waits_for_its_reset(loop):
    loop.attendant.take(Hand("damp", "Ann"))
    first, last = loop.run({5: "reset", 8: "resume"}, 15)
    assert first[0] and not any(last) and len(first) > 2


def test_wishes_and_marks_are_written_down(loop):
    loop.run({4: "mark_good", 6: "pause"}, 10)
    lines = [json.loads(line) for line in loop.events.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["mark", "hand"]
    assert lines[0]["mark"] == "good" and lines[0]["stream"] == "stream" and lines[0]["actor"] == "actor"
    assert lines[0]["seq"] == 2, "asked for the 4th time: three rows were sent, the newest is number 2"


def test_telemetry_shows_the_robot_as_it_is(loop):
    loop.run({}, 10)
    seen = loop.shown[-1]
    assert seen.robot == "fake" and seen.joint_names == loop.robot.info.joint_names
    assert seen.steps == 10 and seen.robot_minutes == pytest.approx(10 / 20 / 60)
    assert seen.reward == pytest.approx(float(loop.env.glance.judged.reward))
    assert seen.reward_terms.keys() == {"upright", "hip", "thigh", "calf", "velocity"}
    assert {"late", "sense", "write", "policy", "period"} <= seen.times.keys()
    np.testing.assert_array_equal(seen.joint_target, loop.robot.commands[-1].pos)
    assert type(seen).from_bytes(seen.to_bytes()).steps == 10


def test_a_stop_that_comes_while_telemetry_is_made_is_told_with_its_reason_or_not_at_all(loop, monkeypatch):
    made, mode = [], Brake.mode
    loop.attendant.post = made.append
    loop.run({}, 10)

    def pressed_in_between(brake):
        monkeypatch.setattr(Brake, "mode", mode)
        brake.trip("stopped by Ann")
        return brake.mode

    monkeypatch.setattr(Brake, "mode", property(pressed_in_between))
    seen = made[-1]()
    assert (seen.mode, seen.activity, seen.stopped) == ("DAMP", "stopped", "DAMP: stopped by Ann")


def test_a_robot_that_falls_silent_while_it_rests_is_waited_for(loop):
    loop.run({3: "pause"}, 8)
    loop.robot.silent = True
    for _ in range(3):
        loop.attendant.rest(lambda: None)
    loop.robot.silent = False
    then = loop.robot.clock.now()
    loop.attendant.rest(lambda: None)
    assert loop.env.glance.state.time > then


def told_while_nothing_is_read(loop):
    """Telemetry that shows the newest reading again."""
    return [one for one in loop.shown if one.time == loop.shown[-1].time]


def test_a_silent_robots_last_reading_is_told_again_under_its_own_time_and_grows_old(loop):
    loop.run({3: "pause", 6: lambda: setattr(loop.robot, "silent", True)}, 20)
    told = told_while_nothing_is_read(loop)
    ages = [one.reading_age for one in told]
    assert len(told) > 5 and {one.wall for one in told} == {loop.env.glance.wall}
    assert ages == sorted(ages) and ages[-1] - ages[0] >= 0.025 * (len(told) - 1) - 1e-9
    assert told[-1].told == pytest.approx(UNIX + loop.wall.now(), abs=0.1)


def test_a_stand_in_that_waits_for_credit_shows_its_last_reading_under_its_own_time(tmp_path):
    loop = Loop(tmp_path, config=ActorConfig(wait_for_credit=True))
    loop.run({6: lambda: setattr(loop.link, "wants", 0)}, 20)
    told = told_while_nothing_is_read(loop)
    assert len(told) > 5 and len({one.wall for one in told}) == 1 and told[-1].reading_age > 0.1


def test_a_robot_of_another_build_has_no_scripted_way_to_lie_down(loop, monkeypatch):
    monkeypatch.setattr("daydreamer.runtime.attendant._LIE", (Waypoint(np.zeros(3), 1.0),))
    with pytest.raises(HandRefused, match="no scripted way"):
        loop.attendant.take(Hand("lie_down"))


def test_where_simulated_time_flies_a_rest_takes_wall_time(tmp_path):
    loop = Loop(tmp_path, paced=True)
    loop.run({2: "pause"}, 20)
    paused = [one for one in loop.shown if one.activity == "paused"]
    assert len(paused) > 10 and loop.wall.now() >= 0.05 * len(paused)


def test_a_servo_that_tells_how_it_keeps_its_rate_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(FakeRobot, "statistics", lambda self: {"late_p99_ms": 0.4}, raising=False)
    loop = Loop(tmp_path)
    loop.run({}, 5)
    assert loop.shown[-1].servo == {"late_p99_ms": 0.4}


def test_counts_go_on_in_the_next_life_of_the_actor(tmp_path):
    for life in (1, 2):
        loop = Loop(tmp_path)
        loop.run({4: "mark_reset", 6: "mark_good"}, 20)
        assert (loop.shown[-1].counts["set_by_hand"], loop.shown[-1].counts["good"]) == (life, life)


@pytest.mark.parametrize("wish", ["pause", "lie_down", "damp"])
def test_an_actor_that_starts_again_while_it_was_aside_damps_until_someone_resumes(tmp_path, wish):
    Loop(tmp_path).run({4: wish}, 10)
    again = Loop(tmp_path)
    again.run({}, 10)
    assert not again.link.rows and again.activities() == ["paused"]
    assert not any(command.kp.any() for command in again.robot.commands)
    third = Loop(tmp_path)
    first, _ = third.run({4: "resume"}, 15)
    assert first[0] and len(first) > 2 and third.activities() == ["paused", "random"]


@pytest.mark.parametrize("script", [{4: "reset", 8: "resume"}, {4: "damp", 8: "reset", 12: "resume"}])
def test_a_stop_that_was_kept_while_no_actor_was_there_holds_until_someone_resumes(tmp_path, script):
    put_aside(tmp_path / "wanted")
    loop = Loop(tmp_path)
    loop.run({}, 10)
    assert not loop.link.rows and not any(command.kp.any() for command in loop.robot.commands)
    again = Loop(tmp_path)  # the panel repeats the stop until it is received: then it wants a reset, too
    first, _ = again.run(script, 30)
    assert first[0] and len(first) > 2
    assert WantedFile.read(tmp_path / "wanted") is Wanted.RUN, "the next life goes on"


def test_an_actor_that_hung_while_a_stop_was_kept_does_not_undo_it_without_a_persons_wish(tmp_path):
    loop = Loop(tmp_path)
    loop.run({4: lambda: put_aside(tmp_path / "wanted"), 6: "mark_good", 8: "resume"}, 20)
    assert WantedFile.read(tmp_path / "wanted") is Wanted.LIMP
    loop = Loop(tmp_path)
    loop.run({}, 10)
    assert loop.activities() == ["paused"]

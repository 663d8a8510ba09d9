"""Where an actor's rows end and begin: policies that say no number, ends, a full spool, a silent robot."""

import pytest

from daydreamer.transport.link import PolicyMessage
from robots.robot import StaleState
from tests.runtime.actor_life import Stop


def test_an_action_that_is_no_number_moves_nothing_and_cuts_the_stream(
    make_actor, env, actor_link, make_policy, caplog
):
    actor = make_actor(explore=False)
    actor_link.policies.append(PolicyMessage.of(0, make_policy(0.8)))
    actor.run(Stop(1))
    actor_link.policies.append(PolicyMessage.of(1, make_policy(float("nan"), version=1)))
    actor.run(Stop(1))
    actor_link.policies.append(PolicyMessage.of(2, make_policy(0.2, version=2)))
    held = actor_link.rows[-1]
    assert held["is_last"] and held["policy_version"] == 1
    assert held["action"].tolist() == pytest.approx([0.4, 0.4]), "what was last applied: half of 0.8"
    assert "not finite" in caplog.text


def test_after_such_an_action_the_next_row_is_a_first_one(make_actor, actor_link, make_policy):
    actor_link.policies.append(PolicyMessage.of(1, make_policy(float("nan"))))
    make_actor(explore=False).run(Stop(3))
    assert [row["is_first"].item() for row in actor_link.rows] == [True, True, True]
    assert [row["is_last"].item() for row in actor_link.rows] == [True, True, True]


def test_the_end_of_an_episode_is_sent_and_followed_by_a_reset(make_actor, env, actor_link):
    env.ends = {2}
    make_actor().run(Stop(6))
    assert [row["count"].item() for row in actor_link.rows[:5]] == [0, 1, 2, 0, 1]
    assert [row["is_last"].item() for row in actor_link.rows[:5]] == [False, False, True, False, False]
    assert not actor_link.rows[2]["action"].any()
    assert actor_link.rows[3]["is_first"]


def test_a_full_spool_holds_a_real_robot_in_its_pose_until_there_is_room(
    make_actor, env, actor_link, make_policy
):
    actor_link.policies.append(PolicyMessage.of(0, make_policy(0.8)))
    actor_link.room = 3
    stop = Stop(20)

    def make_room():
        if stop.left == 10:
            actor_link.room = 100
        return stop()

    make_actor(explore=False).run(make_room)
    first = [row["is_first"].item() for row in actor_link.rows]
    last = [row["is_last"].item() for row in actor_link.rows]
    assert last.index(True) == 3 and first[3:5] == [False, True], "the gap is marked on both sides"
    gap = int(actor_link.rows[4]["count"].item()) - int(actor_link.rows[3]["count"].item())
    assert gap > 1, "the robot was held, not stopped"
    held = [action[0] for action in env.actions[4 : 4 + gap - 1]]
    assert held == pytest.approx([0.4] * (gap - 1)), "always what was last applied"


def test_a_hold_that_ends_with_the_end_of_a_stretch_marks_its_gap_too(make_actor, env, actor_link):
    actor_link.room, env.ends = 3, {12}

    def make_room():
        if len(env.actions) == 12:
            actor_link.room = 5
        return "enough" if len(actor_link.rows) == 5 else None

    make_actor().run(make_room)
    # Row 3 finds no room; the robot holds for 9 steps, and the last of them is an end.
    assert [row["count"].item() for row in actor_link.rows] == [0, 1, 2, 3, 12]
    assert [row["is_first"].item() for row in actor_link.rows] == [True, False, False, False, True]
    assert [row["is_last"].item() for row in actor_link.rows] == [False, False, False, True, True]


def test_a_full_spool_stops_the_time_of_a_stand_in(make_actor, env, actor_link):
    actor_link.room = 3
    stop = Stop(20)
    make_actor(wait_for_credit=True).run(stop)
    assert len(actor_link.rows) == 3
    assert len(env.actions) == 4, "one step more than rows: the row that found no room"


def test_a_robot_that_falls_silent_is_asked_again(make_actor, env, actor_link):
    env.ends = {1}
    calls = []
    reset = env.reset

    def sometimes():
        calls.append(len(calls))
        if len(calls) in (2, 3):
            raise StaleState("silence")
        return reset()

    env.reset = sometimes
    make_actor().run(Stop(8))
    assert len(calls) >= 4 and len(actor_link.rows) > 3

from itertools import pairwise

import numpy as np
import pytest

from daydreamer.core.errors import Refused
from daydreamer.runtime.actor import Actor, ActorConfig, LinkLost, RobotLost, run_actor
from daydreamer.runtime.attendant import Alone
from daydreamer.runtime.policy import OnnxPolicy
from daydreamer.transport.link import LinkError, PolicyMessage
from robots.robot import CommandError, RobotError
from tests.runtime.actor_life import Immediate, Stop


def test_a_row_is_an_observation_the_action_chosen_after_it_and_what_became_of_it(
    make_actor, env, actor_link
):
    assert make_actor().run(Stop(3)) == "enough"
    assert [row["count"].item() for row in actor_link.rows] == [0, 1, 2]
    assert [row["is_first"].item() for row in actor_link.rows] == [True, False, False]
    for row, action in zip(actor_link.rows, env.actions, strict=True):
        assert (row["action"] == action).all()
        assert (row["applied/action"] == action / 2).all(), "applied belongs to the same step as the action"
    assert [row["time"].item() for row in actor_link.rows] == pytest.approx([100.0, 100.05, 100.1])
    assert {row["policy_version"].item() for row in actor_link.rows} == {-1}


def test_rows_are_copies(make_actor, env, actor_link):
    make_actor().run(Stop(1))
    kept = actor_link.rows[0]["action"].copy()
    env.actions[0] += 1
    assert (actor_link.rows[0]["action"] == kept).all()


def test_babbling_holds_an_action_in_the_policy_s_place_now_and_then(
    make_actor, actor_link, make_policy, wall
):
    actor_link.policies.append(PolicyMessage.of(3, make_policy(0.25, version=3)))
    actor = make_actor(babble=0.5, babble_hold=2)
    actor.run(Stop(60))
    actions = [row["action"] for row in actor_link.rows]
    held = [(one == other).all() for one, other in pairwise(actions)]
    assert 5 < sum(held) < 55, "the policy's own noise is drawn anew at each step"
    wall.sleep_until(wall.now() + 1)
    actor.run(Stop(1))
    assert sum(held) / 60 < actor_link.reports[-1]["actor/babbling"] < 0.9, (
        "each takes two steps, one is held"
    )


def test_the_policy_goes_on_from_what_babbling_did(make_actor, actor_link):
    # The random policy holds what its carry says was done last, for 1,000 steps: it must not return to its own first.
    make_actor(hold=1000, babble=0.2, babble_hold=2).run(Stop(60))
    actions = [row["action"] for row in actor_link.rows]
    own = [(action == actions[0]).all() for action in actions]
    assert own[0] and own.index(False) > 0 and not any(own[own.index(False) :])


def test_nobody_babbles_without_exploring(make_actor, actor_link, make_policy):
    actor_link.policies.append(PolicyMessage.of(3, make_policy(0.25, version=3)))
    make_actor(explore=False, babble=0.5, babble_hold=2).run(Stop(20))
    assert all((row["action"] == 0.25).all() for row in actor_link.rows)


def test_a_new_policy_takes_over_between_two_steps(make_actor, actor_link, make_policy):
    actor = make_actor(explore=False)
    actor_link.policies.append(PolicyMessage.of(3, make_policy(0.25, version=3)))
    actor.run(Stop(2))
    actor_link.policies.append(PolicyMessage.of(4, make_policy(-0.5, version=4)))
    actor.run(Stop(1))
    assert [row["policy_version"].item() for row in actor_link.rows] == [3, 3, 4]
    assert [row["action"][0].item() for row in actor_link.rows] == [0.25, 0.25, -0.5]


def test_a_policy_that_begins_in_the_middle_of_a_stream_is_told_that_it_begins(
    make_actor, actor_link, make_policy, monkeypatch
):
    # Only is_first makes it begin as it learned to: its carry may hold earlier observations, or a learned beginning.
    told, run = [], OnnxPolicy.__call__

    def listen(policy, carry, obs, noise):
        told.append((policy.version, bool(obs["is_first"])))
        return run(policy, carry, obs, noise)

    monkeypatch.setattr(OnnxPolicy, "__call__", listen)
    steps = iter(range(7))
    arrivals = {2: 3, 4: 4}  # before which step which version comes: the first steps are the random policy's

    def stop():
        if (version := arrivals.get(now := next(steps))) is not None:
            actor_link.policies.append(PolicyMessage.of(version, make_policy(0.25, version=version)))
        return "enough" if now == 6 else None

    make_actor().run(stop)
    assert told == [(3, True), (3, False), (4, False), (4, False)], (
        "a version that goes on from it begins nothing"
    )
    assert [row["is_first"].item() for row in actor_link.rows] == [True] + 5 * [False], "the stream goes on"


def test_exploration_is_the_policys_noise_kept_within_bounds(make_actor, actor_link, make_policy):
    actor_link.policies.append(PolicyMessage.of(0, make_policy(0.9)))
    make_actor(explore=True).run(Stop(50))
    actions = np.stack([row["action"] for row in actor_link.rows])
    assert actions.std() > 0.2 and actions.max() == 1.0


def test_where_time_can_stand_still_it_waits_for_credit(make_actor, env, actor_link, wall):
    actor_link.wanted = 2
    make_actor(wait_for_credit=True).run(Stop(10))
    assert len(actor_link.rows) == len(env.actions) == 2
    assert wall.now() == pytest.approx(8 * 0.005), "eight waits of 5 ms"


def test_on_a_real_robot_it_never_waits(make_actor, actor_link):
    actor_link.wanted = 2
    make_actor(wait_for_credit=False).run(Stop(10))
    assert len(actor_link.rows) == 10


def test_the_learner_can_stop_it(make_actor, actor_link):
    actor_link.stopped = "finished"
    assert make_actor().run(lambda: None) == "finished"


def test_a_learner_that_never_wanted_it_is_an_error(make_actor, actor_link):
    actor_link.connected, actor_link.refused = False, "other rows"
    with pytest.raises(Refused, match="other rows"):
        make_actor().run(Stop(3))


def test_a_learner_that_refuses_does_so_before_the_robot_is_touched(make_actor, env, actor_link, wall):
    actor_link.connected = False

    def refuse_later():
        if wall.now() > 2.0:
            actor_link.refused = "other rows"

    with pytest.raises(Refused, match="other rows"):
        make_actor().run(refuse_later)
    assert env.resets == 0 and env.actions == []


def test_without_a_word_from_the_learner_it_begins_after_a_while(make_actor, env, actor_link, wall):
    actor_link.connected = False
    make_actor(await_learner=0.1).run(Stop(23))
    assert wall.now() == pytest.approx(0.1) and len(env.actions) == 3


def test_the_loop_is_not_asked_for_before_the_robot_is_connected(make_actor, env, actor_link):
    actor_link.connected = False
    resets_when_asked = []

    def stop():
        resets_when_asked.append(env.resets)
        return "enough" if len(resets_when_asked) > 3 else None

    assert make_actor(await_learner=0.1).run(stop, before=lambda: None) == "enough"
    assert resets_when_asked == 4 * [1]
    assert make_actor().run(stop, before=lambda: "SIGTERM") == "SIGTERM"
    assert env.resets == 1


def test_stopped_while_it_waits_for_the_learner_it_leaves_the_robot_alone(make_actor, env, actor_link):
    actor_link.connected = False
    assert make_actor().run(Stop(3)) == "enough"
    assert env.resets == 0


def test_a_learner_that_wanted_it_once_may_change_its_mind_without_harm(make_actor, actor_link):
    actor = make_actor()
    actor.run(Stop(1))
    actor_link.connected, actor_link.refused = False, "other rows"
    assert actor.run(Stop(3)) == "enough"


def test_a_report_per_second(make_actor, env, actor_link, wall):
    actor_link.wanted = 1
    make_actor(wait_for_credit=True, report_every=0.02).run(Stop(10))
    report = actor_link.reports[-1]
    assert report["actor/credit_wait_s"] == pytest.approx(0.02)
    assert report["policy/version"] == -1 and report["link/sent"] == 1


def test_a_robot_that_fails_for_good_is_told_apart_from_one_that_is_not_there(make_actor, env):
    def broken(*_):
        raise RobotError("burnt")

    env.step = broken
    with pytest.raises(RobotLost, match="burnt"):
        make_actor().run(Stop(3))
    env.reset = broken
    with pytest.raises(RobotError, match="burnt"):
        make_actor().run(Stop(3))


def test_a_robot_that_fails_while_it_rests_since_the_start_is_worth_another_life(env, actor_link, wall):
    class Aside(Alone):
        def away(self, stream, row):
            return True

        def rest(self, between):
            raise CommandError("the servo process was killed")

    actor = Actor(env, actor_link, ActorConfig(), env.clock, wall, attendant=Aside())
    with pytest.raises(RobotLost, match="was killed"):
        actor.run(Stop(3))
    assert env.resets == 1 and actor_link.rows == []


def test_whatever_happens_the_robot_is_closed_and_then_the_link(env, actor_link, wall):
    order = []
    env.close = lambda: order.append("robot")
    actor_link.close = lambda timeout=2.0: order.append("link")
    assert run_actor(env, actor_link, ActorConfig(), env.clock, Stop(3), wall, seed=0) == "enough"
    env.step = None
    with pytest.raises(TypeError):
        run_actor(env, actor_link, ActorConfig(), env.clock, Stop(3), wall, seed=0)
    assert order == ["robot", "link"] * 2


def test_the_same_seed_gives_the_same_first_actions(env, actor_link, wall):
    for _ in range(2):
        run_actor(env, actor_link, ActorConfig(), env.clock, Stop(20), wall, seed=11)
    actions = np.stack(env.actions)
    assert (actions[:20] == actions[20:]).all()


def test_a_policy_that_is_still_being_built_does_not_keep_the_robot_from_being_damped(
    env, actor_link, wall, monkeypatch
):
    order = []

    class Slow(Immediate):
        def close(self):
            order.append("loader")

    monkeypatch.setattr("daydreamer.runtime.actor.PolicyLoader", Slow)
    env.close = lambda: order.append("robot")
    run_actor(env, actor_link, ActorConfig(), env.clock, Stop(3), wall, seed=0)
    assert order == ["robot", "loader"]


def test_an_impatient_ctrl_c_does_not_keep_the_robot_from_being_damped(env, actor_link, wall):
    calls = []

    def close():
        calls.append("close")
        if len(calls) == 1:
            raise KeyboardInterrupt

    env.close = close
    with pytest.raises(KeyboardInterrupt):
        run_actor(env, actor_link, ActorConfig(), env.clock, Stop(3), wall, seed=0)
    assert len(calls) == 2 and actor_link.closed


def test_a_link_that_breaks_down_while_it_waits_for_credit_ends_it(make_actor, actor_link):
    actor_link.wanted = 0
    stop = Stop(20)

    def breaks_down():
        actor_link.broken = "the disk is gone" if stop.left == 10 else None
        return stop()

    with pytest.raises(LinkLost, match="the disk is gone"):
        make_actor(wait_for_credit=True).run(breaks_down)


def test_a_link_that_breaks_down_in_mid_step_is_worth_another_life(make_actor, actor_link, monkeypatch):
    def broken(row):
        raise LinkError("the disk is gone")

    monkeypatch.setattr(actor_link, "send", broken)
    with pytest.raises(LinkLost, match="the disk is gone"):
        make_actor().run(Stop(3))

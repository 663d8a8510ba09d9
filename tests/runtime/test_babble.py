import numpy as np
import pytest

from daydreamer.core.specs import ArraySpec
from daydreamer.runtime.babble import Babble

ACT = {"action": ArraySpec((3,), low=-1.0, high=1.0)}


def test_it_takes_the_share_it_is_given_in_stretches_of_one_action():
    babble = Babble(ACT, share=0.2, hold=5, above=-np.inf, seed=0)
    drawn = [babble(0.0) for _ in range(20_000)]
    taken = np.array([action is not None for action in drawn])
    assert 0.17 < taken.mean() < 0.23
    begin = int(taken.argmax())
    held = [action["action"] for action in drawn[begin : begin + 5]]
    assert all((action == held[0]).all() for action in held)


@pytest.mark.parametrize(("share", "hold"), [(0.5, 1), (0.3, 2)])
def test_the_share_is_as_it_is_told_for_short_holds_too(share, hold):
    babble = Babble(ACT, share, hold, above=-np.inf, seed=0)
    taken = [babble(0.0) is not None for _ in range(60_000)]
    assert np.mean(taken) == pytest.approx(share, rel=0.02)


def test_its_actions_fit_the_spec_and_some_are_near_the_pose_of_zero():
    babble = Babble(ACT, share=0.5, hold=1, above=-np.inf, seed=0)
    found = [action for _ in range(2000) if (action := babble(0.0)) is not None]
    for action in found:
        ACT["action"].validate("action", action["action"])
    widest = [float(np.abs(action["action"]).max()) for action in found]
    assert min(widest) < 0.05 and max(widest) > 0.9


def test_without_a_share_it_never_does():
    babble = Babble(ACT, share=0.0, hold=5, above=-np.inf, seed=0)
    assert not any(babble(0.0) for _ in range(1000))


def test_it_waits_until_the_last_thousand_steps_were_good_and_stops_when_they_are_no_more():
    babble = Babble(ACT, share=0.1, hold=1, above=10.0, seed=0)

    def taken(reward, steps):
        return sum(babble(reward) is not None for _ in range(steps))

    assert not taken(5.0, 1000)
    assert not taken(14.0, 500), "the mean of a thousand is 5 + 9 (1 - exp(-0.5)) = 8.5"
    taken(14.0, 1000)
    assert 50 < taken(14.0, 1000) < 150
    taken(5.0, 1500)
    assert not taken(5.0, 1000)


def test_a_reward_that_is_no_number_is_left_out():
    babble = Babble(ACT, share=0.5, hold=1, above=0.0, seed=0)
    babble(1.0)
    babble(np.nan)
    assert any(babble(1.0) for _ in range(100))

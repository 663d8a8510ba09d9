"""The RSSM forgets at is_first, and steps of a sequence equal single steps."""

import dataclasses

import pytest
import torch

from daydreamer.agents.dreamer.config import micro
from daydreamer.agents.dreamer.rssm import RSSM

CONFIGS = {
    "categorical": micro(),
    "gaussian": dataclasses.replace(micro(), classes=0, stoch=6),
    "learned initial": dataclasses.replace(micro(), learned_initial=True),
    "blocks": dataclasses.replace(micro(), blocks=4),
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys())
def rssm(request):
    torch.manual_seed(0)
    made = RSSM(request.param, embed=5, action=3)
    if made.learned:
        torch.nn.init.normal_(made.first)
    return made


def sequence(rssm, batch=2, length=6, seed=0):
    rng = torch.Generator().manual_seed(seed)
    action = torch.randn(batch, length, 3, generator=rng)
    embed = torch.randn(batch, length, 5, generator=rng)
    return action, embed, rssm.draw(batch, length, rng=rng)


def test_is_first_inside_a_sequence_forgets_all_that_came_before(rssm):
    action, embed, noise = sequence(rssm)
    first = torch.zeros(2, 6, dtype=torch.bool)
    first[:, 3] = True
    whole, _ = rssm.observe_sequence(action, embed, first, noise)
    tail, _ = rssm.observe_sequence(action[:, 3:], embed[:, 3:], first[:, 3:], noise[:, 3:])
    torch.testing.assert_close(whole.deter[:, 3:], tail.deter)
    torch.testing.assert_close(whole.stoch[:, 3:], tail.stoch)


def test_without_is_first_the_past_matters(rssm):
    action, embed, noise = sequence(rssm)
    first = torch.zeros(2, 6, dtype=torch.bool)
    one, _ = rssm.observe_sequence(action, embed, first, noise)
    action[:, 2] += 1.0
    other, _ = rssm.observe_sequence(action, embed, first, noise)
    torch.testing.assert_close(
        one.deter[:, :3], other.deter[:, :3]
    )  # an action reaches the next step, not its own
    assert not torch.allclose(one.deter[:, 3:], other.deter[:, 3:])


def test_a_sequence_equals_single_steps(rssm):
    action, embed, noise = sequence(rssm)
    first = torch.zeros(2, 6, dtype=torch.bool)
    first[:, 0] = True
    whole, _ = rssm.observe_sequence(action, embed, first, noise)
    state, previous = rssm.initial(2), torch.zeros(2, 3)
    for t in range(6):
        state, _ = rssm.observe(state, previous, embed[:, t], first[:, t], noise[:, t])
        previous = action[:, t]
        torch.testing.assert_close(state.deter, whole.deter[:, t])


def test_rows_of_a_batch_do_not_mix(rssm):
    action, embed, noise = sequence(rssm)
    first = torch.zeros(2, 6, dtype=torch.bool)
    one, _ = rssm.observe_sequence(action, embed, first, noise)
    embed[0] += 1.0
    other, _ = rssm.observe_sequence(action, embed, first, noise)
    torch.testing.assert_close(one.deter[1], other.deter[1])

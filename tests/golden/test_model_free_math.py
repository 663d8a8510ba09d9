"""Numbers worked by hand for every formula that SAC and DroQ stand on."""

import math

import pytest
import torch

from daydreamer.agents.model_free import losses
from daydreamer.agents.model_free.transitions import stacked, transitions
from daydreamer.nn.ensemble import EnsembleMLP, kept
from daydreamer.nn.squashed import TanhNormal
from tests.golden.close import close


class TestTanhNormal:
    def test_by_hand(self):
        # One dimension: mean 0, std log 2, noise 1, so u = log 2 and a = tanh(log 2) = (4 - 1) / (4 + 1) = 0.6.
        #   log N(u) = -1/2 - log log 2 - log(2 pi) / 2 = -0.5 + 0.366513 - 0.918939 = -1.052426
        #   log (1 - a^2) = log 0.64 = -0.446287
        #   log p(a) = -1.052426 + 0.446287 = -0.606139
        policy = TanhNormal(torch.zeros(1, 1), torch.tensor([[math.log(math.log(2))]]))
        action, log_prob = policy.sample(torch.ones(1, 1))
        close(action, [[0.6]])
        close(log_prob, [-0.606139])

    def test_dimensions_add_up(self):
        # mean 0, std 1, noise 0 in each of two: log p = 2 (-0.918939), as the slope of tanh at 0 is 1.
        _, log_prob = TanhNormal(torch.zeros(1, 2), torch.zeros(1, 2)).sample(torch.zeros(1, 2))
        close(log_prob, [-1.837877])

    def test_it_is_a_density(self):
        # Summed over actions from one end to the other, density times distance is 1.
        noise = torch.linspace(-4, 4, 4001).unsqueeze(-1)
        action, log_prob = TanhNormal(torch.full((4001, 1), 0.3), torch.full((4001, 1), -0.5)).sample(noise)
        steps = action[1:, 0] - action[:-1, 0]
        close((log_prob.exp()[:-1] * steps).sum(), 1.0, 2e-3)

    def test_far_out_where_tanh_rounds_to_one_it_stays_exact(self):
        # u = 20: log (1 - tanh(u)^2) = 2 (log 2 - 20 - log(1 + e^-40)) = -38.613706; log N = -0.918939
        action, log_prob = TanhNormal(torch.tensor([[20.0]]), torch.zeros(1, 1)).sample(torch.zeros(1, 1))
        close(action, [[1.0]])
        close(log_prob, [37.694767], 1e-4)


class TestSoftTarget:
    def test_by_hand(self):
        # Two critics, three transitions; reward 1, temperature 0.5, discount 0.9.
        #   min Q = [2, 4, 4]; - 0.5 log p = [-1, +1, +1]: soft values [1, 5, 5]
        #   goes on: 1 + 0.9 * 1 = 1.9;  1 + 0.9 * 5 = 5.5;  terminal, nothing follows: 1
        value = torch.tensor([[2.0, 6.0, 6.0], [3.0, 4.0, 4.0]])
        found = losses.soft_target(
            torch.ones(3), torch.tensor([1.0, 1.0, 0.0]), value, torch.tensor([2.0, -2.0, -2.0]),
            torch.tensor(0.5), 0.9,
        )  # fmt: skip
        close(found, [1.9, 5.5, 1.0])


class TestLosses:
    def test_of_the_critics_counts_transitions_only(self):
        # Targets [1, 2]; critics [2, 9] and [4, 9]. The second pair counts nothing:
        #   ((2 - 1)^2 + (4 - 1)^2) / 2 = 5
        value, target = torch.tensor([[2.0, 9.0], [4.0, 9.0]]), torch.tensor([1.0, 2.0])
        close(losses.critic_loss(value, target, torch.tensor([1.0, 0.0])), 5.0)
        close(losses.critic_loss(value, target, torch.zeros(2)), 0.0)

    def test_of_the_actor(self):
        # temperature 0.1, log p = [1, 3]: mean of 0.1 log p is 0.2. Q = [[1, 5], [3, 1]].
        #   SAC climbs min = [1, 1]: 0.2 - 1;  DroQ climbs mean = [2, 3]: 0.2 - 2.5
        value, log_prob = torch.tensor([[1.0, 5.0], [3.0, 1.0]]), torch.tensor([1.0, 3.0])
        both = torch.ones(2)
        close(losses.actor_loss(value, log_prob, both, torch.tensor(0.1), "min"), -0.8)
        close(losses.actor_loss(value, log_prob, both, torch.tensor(0.1), "mean"), -2.3)
        # the first alone: 0.1 - min(1, 3)
        close(losses.actor_loss(value, log_prob, torch.tensor([1.0, 0.0]), torch.tensor(0.1), "min"), -0.9)

    @pytest.mark.parametrize(
        ("log_prob", "gradient"),
        # temperature 2; wanted entropy -1. d/d(log t) of t (entropy - target) is t (entropy - target):
        #   log p = 3: entropy -3, 2 (-3 + 1) = -4, so that a step down this gradient raises the temperature;
        #   log p = -1: entropy 1, 2 (1 + 1) = 4, which lowers it; log p = 1: entropy -1, as wanted.
        [(3.0, -4.0), (-1.0, 4.0), (1.0, 0.0)],
    )
    def test_of_the_temperature(self, log_prob, gradient):
        log_temperature = torch.tensor(math.log(2.0), requires_grad=True)
        entropies = torch.full((5,), log_prob, requires_grad=True)
        losses.temperature_loss(log_temperature, entropies, torch.ones(5), -1.0).backward()
        close(log_temperature.grad, gradient)
        assert entropies.grad is None, "the actor is not taught by it"

    def test_of_the_temperature_counts_transitions_only(self):
        log_temperature = torch.tensor(math.log(2.0), requires_grad=True)
        log_prob, counts = torch.tensor([3.0, -50.0]), torch.tensor([1.0, 0.0])
        losses.temperature_loss(log_temperature, log_prob, counts, -1.0).backward()
        close(log_temperature.grad, -4.0)


# One chunk of four rows; the third begins a new stream, the fourth is terminal. Rewards came with the rows.
CHUNK = {
    "sensed": torch.tensor([[[1.0], [2.0], [3.0], [4.0]]]),
    "action": torch.tensor([[[0.1], [0.2], [0.3], [0.4]]]),
    "reward": torch.tensor([[10.0, 20.0, 30.0, 40.0]]),
    "is_first": torch.tensor([[False, False, True, False]]),
    "is_terminal": torch.tensor([[False, False, False, True]]),
}


class TestTransitions:
    def test_a_row_and_the_next_with_the_reward_that_came_with_it(self):
        pairs = transitions(**CHUNK)
        close(pairs.seen, [[1], [2], [3]])
        close(pairs.action, [[0.1], [0.2], [0.3]])
        close(pairs.reward, [20, 30, 40])
        close(pairs.following, [[2], [3], [4]])
        close(pairs.goes_on, [1, 1, 0])
        close(pairs.counts, [1, 0, 1])  # from 2 to 3 the stream changes

    def test_two_frames_need_one_row_more_and_do_not_look_across_a_stream(self):
        pairs = transitions(**CHUNK, frames=2)
        close(pairs.seen, [[1, 2], [3, 3]])
        close(pairs.following, [[3, 3], [3, 4]])
        close(pairs.counts, [0, 1])
        close(pairs.reward, [30, 40])

    def test_three_frames_side_by_side_the_oldest_first(self):
        first = torch.tensor([[False, True, False, False]])
        close(stacked(CHUNK["sensed"], first, 3), [[[1, 1, 1], [2, 2, 2], [2, 2, 3], [2, 3, 4]]])


class TestEnsemble:
    def test_each_member_is_a_network_of_its_own(self):
        # Two members of one hidden unit with relu: 2 relu(1 x) and 1 relu(-1 x) + 5.
        net = EnsembleMLP(2, 1, 1, 1, 1)
        with torch.no_grad():
            net.linears[0].weight.copy_(torch.tensor([[[1.0]], [[-1.0]]]))
            net.out.weight.copy_(torch.tensor([[[2.0]], [[1.0]]]))
            net.out.bias.copy_(torch.tensor([[[0.0]], [[5.0]]]))
        close(net(torch.tensor([[3.0], [-4.0]])), [[[6], [0]], [[5], [9]]])

    def test_what_is_kept_is_scaled_up_by_what_is_dropped(self):
        mask = kept(torch.Size((100, 1000)), 0.2, torch.Generator().manual_seed(0))
        close(mask.unique(), [0.0, 1.25])
        close(mask.mean(), 1.0, 0.01)

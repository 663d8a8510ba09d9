"""Numbers worked by hand for every formula that a Dreamer stands on."""

import math

import pytest
import torch

from daydreamer.agents.dreamer.config import ActorConfig, KLConfig, ScalarConfig
from daydreamer.agents.dreamer.returns import lambda_return
from daydreamer.agents.dreamer.world_model import kl_loss
from daydreamer.nn.adapt import AdaptiveWeight
from daydreamer.nn.latents import CategoricalLatent, GaussianLatent
from daydreamer.nn.layers import BlockLinear, GRUCell
from daydreamer.nn.outputs import TwoHot
from daydreamer.nn.scaling import PercentileScale, StdScale, symexp, symlog
from tests.golden.close import close


class TestLambdaReturn:
    # Three states, two steps. reward = [-, 1, 2], value = [9, 4, 8], disc = [-, 0.5, 0.5], lambda = 0.5:
    #   R_2 = v_2 = 8
    #   R_1 = r_2 + disc ((1 - l) v_2 + l R_2) = 2 + 0.5 (4 + 4)   = 6
    #   R_0 = r_1 + disc ((1 - l) v_1 + l R_1) = 1 + 0.5 (2 + 3)   = 3.5
    reward = torch.tensor([[99.0], [1.0], [2.0]])
    value = torch.tensor([[9.0], [4.0], [8.0]])
    disc = torch.full((3, 1), 0.5)

    def test_by_hand(self):
        close(lambda_return(self.reward, self.value, self.disc, 0.5), [[3.5], [6.0]])

    def test_lambda_0_is_the_one_step_return(self):
        # 1 + 0.5 * 4 = 3; 2 + 0.5 * 8 = 6
        close(lambda_return(self.reward, self.value, self.disc, 0.0), [[3.0], [6.0]])

    def test_lambda_1_is_the_full_return(self):
        # 1 + 0.5 (2 + 0.5 * 8) = 4
        close(lambda_return(self.reward, self.value, self.disc, 1.0), [[4.0], [6.0]])

    def test_an_end_cuts_what_follows(self):
        # continuation 0 at state 1: R_0 is its reward alone
        disc = torch.tensor([[0.5], [0.0], [0.5]])
        close(lambda_return(self.reward, self.value, disc, 0.5)[0], [1.0])


class TestSymlogAndTwoHot:
    def test_symlog(self):
        # ln(1 + 1) = 0.6931; ln(1 + e^2 - 1) = 2; odd
        close(symlog(torch.tensor([1.0, math.e**2 - 1, -1.0, 0.0])), [0.693147, 2.0, -0.693147, 0.0])
        x = torch.linspace(-50, 50, 101)
        close(symexp(symlog(x)), x, 1e-3)

    def test_a_target_between_two_bins_is_split(self):
        # bins -1, 0, 1: 0.25 lies a quarter of the way from 0 to 1
        close(TwoHot(3, -1, 1, squash=False).encode(torch.tensor([0.25])), [[0.0, 0.75, 0.25]])

    def test_a_target_on_a_bin_is_one_hot_and_beyond_the_end_is_the_end(self):
        two_hot = TwoHot(3, -1, 1, squash=False)
        close(
            two_hot.encode(torch.tensor([-1.0, 0.0, 1.0, 7.0])), [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
        )

    def test_squashed_bins_are_split_in_the_value_s_own_scale(self):
        # symlog bins -1, 0, 1 stand at -1.71828, 0, 1.71828: 0.859141 is half way
        close(TwoHot(3, -1, 1, squash=True).encode(torch.tensor([0.859141])), [[0.0, 0.5, 0.5]])

    def test_loss_is_cross_entropy(self):
        # uniform over 3 bins: ln 3 whatever the target
        close(TwoHot(3, -1, 1, squash=False).loss(torch.zeros(1, 3), torch.tensor([0.3])), [math.log(3)])

    def test_prediction_is_the_mean_of_the_bins(self):
        # probabilities 1/4, 1/4, 1/2 over -1, 0, 1
        raw = torch.log(torch.tensor([[0.25, 0.25, 0.5]]))
        close(TwoHot(3, -1, 1, squash=False).predict(raw), [0.25])

    def test_a_fresh_head_predicts_exactly_zero(self):
        assert TwoHot(255, -20, 20, squash=True).predict(torch.zeros(1, 255)).item() == 0.0

    def test_a_head_predicts_up_to_its_last_bins(self):
        # symexp(-2) = -(e^2 - 1), symexp(5) = e^5 - 1
        close(ScalarConfig(kind="symexp_twohot", low=-2.0, high=5.0).extremes, [-6.389056, 147.413159])
        close(TwoHot(3, -2, 5, squash=True).bins[[0, 2]], [-6.389056, 147.413159], 1e-4)
        assert ScalarConfig(kind="twohot", low=-2.0, high=5.0).extremes == (-2.0, 5.0)
        assert ScalarConfig(kind="mse", low=-2.0, high=5.0).extremes == (-math.inf, math.inf)

    def test_predict_undoes_encode(self):
        two_hot = TwoHot(81, -5, 5, squash=True)
        targets = torch.tensor([-100.0, -0.3, 0.0, 0.01, 3.0, 80.0])
        close((two_hot.encode(targets) * two_hot.bins).sum(-1), targets, 1e-3)


class TestKL:
    latent = CategoricalLatent(1, 2, unimix=0.0)
    post = torch.log(torch.tensor([[[0.75, 0.25]]]))
    prior = torch.log(torch.tensor([[[0.5, 0.5]]]))
    # 0.75 ln 1.5 + 0.25 ln 0.5 = 0.304099 - 0.173287 = 0.130812
    nats = 0.130812

    def test_categorical_by_hand(self):
        close(self.latent.kl(self.post, self.prior), [[self.nats]])

    def test_gaussian_by_hand(self):
        # N(1, 2) against N(0, 1): (4 + 1 - 1 - 2 ln 2) / 2 = 1.306853
        left, right = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 1.0]])
        close(GaussianLatent(1).kl(left, right), [1.306853])

    def test_balance_weights_the_two_gradients(self):
        post = self.post.clone().requires_grad_()
        prior = self.prior.clone().requires_grad_()
        _, _, total = kl_loss(self.latent, post, prior, KLConfig(dyn=0.8, rep=0.2, free=0.0))
        close(total, self.nats)  # 0.8 KL + 0.2 KL
        total.backward()
        # d KL / d ln q = -p, times 0.8
        close(prior.grad, [[[-0.6, -0.2]]])
        # d KL / d ln p = p (ln p - ln q + 1), times 0.2: 0.2 * 0.75 * 1.405465, 0.2 * 0.25 * 0.306853
        close(post.grad, [[[0.210820, 0.015343]]])

    def test_below_the_free_nats_there_is_no_gradient(self):
        prior = self.prior.clone().requires_grad_()
        dyn, _, total = kl_loss(self.latent, self.post, prior, KLConfig(dyn=1.0, rep=0.1, free=1.0))
        total.backward()
        close(dyn, 1.0)
        close(prior.grad, torch.zeros(1, 1, 2))

    @pytest.mark.parametrize(("free_on", "expected"), [("step", 1.5), ("average", 1.0)])
    def test_free_nats_on_each_step_or_on_the_average(self, free_on, expected):
        # two steps of 0 and 2 nats: max(0, 1) and max(2, 1) average to 1.5; their average 1 is at the limit
        latent = GaussianLatent(1)
        post = torch.tensor([[[0.0, 1.0], [2.0, 1.0]]])  # means 0 and 2: KL 0 and 2
        prior = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
        dyn, _, _ = kl_loss(latent, post, prior, KLConfig(free=1.0, free_on=free_on))
        close(dyn, expected)


class TestCategoricalLatent:
    def test_unimix_keeps_every_class_possible(self):
        latent = CategoricalLatent(1, 4, unimix=0.01)
        probs = latent.normalise(torch.tensor([[100.0, 0.0, 0.0, 0.0]])).exp()
        close(probs, [[0.9925, 0.0025, 0.0025, 0.0025]])  # 0.99 + 0.01 / 4, 0.01 / 4

    def test_inverse_cdf(self):
        # cumulative 0.2, 0.7, 1: noise below 0.2 is class 0, below 0.7 class 1, else class 2
        latent = CategoricalLatent(1, 3, unimix=0.0)
        stats = torch.log(torch.tensor([[0.2, 0.5, 0.3]])).expand(4, -1)
        drawn = latent.sample(stats, torch.tensor([[0.1], [0.3], [0.69], [0.99]]))
        close(drawn, [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])

    def test_gradients_pass_straight_through_the_sample(self):
        latent = CategoricalLatent(1, 3, unimix=0.0)
        raw = torch.zeros(1, 3, requires_grad=True)
        drawn = latent.sample(latent.normalise(raw), torch.tensor([[0.5]]))
        (drawn * torch.tensor([1.0, 0.0, 0.0])).sum().backward()
        # d p_0 / d logits at uniform thirds: p_0 (1 - p_0), -p_0 p_1, -p_0 p_2
        close(raw.grad, [[2 / 9, -1 / 9, -1 / 9]])


class TestGRU:
    @pytest.mark.parametrize("blocks", [1, 2])
    def test_gate_by_hand(self, blocks):
        # all weights 0, biases: reset 0, candidate ln 3, update 1 -> u = sigmoid(1 - 1) = 0.5,
        # candidate = tanh(0.5 ln 3) = (3 - 1) / (3 + 1) = 0.5, deter' = 0.5 * 0.5 + 0.5 * 0.2 = 0.35
        cell = GRUCell(inputs=2, deter=2, blocks=blocks, norm_name="none")
        with torch.no_grad():
            cell.gates.weight.zero_()
            per_block = torch.tensor([0.0, math.log(3), 1.0]).repeat_interleave(2 // blocks).repeat(blocks)
            cell.gates.bias.copy_(per_block)
        close(cell(torch.ones(1, 2), torch.full((1, 2), 0.2)), [[0.35, 0.35]])

    def test_blocks_do_not_see_each_other(self):
        layer = BlockLinear(4, 4, blocks=2)
        x = torch.randn(1, 4, requires_grad=True)
        layer(x)[0, 0].backward()
        assert (x.grad[0, 2:] == 0).all() and (x.grad[0, :2] != 0).all()


class TestAdaptiveWeight:
    def test_an_entropy_weight_rises_while_entropy_is_too_low(self):
        # target 0.5, slack 0.1: 0.4 < 0.4545 grows, 0.5 stays, 0.6 > 0.55 shrinks
        weight = AdaptiveWeight((3,), target=0.5, start=0.01, low=1e-5, high=1.0, raises=True)
        weight.update(torch.tensor([0.4, 0.5, 0.6]))
        close(weight.value, [0.011, 0.01, 0.01 / 1.1], 1e-7)

    def test_a_kl_weight_rises_while_kl_is_too_high(self):
        weight = AdaptiveWeight((3,), target=3.5, start=0.1, low=1e-3, high=1.0, raises=False)
        weight.update(torch.tensor([5.0, 3.5, 1.0]))
        close(weight.value, [0.11, 0.1, 0.1 / 1.1], 1e-7)

    def test_its_target_may_move(self):
        # target 0.2, slack 0.1: 0.3 > 0.22 shrinks, though it would grow towards 0.5
        weight = AdaptiveWeight((), target=0.5, start=0.01, low=1e-5, high=1.0, raises=True)
        weight.update(torch.tensor(0.3), target=0.2)
        close(weight.value, 0.01 / 1.1, 1e-7)

    def test_it_stays_within_its_range(self):
        weight = AdaptiveWeight((), target=1.0, start=0.95, low=0.9, high=1.0, raises=True)
        for _ in range(5):
            weight.update(torch.tensor(0.0))
        close(weight.value, 1.0)


class TestEntropyTarget:
    def test_it_goes_from_one_target_to_the_other_in_a_straight_line(self):
        config = ActorConfig(entropy_target=0.6, final_entropy_target=0.2, anneal=(-1.0, 3.0))
        assert [config.entropy_target_at(reward) for reward in (-5, -1, 0, 3, 9)] == pytest.approx(
            [0.6, 0.6, 0.5, 0.2, 0.2]
        )

    def test_it_stays_where_there_is_no_other(self):
        assert ActorConfig(entropy_target=0.6).entropy_target_at(9999) == 0.6
        assert ActorConfig(entropy_target=None, final_entropy_target=0.2).entropy_target_at(9999) is None


class TestReturnScales:
    def test_std_of_one_batch_is_not_biased_by_its_start(self):
        # 0 and 2: mean 1, mean square 2, std 1
        scale = StdScale()
        scale.update(torch.tensor([0.0, 2.0]))
        close(scale.scale(), 1.0)

    @pytest.mark.parametrize("kind", [StdScale, PercentileScale])
    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_one_bad_batch_does_not_stay(self, kind, bad):
        scale = kind()
        scale.update(torch.arange(101.0))
        before = scale.scale()
        scale.update(torch.tensor([0.0, bad]))
        close(scale.scale(), before)

    def test_percentile_is_never_below_one(self):
        scale = PercentileScale()
        scale.update(torch.tensor([0.0, 0.1]))
        close(scale.scale(), 1.0)
        # 0..100: P95 - P5 = 90; after one small and one large batch with equal decay weights 0.99 : 1
        scale = PercentileScale()
        scale.update(torch.arange(101.0))
        close(scale.scale(), 90.0)

"""How Dreamer's formulas are put together: log-probabilities, optimiser steps, and the behaviour's losses, by hand."""

import math
from types import SimpleNamespace

import pytest
import torch

from daydreamer.agents.dreamer.behavior import Behavior, Normal, Trajectory
from daydreamer.agents.dreamer.config import ActorConfig, DreamerConfig, ScalarConfig
from daydreamer.nn.optim import Optimiser
from tests.golden.close import close


class TestNormal:
    # The action is 0.2 + 0.5 * 2 = 1.2, two standard deviations out:
    #   log p = -2^2 / 2 - ln 0.5 - ln(2 pi) / 2 = -2 + 0.693147 - 0.918939 = -2.225791
    #   d / d mean = (1.2 - 0.2) / 0.5^2 = 4
    #   d / d std  = (1.2 - 0.2)^2 / 0.5^3 - 1 / 0.5 = 8 - 2 = 6
    def normal(self, actions=1):
        mean, std = torch.full((1, actions), 0.2), torch.full((1, actions), 0.5)
        return Normal(mean.requires_grad_(), std.requires_grad_(), mean)

    def test_log_prob_and_its_gradients(self):
        policy = self.normal()
        found = policy.log_prob(torch.tensor([[2.0]]))
        close(found, [-2.225791])
        found.sum().backward()
        close(policy.mean.grad, [[4.0]])
        close(policy.std.grad, [[6.0]])

    def test_actions_are_independent(self):
        # the second at its mean: 0.693147 - 0.918939 = -0.225791
        close(self.normal(2).log_prob(torch.tensor([[2.0, 0.0]])), [-2.225791 - 0.225791])


class TestOptimiser:
    def weights(self, *values, clip=1e9, decay=0.0, eps=1e-8):
        made = [torch.nn.Parameter(torch.as_tensor(value)) for value in values]
        return made, Optimiser(made, lr=0.1, eps=eps, weight_decay=decay, clip=clip)

    def test_decay_falls_on_matrices_alone(self):
        # 3 - lr * decay * 3 = 3 - 0.1 * 0.5 * 3 = 2.85
        (matrix, bias), optimiser = self.weights([[3.0]], [4.0], decay=0.5)
        matrix.grad, bias.grad = torch.zeros(1, 1), torch.zeros(1)
        optimiser.step()
        close(matrix, [[2.85]])
        close(bias, [4.0])

    def test_all_gradients_together_are_clipped_and_their_norm_of_before_is_told(self):
        # 60 and 80 have the norm 100; with clip 1 they are 0.6 and 0.8. Adam's first step is lr g / (|g| + eps), and
        # an eps of 1 lets the size be seen: 0.1 * 0.6 / 1.6 = 0.0375, 0.1 * 0.8 / 1.8 = 0.044444.
        # Unclipped they would be 0.1 * 60 / 61 = 0.0984 and 0.1 * 80 / 81 = 0.0988.
        (one, two), optimiser = self.weights([[0.0]], [0.0], clip=1.0, eps=1.0)
        one.grad, two.grad = torch.full((1, 1), 60.0), torch.full((1,), 80.0)
        close(optimiser.step(), 100.0)
        close(one, [[-0.0375]])
        close(two, [-0.044444])

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_a_gradient_that_is_not_finite_moves_nothing_and_is_forgotten(self, bad):
        (one, two), optimiser = self.weights([[1.0]], [2.0])
        one.grad, two.grad = torch.full((1, 1), bad), torch.ones(1)
        assert not torch.isfinite(optimiser.step())
        close(one, [[1.0]])
        close(two, [2.0])
        assert one.grad is None and two.grad is None
        # the next is Adam's first step: lr towards the other side of the gradient
        one.grad, two.grad = torch.ones(1, 1), -torch.ones(1)
        optimiser.step()
        close(one, [[0.9]])
        close(two, [2.1])


def behavior(**options):
    """Critics that read one feature each, the slow one the third and its original the fourth.

    The policy is the same in every state: tanh(1.5), and (1 - 1/4) sigmoid(-ln 2) + 1/4 = 1/2 as std, which is half way
    from 1/4 to 1 in their logarithms: entropy 0.5.
    """
    actor = ActorConfig(
        layers=0, least_std=0.25, most_std=1.0, gradient=options.pop("gradient", "dynamics"), entropy=0.1,
        entropy_target=None, saturation=0.4,
    )  # fmt: skip
    config = DreamerConfig(**{
        "horizon": 2, "discount": 0.5, "lambda_": 0.5, "return_scale": "none", "actor": actor,
        "critic": ScalarConfig(0, "mse"), "reward_offset": 5.0, "reward_scale": 10.0, **options,
    })  # fmt: skip
    made = Behavior(4, 1, config)
    with torch.no_grad():
        made.slow.layers[0].weight.copy_(torch.tensor([[0.0, 0.0, 1.0, 0.0]]))
        made.critic.layers[0].weight.copy_(torch.tensor([[0.0, 0.0, 0.0, 1.0]]))
        made.actor.net.layers[0].weight.zero_()
        made.actor.net.layers[0].bias.copy_(torch.tensor([1.5, -math.log(2) - 2]))
    return made


class TestBehavior:
    # Two steps through three states, discount 0.5, lambda 0.5:
    #
    #   state                     0      1      2
    #   reward                    -      1      2
    #   going on                  0.5    0.8    1
    #   slow critic               2      4      8
    #   critic                    5      3      -
    #   disc = 0.5 going on       -      0.4    0.5
    #   R_1 = 2 + 0.5 (0.5 * 8 + 0.5 * 8) = 6;   R_0 = 1 + 0.4 (0.5 * 4 + 0.5 * 6) = 3
    #   advantage = R - slow:     1      2
    #   weight: 0.5 that state 0 goes on at all, times 0.4: 0.2 that it does so from state 1
    FEATS = torch.tensor(
        [[[99.0, 0.5, 2.0, 5.0]], [[1.0, 0.8, 4.0, 3.0]], [[2.0, 1.0, 8.0, 99.0]]]
    )  # [H + 1, N, 4]
    MODEL = SimpleNamespace(
        predict_reward=lambda feat: feat[..., 0], predict_continuation=lambda feat: feat[..., 1]
    )
    NOISE = torch.tensor([[[0.0]], [[2.0]]])  # [H, N, A]

    def losses(self, made):
        made.imagine = lambda model, start, rng: Trajectory(
            self.FEATS, made.actor(self.FEATS[:-1]), self.NOISE
        )
        return made.loss(self.MODEL, None, None, 0.0)

    def test_the_critic_learns_returns_as_far_as_the_rollout_got(self):
        # squared errors halved: (5 - 3)^2 / 2 = 2, (3 - 6)^2 / 2 = 4.5; (0.5 * 2 + 0.2 * 4.5) / 2 = 0.95
        _, critic, metrics = self.losses(behavior())
        close(critic, 0.95)
        close(metrics["train/loss/critic"], 0.95)
        close(metrics["train/return_mean"], 4.5)
        close(metrics["train/imag_reward"], (99 + 1 + 2) / 3 * 10 + 5, 1e-3)  # in the task's own unit

    # Each step counts its advantage over the scale, and 0.1 times the entropy 0.5.
    # A mean of 1.5 costs 0.4 * 0.5^2 = 0.1.
    #   none:     -(0.5 (1 + 0.05) + 0.2 (2 + 0.05)) / 2 + 0.1 = -0.4675 + 0.1
    #   std:      of the returns 3 and 6, 1.5: -(0.5 (0.6667 + 0.05) + 0.2 (1.3333 + 0.05)) / 2 + 0.1 = -0.3175 + 0.1
    #   adv_std:  of the advantages 1 and 2, 0.5: -(0.5 (2 + 0.05) + 0.2 (4 + 0.05)) / 2 + 0.1 = -0.9175 + 0.1
    @pytest.mark.parametrize(("scale", "loss"), [("none", -0.3675), ("std", -0.2175), ("adv_std", -0.8175)])
    def test_the_actor_gains_by_its_scaled_advantage_and_its_entropy(self, scale, loss):
        close(self.losses(behavior(return_scale=scale))[0], loss)

    def test_reinforce_weighs_log_probabilities_by_advantages(self):
        # log p of noise 0 and 2 at std 0.5: -0.225791 and -2.225791; times 1 and 2: -0.225791 and -4.451583
        # -(0.5 (-0.225791 + 0.05) + 0.2 (-4.451583 + 0.05)) / 2 + 0.1 = 0.484106 + 0.1
        actor, critic, _ = self.losses(behavior(gradient="reinforce"))
        close(actor, 0.584106)
        close(critic, 0.95)


class TestSlowCritic:
    # The slow critic begins at 0, its original stays at 4.
    def critics(self, **options):
        made = behavior(**options)
        with torch.no_grad():
            for parameter in made.critic.parameters():
                parameter.fill_(4.0)
            for parameter in made.slow.parameters():
                parameter.fill_(0.0)
        return made

    def all_are(self, made, expected):
        assert len(list(made.slow.parameters())) == 2  # weight and bias
        for slow, original in zip(made.slow.parameters(), made.critic.parameters(), strict=True):
            close(slow, torch.full_like(slow, expected))
            close(original, torch.full_like(slow, 4.0))

    def test_it_follows_a_share_of_the_way_each_step(self):
        made = self.critics(slow_critic="ema", slow_rate=0.25)
        made.follow(1)
        self.all_are(made, 1.0)  # 0 + 0.25 * 4
        made.follow(2)
        self.all_are(made, 1.75)  # 1 + 0.25 * 3

    def test_or_is_a_copy_of_every_hundredth_step(self):
        made = self.critics(slow_critic="copy", slow_every=100)
        made.follow(99)
        self.all_are(made, 0.0)
        made.follow(100)
        self.all_are(made, 4.0)
        with torch.no_grad():
            made.slow.layers[0].bias.fill_(7.0)
        made.follow(101)
        close(made.slow.layers[0].bias, [7.0])

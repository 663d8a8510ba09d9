"""Weights averaged over training, worked by hand."""

import pytest
import torch

from daydreamer.agents.averaged import AveragedPolicy


def test_an_average_over_a_share_of_training_begins_with_the_newest_and_then_looks_back_further():
    learning = torch.nn.Linear(1, 1, bias=False)
    average = AveragedPolicy(learning, share=0.5)
    for update, (weight, expected) in enumerate([(8.0, 8.0), (4.0, 4.0), (1.0, 2.0), (4.0, 3.0)], start=1):
        with torch.no_grad():
            learning.weight.fill_(weight)
        average.follow(update)  # rates 1 (of 2), 1, 2/3, 1/2
        assert average.step.weight.item() == pytest.approx(expected)

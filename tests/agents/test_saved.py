"""Checkpoints that another kind of device has written."""

import dataclasses
import io
import logging

import pytest
import torch

from daydreamer.agents.dreamer.agent import Dreamer
from daydreamer.agents.dreamer.config import micro
from daydreamer.agents.model_free.agent import ModelFree
from daydreamer.agents.model_free.config import droq
from daydreamer.agents.saved import dumped
from tests.contracts.agent_contract import ACT, OBS, made_up_batch

DROQ = dataclasses.replace(droq(), units=32, frames=1, updates_per_step=2, dropout=0.1)


@pytest.fixture(params=["dreamer", "droq"])
def make(request):
    return lambda seed: (
        Dreamer(OBS, ACT, micro(), seed) if request.param == "dreamer" else ModelFree(OBS, ACT, DROQ, seed)
    )


@pytest.fixture
def trained(make):
    agent = make(seed=3)
    for seed in range(2):
        agent.train(made_up_batch(seed=seed))
    return agent


def parts_of(checkpoint):
    return torch.load(io.BytesIO(checkpoint), weights_only=True)


def but_for_the_numbers_drawn(checkpoint):
    return dumped({key: part for key, part in parts_of(checkpoint).items() if not key.startswith("rng")})


def test_a_run_moves_to_another_kind_of_device_and_only_its_random_numbers_are_others(make, trained, caplog):
    on_a_gpu = dumped(
        parts_of(trained.save()) | {"rng": torch.zeros(16, dtype=torch.uint8), "rng_device": "cuda"}
    )
    moved, again = make(seed=3), make(seed=3)
    with caplog.at_level(logging.WARNING):
        moved.load(on_a_gpu)
        again.load(on_a_gpu)
    assert "written on cuda and goes on on cpu" in caplog.text
    assert but_for_the_numbers_drawn(moved.save()) == but_for_the_numbers_drawn(trained.save())
    assert parts_of(moved.save())["rng_device"] == "cpu"
    first = moved.train(made_up_batch())
    assert first == again.train(made_up_batch()), "the same numbers each time"
    assert first != trained.train(made_up_batch()), "which are not those that would have come"


def test_a_checkpoint_from_before_devices_were_noted_goes_on_as_if_never_stopped(make, trained):
    before = parts_of(trained.save())
    del before["rng_device"]
    other = make(seed=4)
    other.load(dumped(before))
    assert other.train(made_up_batch(seed=7)) == trained.train(made_up_batch(seed=7))

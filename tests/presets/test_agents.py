"""Which agent learns, and how the replay feeds it."""

import itertools
import typing
from contextlib import closing
from dataclasses import replace

import pytest

from daydreamer.agents.dreamer.config import DreamerConfig
from daydreamer.agents.model_free.config import ModelFreeConfig
from daydreamer.cli import options
from daydreamer.core.errors import DaydreamerError
from daydreamer.presets import build
from daydreamer.presets.agents import AGENTS, UnknownAgent
from daydreamer.presets.overrides import BadOverride
from daydreamer.presets.registry import PRESETS, load
from robots.calibration import Calibration, Measured
from robots.calibration_parts import Feet, Imu, Joints


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("name", "updates"), [("sac", 1), ("droq", 20)])
def test_a_model_free_agent_gets_its_transitions_and_the_rest_stays(preset, name, updates):
    own, changed = load(preset), load(preset, [f"agent={name}"])
    assert isinstance(changed.agent, ModelFreeConfig) and changed.agent.updates_per_step == updates
    # Three frames and what follows are four rows; each collected row pays for the updates, each of 256 transitions.
    learner = changed.learner
    assert (learner.batch, learner.length, learner.train_ratio) == (256, 4, updates * 1024.0)
    ratio = learner.ratio()
    rows = range(learner.prefill, learner.prefill + 10)
    paid = [sum(ratio.may_train(n, 1024 * done) for done in range(300)) for n in rows]
    assert [b - a for a, b in itertools.pairwise(paid)] == [updates] * 9
    for kept in ("prefill", "mirror", "capacity", "keep_policy_every"):
        assert getattr(learner, kept) == getattr(own.learner, kept)
    assert changed.task == replace(own.task, see_velocity=True), (
        "it has no memory to find the velocity out by"
    )
    assert (changed.robot, changed.robot_options) == (own.robot, own.robot_options)
    assert changed.actor.babble == 0, "its own noise is all that explores"
    for kept in ("reward_offset", "reward_scale"):
        assert getattr(changed.agent, kept) == getattr(own.agent, kept)


def test_changes_of_the_agent_feed_it_and_changes_of_the_learner_have_the_last_word():
    changes = ["learner.prefill=500", "agent.frames=2", "agent.batch=64", "agent=droq", "learner.mirror=0"]
    preset = load("a1-sim", [*changes, "learner.recent=0.5"])
    assert preset.agent.frames == 2 and preset.agent.dropout == 0.01
    assert (preset.learner.batch, preset.learner.length, preset.learner.train_ratio) == (64, 3, 20 * 64 * 3)
    assert (preset.learner.prefill, preset.learner.mirror, preset.learner.recent) == (500, 0, 0.5)


def test_a_preset_learns_with_its_own_dreamer_unless_told_otherwise():
    assert load("a1-sim", ["agent=dreamer"]) == load("a1-sim")
    assert isinstance(load("a1-sim", ["agent=sac", "agent=dreamer"]).agent, DreamerConfig)
    assert load("a1-sim", options.with_agent((), "")) == load("a1-sim")


def test_a_wrong_name_or_setting_gets_a_suggestion():
    with pytest.raises(UnknownAgent, match="Did you mean 'droq'"):
        load("a1-sim", ["agent=drq"])
    with pytest.raises(BadOverride, match="there is no 'deter'"):
        load("a1-sim", ["agent=sac", "agent.deter=64"])


def test_the_command_line_offers_every_agent():
    offered = typing.get_args(typing.get_args(options.AgentName)[0])
    assert set(offered) - {""} == AGENTS.keys()


def test_only_the_stand_in_by_itself_can_be_put_back_on_its_feet():
    assert load("a1-sim-stand").restart == "stand"
    with pytest.raises(DaydreamerError, match="--set restart="):
        build.make_env(load("fake-tiny", ["restart=stand"]))
    with pytest.raises(DaydreamerError, match="--set restart="):
        build.make_env(load("a1-sim-stand"), estop="/dev/ttyUSB0")


def test_a_calibrated_stand_in_is_put_back_too(tmp_path):
    file = tmp_path / "calibration.json"
    none, feet = (0.0,) * 3, (0.0,) * 4
    values = {
        "imu": Imu(none, none, none, (1.0,) * 3, 0.0, 0.0, 30.0),
        "joints": Joints((0.01,) * 12),
        "feet": Feet(feet, (1.0,) * 4, (6.0,) * 4, (3.0,) * 4, feet),
    }
    parts = {name: Measured(one, "by hand", "now", True) for name, one in values.items()}
    Calibration("a1-sim", "blue", "now", "test", parts).save(file)
    preset = load("a1-sim-stand", [f"robot_options.calibration={file}"])
    with closing(build.make_env(preset)) as env:
        env.reset()
        env.clock.sleep_until(env.clock.now() + 2.0)  # damped, it sinks
        assert env.robot.truth()["position"][2] < 0.15
        env.reset()
        assert env.robot.truth()["position"][2] > 0.25


def test_from_standing_actions_span_what_they_did_in_the_park():
    task = build.make_env(load("a1-sim-stand"))._task
    low, middle, high = (task.to_rad(value)[:3] for value in (-1.0, 0.0, 1.0))
    assert low == pytest.approx([-0.2, 0.5, -2.2], abs=1e-3)
    assert middle == pytest.approx([0.0, 0.9, -1.8], abs=1e-3)
    assert high == pytest.approx([0.2, 1.3, -1.4], abs=1e-3)

import json
from dataclasses import replace

import pytest

from daydreamer.agents.dreamer.config import DreamerConfig, KLConfig
from daydreamer.core.errors import DaydreamerError
from daydreamer.presets import build
from daydreamer.presets.overrides import BadOverride
from daydreamer.presets.preset import defaults
from daydreamer.presets.registry import PRESETS, UnknownPreset, load
from robots.a1.servo_config import ServoConfig
from robots.calibration import Calibration, Measured
from robots.calibration_parts import Latency, Sim
from robots.robot import RobotError
from robots.safety.config import SafetyConfig
from robots.safety.guard import SafetyGuard


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_describes_an_environment_without_connecting(name):
    preset = load(name)
    assert preset.name == name and preset.doc
    env = build.make_env(preset)
    described = build.describe(preset, env.obs_spec, env.act_spec)
    assert json.loads(json.dumps(described))["specs"]["action"]["shape"] == [12]
    assert set(build.symmetry(preset).keys) & set(env.obs_spec), "the mirror knows this task's keys"


def test_a_setting_that_nobody_has_set_is_as_its_class_says():
    found = defaults(load("a1-sim", ["agent.starts=7", "agent.kl.free=3"]))
    assert (found["agent"]["starts"], found["agent"]["kl"]["free"]) == (DreamerConfig.starts, KLConfig.free)
    assert found["agent"]["recon"] == {} and found["hz"] == 20.0
    assert "name" not in found, "it has none where nobody says it"


def test_a_run_knows_which_delay_is_made_up_for(tmp_path):
    latency = Measured(Latency(0.0116, 0.0011, 0.0068, 0.0014), "by hand", "now", True)
    file = tmp_path / "calibration.json"
    Calibration("a1-sim", "blue", "now", "test", {"latency": latency}).save(file)
    preset = load("a1-sim", ["delay.mode=ahead", f"robot_options.calibration={file}"])
    assert build.describe(preset, {}, {})["delay"] == {
        "mode": "ahead",
        "seconds": pytest.approx(0.0116 + 0.0014),
    }
    with pytest.raises(DaydreamerError, match="needs to know the delay"):
        build.describe(load("a1-sim", ["delay.mode=ahead"]), {}, {})


def test_a_name_that_is_none_gets_a_suggestion():
    with pytest.raises(UnknownPreset, match="Did you mean 'a1-sim'"):
        load("a1_sim")


def test_changes_reach_the_robot_the_task_and_the_agent():
    preset = load(
        "a1-sim", ["agent.deter=64", "learner.batch=8", "learner.slack=80", "robot_options.friction=0.3"]
    )
    assert (preset.agent.deter, preset.learner.batch) == (64, 8)
    assert build.make_robot(preset)._drawn.next().friction == 0.3
    with pytest.raises(BadOverride, match="deter"):
        load("a1-sim", ["agent.detre=64"])


def ramp(robot):
    """Seconds in which ``robot`` moves a target to the next."""
    motors = getattr(robot, "_motors", None)
    return robot._config.command_interval if motors is None else len(motors._fractions) * robot._dt


@pytest.mark.parametrize("name", ["a1-sim", "a1-emulated", "a1"])
def test_a_target_is_reached_when_the_next_one_comes_at_any_rate(name):
    for changes, seconds in (
        ((), 0.05),
        (("hz=50",), 0.02),
        (("hz=10",), 0.1),
        (("hz=50", "robot_options.command_interval=0.03"), 0.03),
    ):
        assert ramp(build.make_robot(load(name, changes))) == pytest.approx(seconds)


def test_a_fitted_ramp_stays_whatever_the_rate(tmp_path):
    fit = Sim(0.021, 0.06, 0.9, (0.6,) * 12, (0.1,) * 12, (1.1,) * 12)
    file = tmp_path / "calibration.json"
    Calibration("a1", "blue", "now", "test", {"sim": Measured(fit, "by hand", "now", True)}).save(file)
    changes = ["hz=50", f"robot_options.calibration={file}"]
    assert ramp(build.make_robot(load("a1-sim", changes))) == pytest.approx(0.06)
    changes.append("robot_options.command_interval=0.03")
    assert ramp(build.make_robot(load("a1-sim", changes))) == pytest.approx(0.03)


def test_a_device_that_is_not_here_is_told():
    preset = load("a1-sim", ["learner.device=abacus"])
    env = build.make_env(preset)
    with pytest.raises(DaydreamerError, match=r"no device 'abacus' here.*learner\.device=cpu"):
        build.make_agent(preset, env.obs_spec, env.act_spec)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("agent.recon.gravty=100", "recon weighs gravty"),
        ("task.action_low=[0.15,0.6,0.06]", "stands at .* outside of the actions'"),
        ("restart=sand", "no start pose is called 'sand'"),
        ("task.cutoff_hz=12", r"task\.cutoff_hz is 12 Hz; at 20 .* below 10 Hz"),
        ("hz=3", r"task\.cutoff_hz is 1\.5 Hz; at 3 .* below 1\.5 Hz"),
        (
            "task.reward.velocity_scale=20",
            r"from 10 to 24, .* -5 to 15: --set agent\.reward_offset=10 .*scale=14",
        ),
        ("agent.reward_scale=5", r"from 5 to 14, .* 0 to 10"),
        ("agent.actor.entropy_target=none", r"--set agent\.actor\.final_entropy_target=none, too"),
        ("task.fall=0.5", r"--set agent\.continuation=true, or --set task\.fall=none"),
    ],
)
def test_what_does_not_fit_together_is_an_error_that_a_person_can_act_on(change, says):
    pytest.importorskip("torch")
    with pytest.raises((DaydreamerError, RobotError), match=says):
        preset = load("a1-sim", (change, "task.zero_stands=true", "learner.mirror=0"))
        env = build.make_env(preset)
        build.make_agent(preset, env.obs_spec, env.act_spec)


@pytest.mark.parametrize("agent", ["dreamer", "sac", "droq"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_agent_can_learn_what_its_task_rewards(name, agent):
    build.check_learnable(load(name, [f"agent={agent}"]))


@pytest.mark.parametrize(
    "changes",
    [
        ("task.reward.velocity_scale=20", "agent.reward_offset=10", "agent.reward_scale=14"),
        ("task.reward.velocity_scale=20", "agent.reward.high=2"),
        ("task.reward.velocity_scale=20", "agent.reward.kind=symlog_mse"),
        ("task.reward.velocity_scale=20", "task.fall=0.5", "agent=sac"),
        ("task.fall=0.5", "agent.continuation=true"),
        ("agent.actor.entropy_target=none", "agent.actor.final_entropy_target=none"),
    ],
)
def test_what_the_errors_advise_helps(changes):
    build.check_learnable(load("a1-sim", changes))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("agent.slow_every=0", "slow_every is 0"),
        ("agent.encoder_layers=-1", "encoder_layers is -1"),
        ("agent.classes=-2", "classes is -2"),
        ("agent.critic.layers=-1", "layers is -1"),
        ("agent.kl.rep=-0.1", r"kl\.rep is -0\.1"),
        ("agent.kl.dyn=-1", r"kl\.dyn is -1"),
        ("agent.kl.free=-1", r"kl\.free is -1"),
        ("agent.actor.entropy=-0.01", r"entropy is -0\.01"),
        ("agent.actor.saturation=-0.01", r"saturation is -0\.01"),
        ("agent.actor.entropy_target=1.5", r"entropy_target is 1\.5"),
        ("agent.actor.final_entropy_target=-0.1", r"final_entropy_target is -0\.1"),
        ("agent.model_opt.weight_decay=-1", "weight_decay is -1"),
        ("learner.capacity=31", r"capacity \(31\) must be at least two sequences \(32 rows\)"),
        ("agent.dropout=1", r"dropout is 1\.0"),
    ],
)
def test_what_would_crash_later_or_learn_the_wrong_way_round_is_refused(change, says):
    with pytest.raises(BadOverride, match=says):
        load("a1-sim", [change, *(["agent=droq"] if "dropout" in change else [])])


def test_a_real_robot_is_guarded_by_the_usual_figures_alone():
    preset = load("a1")
    assert preset.robot == "a1" and not preset.robot_options, "none of the preset's own"
    config = build.make_robot(preset)._config
    assert config.safety == SafetyConfig()
    assert replace(config, latch="") == ServoConfig(command_interval=1 / preset.hz)
    assert config.latch, "a stop outlives the program"


def test_a_real_robot_is_asked_for_what_the_stand_in_learned_and_as_smoothly():
    task = load("a1").task
    assert task == load("a1-sim").task
    assert (task.action_low, task.action_high) == (
        (0.15, 0.08, 0.06),
        (0.85, 0.90, 0.60),
    )  # of joints' ranges
    assert task.cutoff_hz == 1.5


def test_nobody_topples_a_real_robot():
    assert load("a1").actor.babble == 0


def test_only_a_simulated_robot_waits_and_only_when_it_runs_as_fast_as_it_can():
    preset = load("a1-sim")
    assert build.time_can_stand_still(preset, "max")
    assert not build.time_can_stand_still(preset, "realtime")


def test_the_agent_of_the_a1_learns_rewards_between_minus_one_and_one():
    agent = load("a1-sim").agent
    lying, walking = ((reward - agent.reward_offset) / agent.reward_scale for reward in (5.0, 14.0))
    assert -1 <= lying < walking <= 1


def test_the_emulated_robot_has_the_runs_seed_and_its_own_pace():
    preset = load("a1-emulated")
    assert build.make_robot(preset, seed=7)._emulated.seed == 7
    assert not build.time_can_stand_still(preset, "max")


def test_a_stop_box_is_heard_by_the_servo_of_an_a1_and_by_a_guard_around_anything_else():
    config = build.make_robot(load("a1-emulated", ["hz=50"]), estop="/dev/ttyUSB0")._config
    assert config.estop == "/dev/ttyUSB0" and config.command_interval == 0.02
    guarded = build.make_robot(load("fake-tiny"), estop="/dev/ttyUSB0")
    assert isinstance(guarded, SafetyGuard) and guarded.info.name == "fake"
    assert not isinstance(build.make_robot(load("fake-tiny")), SafetyGuard)


def test_a_mirror_in_which_actions_mean_something_else_is_refused():
    lopsided = "task.action_low=[0.3,0.01,0.01]"
    with pytest.raises(DaydreamerError, match=r"learner\.mirror=0"):
        build.symmetry(load("a1-sim", [lopsided]))
    build.symmetry(load("a1-sim", [lopsided, "learner.mirror=0"]))


def test_actor_and_learner_agree_on_rate_task_and_way_with_delay_and_not_on_how_much_there_is():
    plain = build.terms(load("a1-sim"))
    assert plain["hz"] == "20.0" and plain["delay.mode"] == '"none"' and "task.reward" in plain
    ahead = [build.terms(load("a1-sim", ["delay.mode=ahead", f"delay.seconds={s}"])) for s in (0.02, 0.03)]
    assert ahead[0] == ahead[1] != plain, "each robot has the delay that it has"
    for change in ("hz=50", "task.fall=0.5"):
        assert build.terms(load("a1-sim", [change])) != plain

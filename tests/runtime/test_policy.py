import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from daydreamer.core.errors import Corrupt, SpecMismatch
from daydreamer.core.specs import ArraySpec
from daydreamer.runtime.policy import OnnxPolicy

FIRST = {"is_first": np.asarray(True), "count": np.zeros(1, np.float32)}
LATER = {**FIRST, "is_first": np.asarray(False)}


def test_it_acts_and_carries_its_state_from_step_to_step(make_policy):
    policy = OnnxPolicy(make_policy(0.25, version=7))
    assert policy.version == 7
    carry, action = policy(policy.initial(), FIRST, policy.noise(explore=False))
    assert action["action"].tolist() == [0.25, 0.25]
    carry, _ = policy(carry, LATER, policy.noise(explore=False))
    carry, _ = policy(carry, LATER, policy.noise(explore=False))
    assert carry["steps"].tolist() == [3.0]
    carry, _ = policy(carry, FIRST, policy.noise(explore=False))
    assert carry["steps"].tolist() == [1.0], "is_first makes the model forget"


def test_only_exploring_moves_the_action_from_its_mean(make_policy):
    policy = OnnxPolicy(make_policy(0.0), seed=3)
    assert not policy.noise(explore=False)["action"].any()
    explored = np.stack([policy.noise(explore=True)["action"] for _ in range(2000)])
    assert explored.dtype == np.float32
    assert abs(explored.mean()) < 0.1 and abs(explored.std() - 1) < 0.1


def test_the_same_seed_gives_the_same_noise(make_policy):
    one, other = (OnnxPolicy(make_policy(), seed=5).noise(explore=True) for _ in range(2))
    assert (one["action"] == other["action"]).all()


def test_uniform_noise_lies_in_zero_to_one_and_is_drawn_even_without_exploring(make_policy):
    policy = OnnxPolicy(make_policy(noise={"action": "uniform"}, explore=[]), seed=0)
    drawn = np.stack([policy.noise(explore=False)["action"] for _ in range(100)])
    assert drawn.min() >= 0 and drawn.max() < 1 and drawn.std() > 0.2


def test_what_is_missing_or_of_another_shape_is_named(make_policy):
    policy = OnnxPolicy(make_policy())
    noise = policy.noise(explore=False)
    with pytest.raises(SpecMismatch, match="count"):
        policy(policy.initial(), {"is_first": FIRST["is_first"]}, noise)
    with pytest.raises(SpecMismatch, match="cannot take this step"):
        policy(policy.initial(), {**FIRST, "count": np.zeros(3, np.float32)}, noise)


def test_it_says_when_it_does_not_fit_an_environment(make_policy):
    policy = OnnxPolicy(make_policy())
    obs = {"is_first": ArraySpec((), "bool"), "count": ArraySpec((1,), low=0.0)}
    act = {"action": ArraySpec((2,), low=-1.0, high=1.0)}
    policy.fits(obs, act)
    policy.fits({**obs, "another": ArraySpec((3,))}, act)  # it need not use all that there is
    with pytest.raises(SpecMismatch, match=r"count: ours float32\[1\], theirs float32\[4\]"):
        policy.fits({**obs, "count": ArraySpec((4,))}, act)
    with pytest.raises(SpecMismatch, match=r"theirs float32\[12\]"):
        policy.fits(obs, {"action": ArraySpec((12,), low=-1.0, high=1.0)})


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        ({"schema": 2}, "schema 2"),
        ({"version": "new"}, "version"),
        ({"obs": {}}, "inputs are"),
        ({"noise": {"action": "pink"}}, "'pink'"),
        ({"act": {}}, "outputs are"),
    ],
)
def test_a_model_that_is_no_policy_of_ours_is_refused(make_policy, meta, says):
    with pytest.raises(Corrupt, match=says):
        OnnxPolicy(make_policy(**meta))


def instead_of(model, output, *nodes):
    """Put ``nodes``, which read "before", between what made ``output`` and the output."""
    for node in model.graph.node:
        node.output[:] = ["before" if name == output else name for name in node.output]
    model.graph.node.extend(nodes)


def an_action_in_a_batch(model):
    zero = helper.make_node("Constant", [], ["axes"], value_ints=[0])
    instead_of(
        model, "action/action", zero, helper.make_node("Unsqueeze", ["before", "axes"], ["action/action"])
    )
    del model.graph.output[0].type.tensor_type.shape.dim[:]


def an_action_of_words(model):
    instead_of(
        model, "action/action", helper.make_node("Cast", ["before"], ["action/action"], to=TensorProto.STRING)
    )
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING


def a_carry_that_grows(model):
    instead_of(model, "next/steps", helper.make_node("Concat", ["before", "before"], ["next/steps"], axis=0))
    model.graph.output[1].type.tensor_type.shape.dim[0].dim_value = 2


def a_carry_of_any_size(model):
    model.graph.input[2].type.tensor_type.shape.dim[0].dim_param = "N"


def a_carry_beyond_all_memory(model):
    model.graph.input[2].type.tensor_type.shape.dim[0].dim_value = 10**13


def an_observation_of_another_shape(model):
    model.graph.input[1].type.tensor_type.shape.dim[0].dim_value = 2


def an_observation_of_another_type(model):
    model.graph.input[1].type.tensor_type.elem_type = TensorProto.DOUBLE
    for node in model.graph.node:
        node.input[:] = ["count" if name == "obs/count" else name for name in node.input]
    model.graph.node.insert(0, helper.make_node("Cast", ["obs/count"], ["count"], to=TensorProto.FLOAT))


def a_step_that_fails(model):
    size = helper.make_node("Constant", [], ["size"], value_ints=[5])
    instead_of(model, "next/steps", size, helper.make_node("Reshape", ["before", "size"], ["next/steps"]))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (an_action_in_a_batch, r"action 'action' is \(\(1, 2\), 'float32'\); it says"),
        (an_action_of_words, "action 'action' is"),
        (a_carry_that_grows, r"makes the carry .*\(2,\)"),
        (a_carry_of_any_size, r"'carry/steps' has the shape \['N'\]"),
        (a_carry_beyond_all_memory, "bytes a step; expected at most"),
        (an_observation_of_another_shape, r"'obs/count' is \(\(2,\), 'float32'\); it says \(\(1,\)"),
        (an_observation_of_another_type, "'obs/count' is .*float64"),
        (a_step_that_fails, "cannot take this step|no ONNX model|that are none"),
    ],
)
def test_a_policy_that_does_not_do_what_it_says_is_refused_before_it_drives(make_policy, spoil, says):
    model = onnx.load_model_from_string(make_policy())
    spoil(model)
    with pytest.raises((Corrupt, SpecMismatch), match=says):
        OnnxPolicy(model.SerializeToString())


def test_bytes_that_are_no_model_are_refused():
    with pytest.raises(Corrupt, match="4 bytes"):
        OnnxPolicy(b"abcd")


def test_a_carry_goes_on_only_in_a_policy_with_the_same_carry(make_policy):
    policy = OnnxPolicy(make_policy())
    assert policy.fits_carry(OnnxPolicy(make_policy(0.5)).initial())
    assert not policy.fits_carry({"steps": np.zeros(2, np.float32)})
    assert not policy.fits_carry({})

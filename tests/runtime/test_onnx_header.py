"""A policy's head is read, and doubted, before onnxruntime sees a byte of it."""

import contextlib
import random

import numpy as np
import onnx
import pytest
from onnx import helper

from daydreamer.core.errors import Corrupt
from daydreamer.runtime.onnx_header import check_model
from daydreamer.runtime.policy import OnnxPolicy
from daydreamer.runtime.policy_loader import PolicyLoader
from tests.contracts.link_contract import eventually


@pytest.fixture
def model(make_policy):
    return onnx.load_model_from_string(make_policy())


def test_a_policy_of_ours_is_a_model_that_is_run_here(make_policy):
    check_model(make_policy())


@pytest.mark.parametrize("version", [12, 25, 2**40])
def test_another_opset_is_refused_with_both_sides(model, version):
    model.opset_import[0].version = version
    with pytest.raises(Corrupt, match=rf"opset {version}; this software runs 13 to 24"):
        check_model(model.SerializeToString())


def test_another_format_is_refused(model):
    model.ir_version = 99
    with pytest.raises(Corrupt, match=r"ONNX format \[99\]; this software runs 4 to 13"):
        check_model(model.SerializeToString())


def test_operators_of_others_are_refused(model):
    model.opset_import.add(domain="com.example.files", version=1)
    with pytest.raises(Corrupt, match=r"operators of 'com\.example\.files'"):
        check_model(model.SerializeToString())


def in_another_file(name="w"):
    tensor = onnx.TensorProto(name=name, data_type=onnx.TensorProto.FLOAT, dims=[1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def as_a_weight(model):
    model.graph.initializer.append(in_another_file())


def as_a_sparse_weight(model):
    indices = helper.make_tensor("i", onnx.TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(in_another_file(), indices, [1]))


def as_a_constant(model):
    model.graph.node.append(helper.make_node("Constant", [], ["w"], value=in_another_file()))


def branches():
    out = [helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [1])]
    return (
        helper.make_graph(nodes, "g", [], out, initializer=weights)
        for nodes, weights in (
            ([], [in_another_file()]),
            ([helper.make_node("Constant", [], ["w"], value_floats=[1.0])], []),
        )
    )


def in_a_branch(model):
    one, other = branches()
    choice = helper.make_node("If", ["obs/is_first"], ["w"], then_branch=one, else_branch=other)
    model.graph.node.append(choice)


def in_a_function(model):
    constant = helper.make_node("Constant", [], ["w"], value=in_another_file())
    model.functions.append(
        helper.make_function("", "Odd", [], ["w"], [constant], [helper.make_opsetid("", 17)])
    )


@pytest.mark.parametrize("hide", [as_a_weight, as_a_sparse_weight, as_a_constant, in_a_branch, in_a_function])
def test_weights_in_other_files_are_refused_wherever_they_stand(model, hide):
    hide(model)
    with pytest.raises(Corrupt, match="weights in other files"):
        check_model(model.SerializeToString())


def test_operators_of_others_in_a_function_are_refused(model):
    odd = helper.make_opsetid("com.example.files", 1)
    model.functions.append(helper.make_function("", "Odd", [], ["w"], [], [odd]))
    with pytest.raises(Corrupt, match=r"operators of 'com\.example\.files'"):
        check_model(model.SerializeToString())


def test_graphs_in_graphs_end_somewhere(model):
    graph = next(branches())
    for _ in range(30):
        again = helper.make_node("Loop", ["n", "c"], ["w"], body=graph)
        graph = helper.make_graph([again], "g", [], [])
    model.graph.node.append(helper.make_node("Loop", ["n", "c"], ["w"], body=graph))
    with pytest.raises(Corrupt, match="nested deeper than 16"):
        check_model(model.SerializeToString())


def test_what_is_no_model_is_only_corrupt(make_policy):
    good, dice = make_policy(), random.Random(0)
    for data in (b"", b"weights", bytes(100), b"\xff" * 100, np.random.default_rng(0).bytes(1000)):
        with pytest.raises(Corrupt, match="expected an ONNX model"):
            check_model(data)
    for _ in range(500):
        damaged = bytearray(good[: dice.randrange(len(good))])
        for _ in range(3):
            damaged[dice.randrange(len(damaged) or 1) : 0] = dice.randbytes(3)
        with contextlib.suppress(Corrupt):
            check_model(bytes(damaged))


def test_a_policy_that_is_refused_leaves_the_present_one_in_place(make_policy, model, caplog):
    model.opset_import[0].version = 99
    loader = PolicyLoader(OnnxPolicy)
    try:
        loader.load(make_policy(version=1))
        assert eventually(loader.take).version == 1
        loader.load(model.SerializeToString())
        eventually(lambda: "a new policy is left aside" in caplog.text)
        assert "opset 99" in caplog.text
        assert loader.take() is None
        loader.load(make_policy(version=3))
        assert eventually(loader.take).version == 3
    finally:
        loader.close()

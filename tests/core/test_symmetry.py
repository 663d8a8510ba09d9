import numpy as np
import pytest

from daydreamer.core.symmetry import Symmetry

# Two sides of two numbers each; the first of each side changes sign.
SIDES = Symmetry({"sides": ((2, 3, 0, 1), (-1.0, 1.0, -1.0, 1.0)), "vector": ((0, 1), (1.0, -1.0))})


def test_mirror_by_hand():
    batch = {"sides": np.array([1, 2, 3, 4], np.float32), "vector": np.array([5, 6], np.float32)}
    mirrored = SIDES.mirror(batch)
    # sides: take (3, 4, 1, 2), then signs (-, +, -, +)
    np.testing.assert_array_equal(mirrored["sides"], [-3, 4, -1, 2])
    np.testing.assert_array_equal(mirrored["vector"], [5, -6])
    assert mirrored["sides"].dtype == np.float32
    np.testing.assert_array_equal(batch["sides"], [1, 2, 3, 4])


def test_keys_without_a_mirror_pass_unchanged():
    reward = np.ones((3, 2), np.float32)
    assert SIDES.mirror({"reward": reward})["reward"] is reward
    chosen = np.array([True, False, True])
    assert SIDES.mirror_some({"reward": reward}, chosen)["reward"] is reward


def test_mirrored_twice_is_the_original():
    batch = {"sides": np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)}
    np.testing.assert_array_equal(SIDES.mirror(SIDES.mirror(batch))["sides"], batch["sides"])


def test_only_chosen_sequences_are_mirrored_and_the_batch_is_left_alone():
    batch = {"sides": np.random.default_rng(0).normal(size=(4, 5, 4)).astype(np.float32)}
    kept = batch["sides"].copy()
    chosen = np.array([True, False, True, False])
    some = SIDES.mirror_some(batch, chosen)["sides"]
    whole = SIDES.mirror(batch)["sides"]
    np.testing.assert_array_equal(some[chosen], whole[chosen])
    np.testing.assert_array_equal(some[~chosen], kept[~chosen])
    np.testing.assert_array_equal(batch["sides"], kept)


def test_none_or_all_may_be_chosen():
    batch = {"vector": np.arange(6, dtype=np.float32).reshape(3, 2)}
    np.testing.assert_array_equal(SIDES.mirror_some(batch, np.zeros(3, bool))["vector"], batch["vector"])
    np.testing.assert_array_equal(
        SIDES.mirror_some(batch, np.ones(3, bool))["vector"], SIDES.mirror(batch)["vector"]
    )


@pytest.mark.parametrize(
    "perm, sign, message",
    [
        ((0, 0), (1.0, 1.0), "permutation"),
        ((0, 1), (1.0,), "signs"),
        ((1, 2, 0), (1.0, 1.0, 1.0), "twice"),  # a rotation comes home after three
        ((1, 0), (1.0, -1.0), "twice"),  # out with +, back with -
        ((0,), (0.5,), "twice"),
    ],
)
def test_what_is_no_mirror_is_refused(perm, sign, message):
    with pytest.raises(ValueError, match=message):
        Symmetry({"x": (perm, sign)})


def test_an_array_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"expected \[\.\.\., 2\]"):
        SIDES.mirror({"vector": np.zeros((4, 3))})

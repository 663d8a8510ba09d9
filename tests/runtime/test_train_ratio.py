from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydreamer.runtime.train_ratio import TrainRatio

# 512 steps per update and 128 per row: one update per 4 rows. 2,000 rows first, then 100 updates.
A1 = TrainRatio(ratio=128, per_update=512, prefill=2000, pretrain=100, slack=40)


def test_nothing_is_learned_before_the_prefill_and_nothing_more_collected_during_pretraining():
    assert not A1.may_train(rows=1999, sampled=0)
    assert A1.may_train(rows=2000, sampled=0)
    assert A1.rows_wanted(sampled=0) == 2000
    assert A1.rows_wanted(sampled=99 * 512) == 2000
    assert A1.may_train(rows=2000, sampled=99 * 512)
    assert not A1.may_train(rows=2000, sampled=100 * 512), "the 100 updates are made"


def test_then_four_rows_pay_for_one_update():
    assert A1.rows_wanted(sampled=100 * 512) == 2000 + 40
    assert not A1.may_train(rows=2003, sampled=100 * 512)
    assert A1.may_train(rows=2004, sampled=100 * 512)
    # 60 robot minutes are 72,000 rows: (72,000 - 2,000) / 4 = 17,500 updates, and 100 of pre-training.
    assert A1.may_train(rows=72_000, sampled=(17_600 - 1) * 512)
    assert not A1.may_train(rows=72_000, sampled=17_600 * 512)


@given(
    ratio=st.floats(0.1, 500),
    per_update=st.integers(1, 2000),
    prefill=st.integers(1, 500),
    pretrain=st.integers(0, 5),
    extra=st.integers(0, 50),
)
def test_the_two_sides_never_wait_for_each_other(ratio, per_update, prefill, pretrain, extra):
    slack = int(per_update / ratio) + 1 + extra
    balance = TrainRatio(ratio, per_update, prefill, pretrain, slack)
    rows = sampled = 0
    for _ in range(200):
        if balance.may_train(rows, sampled):
            sampled += per_update
        else:
            wanted = balance.rows_wanted(sampled)
            assert wanted > rows, "the learner may not train, so it must want rows"
            rows = wanted


def test_another_ratio_counts_from_where_it_began_and_the_past_neither_owes_nor_has_credit():
    # One robot hour at 256: 100 + 70,000 / 2 updates.
    before = replace(A1, ratio=256)
    rows, sampled = 72_000, 35_100 * 512
    for ratio, rows_per_update in ((128, 4), (512, 1)):
        now = replace(A1, ratio=ratio).after(asdict(before), rows, sampled)
        assert not now.may_train(rows, sampled) and now.rows_wanted(sampled) == rows + 40
        assert now.may_train(rows + rows_per_update, sampled)
        # as if it had been so from the start: 100 updates, and then for each row after the prefill
        expected = (100 * 512 + ratio * (rows + 100 - 2000)) / (rows + 100)
        assert now.achieved(rows + 100, sampled + 100 * ratio) == pytest.approx(expected)
        assert replace(A1, ratio=ratio).after(asdict(now), rows + 8, sampled) == now, "it goes on, as before"


def test_a_ratio_that_has_not_changed_or_has_not_begun_counts_from_the_beginning():
    assert A1.after(asdict(A1), 72_000, 17_600 * 512) == A1
    assert A1.after(None, 72_000, 17_600 * 512) == A1, "written before it was written down"
    assert A1.after(asdict(replace(A1, ratio=256)), 2000, 99 * 512) == A1
    assert A1.achieved(1000, 128_000) == 128


def test_a_slack_that_is_less_than_one_update_is_refused():
    with pytest.raises(ValueError, match="one update needs 4"):
        TrainRatio(ratio=128, per_update=512, prefill=100, pretrain=0, slack=3)

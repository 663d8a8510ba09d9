import json
import threading

import numpy as np
import pytest

from daydreamer.core.errors import CheckpointError, SpecMismatch
from daydreamer.replay import ReplayEmpty


def starts(batch):
    return batch["value"][:, 0, 0].astype(int)


def test_chunks_are_consecutive_rows(opened, rows):
    replay = opened(segment_rows=7)
    replay.append(rows(0, 50), "a", 0)
    batch = replay.sample(200, 10)  # longer than a segment
    assert batch["value"].shape == (200, 10, 2)
    np.testing.assert_array_equal(
        batch["value"][..., 0] - starts(batch)[:, None], np.tile(np.arange(10), (200, 1))
    )
    # one stream without a hole: only the very first row is a first one
    np.testing.assert_array_equal(batch["is_first"], batch["value"][..., 0] == 0)


def test_every_start_is_equally_likely(opened, rows):
    replay = opened(segment_rows=5)
    replay.append(rows(0, 12), "a", 0)
    # chunks of 3 in 12 rows: starts 0 .. 9; 20,000 draws, 2,000 each, deviation sqrt(20000 * .1 * .9) = 42
    counts = np.bincount(starts(replay.sample(20_000, 3)), minlength=10)
    assert len(counts) == 10
    assert np.all(np.abs(counts - 2000) < 5 * 42)


def test_chunks_cross_streams_and_say_so(opened, rows):
    replay = opened(segment_rows=4)
    replay.append(rows(0, 6), "a", 0)
    replay.append(rows(0, 6, tag=1), "b", 0)
    batch = replay.sample(300, 5)
    values, first = batch["value"][..., 0], batch["is_first"]
    np.testing.assert_array_equal(first, (values == 0) | (values == 1000))
    crossing = (values[:, :-1] == 5) & (values[:, 1:] == 1000)
    assert crossing.any()


def test_two_streams_at_once_stand_one_after_the_other(opened, rows, values):
    replay = opened(segment_rows=4)
    for seq in range(6):
        replay.append(rows(seq, 1), "a", seq)
        replay.append(rows(seq, 1, tag=1), "b", seq)
    assert values(replay) == [0, 1, 2, 3, 1000, 1001, 1002, 1003, 4, 5, 1004, 1005]
    first = replay.read(0, 12)["is_first"]
    assert np.flatnonzero(first).tolist() == [0, 4, 8, 10]  # 4 follows 3 in time, but not in the file


def test_the_first_row_after_dropped_ones_is_a_first_one(opened, rows):
    replay = opened(capacity=8, segment_rows=4)
    replay.append(rows(0, 10), "a", 0)
    oldest = replay.read(0, 2)
    assert oldest["value"][:, 0].tolist() == [4, 5]
    assert oldest["is_first"].tolist() == [True, False]


def test_recorded_firsts_are_kept(opened, rows):
    replay = opened()
    sent = rows(0, 6)
    sent["is_first"][3] = True
    replay.append(sent, "a", 0)
    assert replay.read(0, 6)["is_first"].tolist() == [True, False, False, True, False, False]


def test_too_few_rows_are_an_error_that_says_how_many(opened, rows):
    replay = opened()
    with pytest.raises(ReplayEmpty, match="a chunk needs 4 rows, replay holds 0"):
        replay.sample(1, 4)
    replay.append(rows(0, 3), "a", 0)
    with pytest.raises(ReplayEmpty, match="holds 3: wait until"):
        replay.sample(1, 4)
    replay.append(rows(3, 1), "a", 3)
    assert starts(replay.sample(3, 4)).tolist() == [0, 0, 0]


def test_a_share_of_the_batch_is_recent(opened, rows):
    replay = opened(capacity=1000, segment_rows=100)
    replay.append(rows(0, 1000), "a", 0)
    # the newest 50 rows are 950 .. 999; chunks of 10 start at 950 .. 990
    batch = starts(replay.sample(400, 10, recent=0.25, recent_window=50))
    recent, rest = batch[:100], batch[100:]
    assert recent.min() >= 950 and recent.max() <= 990
    assert len(np.unique(recent)) > 30
    assert np.mean(rest < 900) > 0.8


def test_a_share_smaller_than_one_chunk_holds_on_average(opened, rows):
    replay = opened(capacity=1000)
    replay.append(rows(0, 1000), "a", 0)
    # 4 chunks, a tenth of them recent: 0.4 per batch; 2000 batches: 800, deviation sqrt(2000 * .24) = 22
    drawn = np.array([starts(replay.sample(4, 1, recent=0.1, recent_window=1))[0] for _ in range(2000)])
    assert abs(np.sum(drawn == 999) - 800) < 5 * 22


def test_a_window_shorter_than_a_chunk_gives_the_newest_chunk(opened, rows):
    replay = opened()
    replay.append(rows(0, 100), "a", 0)
    assert set(starts(replay.sample(20, 16, recent=1.0, recent_window=8))) == {84}


def test_recent_follows_the_stream_that_grows(opened, rows):
    replay = opened(capacity=1000, segment_rows=200)
    replay.append(rows(0, 50), "a", 0)
    replay.append(rows(0, 50, tag=1), "b", 0)
    assert starts(replay.sample(50, 1, recent=1.0, recent_window=10)).min() >= 1040
    replay.append(rows(50, 5), "a", 50)
    drawn = set(starts(replay.sample(300, 1, recent=1.0, recent_window=10)))
    assert drawn == set(range(45, 55))  # the newest of a, although b stands behind it in storage order


def test_agents_see_no_logs_unless_asked(opened, rows):
    replay = opened()
    replay.append(rows(0, 5), "a", 0)
    assert replay.sample(1, 2).keys() == {"value", "reward", "is_first", "is_last", "is_terminal", "action"}
    chosen = replay.sample(3, 2, keys=["log/up", "applied/action", "time"])
    assert {key: value.shape for key, value in chosen.items()} == {
        "log/up": (3, 2), "applied/action": (3, 2, 1), "time": (3, 2),
    }  # fmt: skip
    with pytest.raises(SpecMismatch, match="no keys \\['nothing'\\]"):
        replay.sample(1, 2, keys=["nothing"])


def test_a_batch_belongs_to_the_caller(opened, rows):
    replay = opened()
    replay.append(rows(0, 5), "a", 0)
    batch = replay.sample(4, 5)
    for value in batch.values():
        value[...] = 1  # writable, and nothing behind it changes
    assert replay.read(0, 5)["value"][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_the_random_state_resumes_the_same_samples(opened, rows):
    first = opened(segment_rows=16)
    first.append(rows(0, 100), "a", 0)
    first.sample(8, 4, recent=0.3)
    saved = json.dumps(first.random_state())
    expected = [first.sample(8, 4, recent=0.3)["value"] for _ in range(3)]
    first.close()
    again = opened(seed=99, segment_rows=16)
    again.set_random_state(json.loads(saved))
    for batch in expected:
        np.testing.assert_array_equal(again.sample(8, 4, recent=0.3)["value"], batch)


def test_something_else_is_no_random_state(opened):
    replay = opened()
    for state in ({}, {"bit_generator": "MT19937"}, {"bit_generator": "PCG64", "state": 3}):
        with pytest.raises(CheckpointError, match="not a sampler's random state"):
            replay.set_random_state(state)


def test_same_seed_same_samples(opened, rows):
    batches = []
    for _ in range(2):
        replay = opened(seed=7)
        replay.append(rows(0, 50), "a", 0)
        batches.append(replay.sample(16, 4)["value"])
        replay.close()
    np.testing.assert_array_equal(*batches)


@pytest.mark.parametrize(("batch", "length", "recent"), [(0, 1, 0), (1, 0, 0), (1, 1, 1.5)])
def test_senseless_requests_are_refused(opened, rows, batch, length, recent):
    replay = opened()
    replay.append(rows(0, 5), "a", 0)
    with pytest.raises(ValueError, match="expected B, T >= 1"):
        replay.sample(batch, length, recent)


def test_one_thread_appends_while_another_samples(opened, rows):
    replay = opened(capacity=300, segment_rows=20)
    replay.append(rows(0, 10), "a", 0)
    done, errors = threading.Event(), []

    def append():
        try:
            for seq in range(10, 610, 3):
                replay.append(rows(seq, 3), "a", seq)
        except Exception as error:
            errors.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=append)
    thread.start()
    while not done.is_set():
        values = replay.sample(16, 8, recent=0.5, recent_window=20)["value"][..., 0]
        np.testing.assert_array_equal(np.diff(values, axis=1), 1)
    thread.join()
    assert not errors
    assert replay.next_seq("a") == 610

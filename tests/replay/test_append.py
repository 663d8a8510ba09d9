import numpy as np
import pytest

from daydreamer.core.errors import SpecMismatch
from daydreamer.core.specs import ArraySpec
from daydreamer.replay import Replay, ReplayGap, ReplayLocked


def test_rows_come_back_as_they_were(opened, rows):
    replay = opened()
    sent = rows(0, 5)
    rng = np.random.default_rng(0)
    sent["action"][:] = rng.uniform(-1, 1, sent["action"].shape)
    sent["time"][:] = 1e9 + rng.random(5)  # float64 stays float64
    sent["is_last"][3] = True
    assert replay.append(sent, "a", 0) == 5
    back = replay.read(0, 5)
    assert back.keys() == sent.keys()
    for key, value in sent.items():
        if key != "is_first":  # True at the very first row, whatever was sent
            np.testing.assert_array_equal(back[key], value)
            assert back[key].dtype == value.dtype
    assert back["is_first"].tolist() == [True, False, False, False, False]


def test_rows_sent_again_are_dropped_and_counted(opened, rows, values):
    replay = opened()
    assert replay.append(rows(0, 5), "a", 0) == 5
    assert replay.append(rows(3, 5), "a", 3) == 3  # 3 and 4 are known; 5, 6, 7 are new
    assert replay.append(rows(0, 4), "a", 0) == 0
    assert values(replay) == list(range(8))
    assert replay.next_seq("a") == 8
    assert replay.stats()["replay/duplicates"] == 2 + 4


def test_a_gap_is_an_error_and_stores_nothing(opened, rows):
    replay = opened()
    replay.append(rows(0, 2), "a", 0)
    with pytest.raises(ReplayGap, match="stream 'a': expected row 2, got rows from 3"):
        replay.append(rows(3, 1), "a", 3)
    with pytest.raises(ReplayGap, match="expected row 0, got rows from 7"):
        replay.append(rows(7, 1), "unknown", 7)
    assert len(replay) == replay.next_seq("a") == 2
    assert replay.next_seq("unknown") == 0


def test_no_rows_are_no_trouble(opened, rows):
    assert opened().append(rows(0, 0), "a", 0) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("value"), "missing \\['value'\\]"),
        (lambda r: r.update(extra=r["value"]), "not expected \\['extra'\\]"),
        (lambda r: r.update(value=r["value"].astype("float64")), "'value': expected float32\\[3, 2\\]"),
        (
            lambda r: r.update(value=r["value"][:, :1]),
            "'value': expected float32\\[3, 2\\], got float32\\[3, 1\\]",
        ),
        (lambda r: r["value"].__setitem__((1, 0), np.nan), "'value': not finite"),
        (lambda r: r["action"].__setitem__((1, 0), 1.5), "'action': 1.5 is above its upper bound 1"),
    ],
)
def test_rows_that_do_not_fit_are_refused_whole(opened, rows, change, message):
    replay = opened()
    bad = rows(0, 3)
    change(bad)
    with pytest.raises(SpecMismatch, match=message):
        replay.append(bad, "a", 0)
    assert len(replay) == replay.next_seq("a") == 0


def test_a_nameless_stream_and_a_negative_number_are_refused(opened, rows):
    replay = opened()
    with pytest.raises(SpecMismatch):
        replay.append(rows(0, 1), "", 0)
    with pytest.raises(SpecMismatch):
        replay.append(rows(0, 1), "a", -1)


def test_it_opens_again_and_goes_on(opened, rows, values):
    first = opened(segment_rows=4)
    first.append(rows(0, 6), "a", 0)
    first.append(rows(0, 2, tag=1), "b", 0)
    first.close()
    again = opened(segment_rows=4)
    assert (again.next_seq("a"), again.next_seq("b"), again.next_seq("c")) == (6, 2, 0)
    assert again.append(rows(4, 4), "a", 4) == 2
    assert values(again) == [0, 1, 2, 3, 4, 5, 1000, 1001, 6, 7]


def test_another_spec_is_refused_with_both_sides_printed(opened, rows, spec):
    first = opened()
    first.append(rows(0, 1), "a", 0)
    first.close()
    spec["value"] = ArraySpec((3,), "float32")
    with pytest.raises(SpecMismatch, match=r"value: ours float32\[3\], theirs float32\[2\]"):
        opened(spec=spec)


def test_the_order_of_keys_does_not_matter(opened, rows, spec, values):
    first = opened()
    first.append(rows(0, 3), "a", 0)
    first.close()
    assert values(opened(spec=dict(reversed(spec.items())))) == [0, 1, 2]


def test_one_process_at_a_time(opened, rows, tmp_path, spec):
    first = opened()
    with pytest.raises(ReplayLocked, match=r"is in use by process \d+"):
        opened()
    first.append(rows(0, 1), "a", 0)  # the refused one did no harm
    first.close()
    with Replay(tmp_path / "replay", spec, 10, 0) as replay:
        assert len(replay) == 1


def test_a_closed_replay_takes_no_rows(opened, rows):
    replay = opened()
    replay.append(rows(0, 1), "a", 0)
    replay.close()
    replay.close()
    with pytest.raises(ValueError, match="is closed"):
        replay.append(rows(1, 1), "a", 1)


def test_images_are_rows_like_others(opened, rows, spec):
    spec["image"] = ArraySpec((64, 64, 3), "uint8")
    replay = opened(spec=spec)
    sent = rows(0, 40, spec=spec)
    sent["image"][:] = np.arange(40, dtype="uint8")[:, None, None, None]
    replay.append(sent, "a", 0)
    batch = replay.sample(4, 8)
    assert batch["image"].shape == (4, 8, 64, 64, 3)
    np.testing.assert_array_equal(batch["image"][..., 63, 63, 2], batch["value"][..., 0])


def test_large_sealed_segments_are_mapped(opened, rows, spec):
    spec["image"] = ArraySpec((256, 256, 3), "uint8")  # 196,608 bytes: 30 rows are 5.9 MB in one file
    replay = opened(spec=spec, segment_rows=30)
    sent = rows(0, 32, spec=spec)
    sent["image"][:] = np.arange(32, dtype="uint8")[:, None, None, None]
    replay.append(sent, "a", 0)
    back = replay.read(0, 32)
    np.testing.assert_array_equal(back["image"], sent["image"])
    np.testing.assert_array_equal(back["value"], sent["value"])


def test_stats(opened, rows):
    replay = opened(segment_rows=4)
    replay.append(rows(0, 6), "a", 0)
    replay.append(rows(0, 1), "b", 0)
    replay.sample(2, 3)
    # a row: value 8, log/up 4, reward 4, three flags 3, action and applied/action 8, time 8, policy_version 8
    # = 43 bytes and a frame of 8
    assert replay.stats() == {
        "replay/rows": 7, "replay/bytes": 7 * 51, "replay/segments": 3, "replay/streams": 2,
        "replay/duplicates": 0, "replay/sampled_steps": 6, "replay/syncs": 3,
    }  # fmt: skip

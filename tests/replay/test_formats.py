"""Out of the replay and back: the same rows, under the same names and numbers."""

import json

import numpy as np
import pytest

from daydreamer.core.errors import Corrupt, DaydreamerError
from daydreamer.replay import Replay
from daydreamer.replay.archive import Archive
from daydreamer.replay.formats import lerobot, mcap_log, npz


@pytest.fixture
def archive(opened, rows, tmp_path, spec):
    """Two streams, one with a gap, random numbers, an episode that ends in the middle."""
    rng = np.random.default_rng(0)
    replay = opened(segment_rows=4)
    for stream, first, count in (("a", 0, 10), ("b", 3, 5), ("a", 20, 6)):
        made = rows(first, count, spec=spec)
        made["action"] = rng.uniform(-1, 1, made["action"].shape).astype(np.float32)
        made["log/up"] = rng.normal(size=count).astype(np.float32)
        made["time"] = 0.05 * np.arange(first, first + count)
        made["is_last"][count // 2] = True
        replay.append(made, stream, first, after_gap=True)
    replay.close()
    return Archive(tmp_path / "replay")


def everything(archive):
    """``{(stream, number): the row's bytes}``."""
    return {
        (part.stream, part.first_seq + i): part.rows[i].tobytes()
        for part in archive.parts()
        for i in range(len(part.rows))
    }


def brought_back(layout, parts, directory):
    with Replay(directory / "back" / "replay", layout.specs, 1000, 0) as replay:
        for part in parts:
            columns = {name: part.rows[name] for name in layout.specs}
            replay.append(columns, part.stream, part.first_seq, after_gap=True)
    return Archive(directory / "back")


def test_rows_survive_npz_and_back(archive, tmp_path):
    assert npz.write(archive, tmp_path / "rows.npz") == 21
    back = brought_back(*npz.read(tmp_path / "rows.npz"), tmp_path)
    assert everything(back) == everything(archive)
    assert back.layout.specs == archive.layout.specs


def test_what_a_learner_adds_while_rows_are_written_is_left_out(opened, rows, tmp_path, monkeypatch):
    replay = opened()
    replay.append(rows(0, 4), "a", 0)
    replay.append(rows(0, 4, tag=1), "b", 0)
    archive, parts, passes = Archive(tmp_path / "replay"), Archive.parts, []

    def meanwhile(self):
        if passes:
            replay.append(rows(3 + len(passes), 1), "a", 3 + len(passes))
        passes.append(len(passes))
        return parts(self)

    monkeypatch.setattr(Archive, "parts", meanwhile)
    assert npz.write(archive, tmp_path / "rows.npz") == 8 and len(passes) > 2
    _, found = npz.read(tmp_path / "rows.npz")
    assert {part.stream: part.rows["value"][:, 0].tolist() for part in found} == {
        "a": [0, 1, 2, 3], "b": [1000, 1001, 1002, 1003],
    }  # fmt: skip


def test_npz_is_what_numpy_reads(archive, tmp_path):
    npz.write(archive, tmp_path / "rows.npz")
    with np.load(tmp_path / "rows.npz") as file:
        assert file["value"].shape == (21, 2) and file["log/up"].dtype == np.float32
        assert file["value"][:, 0].tolist() == [*range(10), *range(3, 8), *range(20, 26)]


def test_rows_survive_lerobot_and_back(archive, tmp_path):
    pytest.importorskip("pyarrow")
    assert lerobot.write(archive, tmp_path / "set", 20.0, "walk", "a1") == 21
    back = brought_back(*lerobot.read(tmp_path / "set"), tmp_path)
    assert everything(back) == everything(archive)
    assert back.layout.specs == archive.layout.specs


def test_rows_survive_lerobot_in_many_files(archive, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(lerobot, "FILE_BYTES", 1)
    monkeypatch.setattr(lerobot, "FILES_PER_CHUNK", 2)
    lerobot.write(archive, tmp_path / "set", 20.0, "walk", "a1")
    assert len(list((tmp_path / "set" / "data").glob("chunk-*/file-*.parquet"))) > 4
    assert everything(brought_back(*lerobot.read(tmp_path / "set"), tmp_path)) == everything(archive)


def test_an_episode_of_lerobot_goes_on_in_the_next_file_of_the_replay(opened, rows, tmp_path):
    pytest.importorskip("pyarrow")
    replay = opened(segment_rows=4)
    made = rows(0, 10)
    made["is_first"][[0, 6]] = True
    made["is_last"][6] = True  # a step that was interrupted is an episode by itself
    replay.append(made, "a", 0)
    replay.close()
    lerobot.write(Archive(tmp_path / "replay"), tmp_path / "set", 20.0, "walk", "a1")
    assert json.loads((tmp_path / "set" / "meta" / "info.json").read_text())["total_episodes"] == 3
    back = brought_back(*lerobot.read(tmp_path / "set"), tmp_path)
    assert everything(back) == everything(Archive(tmp_path / "replay"))


def test_a_dataset_has_the_layout_of_lerobot_version_3(archive, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    lerobot.write(archive, tmp_path / "set", 20.0, "walk", "a1")
    info = json.loads((tmp_path / "set/meta/info.json").read_text())
    assert (info["codebase_version"], info["fps"], info["total_frames"]) == ("v3.0", 20.0, 21)
    assert info["features"]["observation.value"] == {"dtype": "float32", "shape": [2], "names": None}
    assert info["features"]["action"]["shape"] == [1] and "applied.action" in info["features"]
    assert not any("/" in name for name in info["features"])
    frames = parquet.read_table(tmp_path / "set/data/chunk-000/file-000.parquet")
    assert set(frames.column_names) == set(info["features"])
    assert frames["index"].to_pylist() == list(range(21))
    episodes = parquet.read_table(tmp_path / "set/meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert len(episodes) == info["total_episodes"] == frames["episode_index"][-1].as_py() + 1
    for episode in episodes:
        begin, end = episode["dataset_from_index"], episode["dataset_to_index"]
        assert episode["length"] == end - begin and episode["tasks"] == ["walk"]
        assert frames["frame_index"].to_pylist()[begin:end] == list(range(end - begin))
        assert frames["timestamp"].to_pylist()[begin:end] == pytest.approx(
            [i / 20 for i in range(end - begin)]
        )
        assert not any(frames["is_last"].to_pylist()[begin : end - 1]), "an episode ends with its last step"
    stats = json.loads((tmp_path / "set/meta/stats.json").read_text())
    assert stats["observation.value"]["max"] == [25.0, 25.0] and stats["index"]["mean"] == [10.0]
    assert parquet.read_table(tmp_path / "set/meta/tasks.parquet").to_pylist() == [
        {"task_index": 0, "task": "walk"}
    ]


def test_every_row_is_a_message_in_mcap(archive, tmp_path):
    reader = pytest.importorskip("mcap.reader")
    assert mcap_log.write(archive, tmp_path / "rows.mcap") == 21
    with open(tmp_path / "rows.mcap", "rb") as file:
        found = list(reader.make_reader(file).iter_messages(log_time_order=False))
    stored = {(p.stream, p.first_seq + i): row for p in archive.parts() for i, row in enumerate(p.rows)}
    assert len(found) == 21
    for _, channel, message in found:
        row = stored[channel.topic[1:], message.sequence]
        said = json.loads(message.data)
        assert said.keys() == archive.layout.specs.keys()
        for name, value in said.items():
            assert np.array_equal(np.asarray(value, row[name].dtype), row[name]), name
        assert message.log_time == round(float(row["time"]) * 1e9)


def test_numbers_that_json_does_not_know_are_null_in_mcap():
    assert mcap_log._plain(np.array([1.0, np.nan, -np.inf])) == [1.0, None, None]


def test_files_of_others_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    with pytest.raises(Corrupt, match="replay export --to npz"):
        npz.read(tmp_path / "other.npz")
    pytest.importorskip("pyarrow")
    (tmp_path / "other" / "meta").mkdir(parents=True)
    (tmp_path / "other" / "meta" / "info.json").write_text('{"codebase_version": "v3.0"}')
    with pytest.raises(Corrupt, match="replay export --to lerobot"):
        lerobot.read(tmp_path / "other")


def test_nothing_is_overwritten(archive, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "set").mkdir()
    with pytest.raises(DaydreamerError, match="exists already"):
        lerobot.write(archive, tmp_path / "set", 20.0, "walk", "a1")

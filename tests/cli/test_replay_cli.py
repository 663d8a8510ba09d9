"""``daydreamer replay``: what a person types, and what is said."""

import json

import numpy as np
import pytest

from daydreamer.cli.main import main
from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS
from daydreamer.replay import Replay
from daydreamer.replay.archive import Archive
from daydreamer.runtime.run_dir import RunDir

SPEC = {"value": ArraySpec((2,), "float32"), "time": ArraySpec((), "float64"), **FLAGS}


def made(count):
    rows = {name: np.zeros((count, *spec.shape), spec.dtype) for name, spec in SPEC.items()}
    rows["value"][:] = np.arange(count)[:, None]
    return rows


@pytest.fixture
def run(tmp_path):
    with Replay(tmp_path / "run" / "replay", SPEC, 100, 0, segment_rows=4) as replay:
        replay.append(made(10), "a", 0)
    return tmp_path / "run"


@pytest.fixture
def daydreamer(capsys):
    def command(*words):
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return end.value.code, captured.out + captured.err

    return command


def test_a_sound_run_is_verified_with_exit_code_0(run, daydreamer):
    assert daydreamer("replay", "verify", run) == (
        0,
        "10 good rows in 3 files; 0 rows lost; 0 files damaged\n",
    )


def test_files_that_a_learner_deletes_meanwhile_are_left_out_and_an_export_says_so(
    run, daydreamer, monkeypatch, tmp_path
):
    find = Archive.__init__

    def too_late(archive, path):
        find(archive, path)
        archive.files[0].unlink(missing_ok=True)  # a learner at its capacity

    monkeypatch.setattr(Archive, "__init__", too_late)
    code, said = daydreamer("replay", "export", run, tmp_path / "rows.npz", "--to", "npz")
    assert code == 2 and "error: rows went from the replay" in said and "Traceback" not in said
    (run / "replay" / "00000001.rows").write_bytes((run / "replay" / "00000002.rows").read_bytes())
    assert daydreamer("replay", "verify", run) == (
        0,
        "6 good rows in 2 files; 0 rows lost; 0 files damaged\n",
    )
    (run / "replay" / "00000001.rows").write_bytes((run / "replay" / "00000002.rows").read_bytes())
    code, said = daydreamer("replay", "info", run, "--json")
    assert code == 0 and (json.loads(said)["files"], json.loads(said)["rows"]) == (2, 6)


def test_a_torn_tail_is_an_error_until_it_is_repaired(run, daydreamer):
    path = run / "replay" / "00000003.rows"
    path.write_bytes(path.read_bytes() + b"torn!")
    code, said = daydreamer("replay", "verify", run)
    assert code == 1 and "00000003.rows: 5 torn bytes at its end" in said
    assert daydreamer("replay", "verify", run, "--repair")[0] == 0
    assert daydreamer("replay", "verify", run)[0] == 0


def test_rows_that_are_lost_stay_an_error(run, daydreamer):
    path = run / "replay" / "00000001.rows"
    data = bytearray(path.read_bytes())
    data[-80] ^= 1
    path.write_bytes(data)
    code, said = daydreamer("replay", "verify", run, "--json")
    assert code == 1 and json.loads(said)["lost"] == 1
    assert daydreamer("replay", "verify", run, "--repair")[0] == 1


def test_info_tells_rows_streams_and_keys(run, daydreamer):
    code, said = daydreamer("replay", "info", run)
    assert code == 0 and "10 rows" in said and "a  rows 0 to 9" in said and "float32[2]" in said
    assert json.loads(daydreamer("replay", "info", run, "--json")[1])["streams"] == {
        "a": {"first": 0, "end": 10, "rows": 10}
    }


@pytest.mark.parametrize(("form", "out"), [("npz", "rows.npz"), ("lerobot", "set")])
def test_rows_go_out_and_come_back_once(run, daydreamer, tmp_path, form, out):
    if form == "lerobot":
        pytest.importorskip("pyarrow")
    assert daydreamer("replay", "export", run, tmp_path / out, "--to", form)[0] == 0
    other = tmp_path / "other"
    assert "10 rows into" in daydreamer("replay", "import", tmp_path / out, other)[1]
    assert "0 rows into" in daydreamer("replay", "import", tmp_path / out, other)[1]
    with Replay(other / "replay", SPEC, 100, 0) as replay:
        assert replay.read(0, 10)["value"][:, 0].tolist() == list(range(10))
    code, said = daydreamer("replay", "export", run, tmp_path / out, "--to", form)
    assert code == 2 and "exists already" in said


@pytest.mark.parametrize("form", ["npz", "lerobot", "mcap"])
def test_an_interrupted_export_leaves_nothing_and_can_be_repeated(
    run, daydreamer, tmp_path, monkeypatch, form
):
    pytest.importorskip({"npz": "numpy", "lerobot": "pyarrow", "mcap": "mcap"}[form])
    out, parts = tmp_path / "new" / "out", Archive.parts

    def interrupted(archive):
        for part in parts(archive):
            yield part
            # npz looks at all parts before it writes, lerobot takes some before that.
            if form == "lerobot" or out.with_name("out.partial").exists():
                raise KeyboardInterrupt

    export = ["replay", "export", run, out, "--to", form]
    monkeypatch.setattr(Archive, "parts", interrupted)
    assert daydreamer(*export)[0] == 130 and not list(out.parent.iterdir())
    monkeypatch.undo()
    if form == "lerobot":  # what a kill leaves
        out.with_name("out.partial").mkdir()
    else:
        out.with_name("out.partial").touch()
    assert daydreamer(*export) == (0, f"10 rows to {out}\n") and list(out.parent.iterdir()) == [out]


def test_an_import_drops_no_row_of_a_run_and_says_what_it_cannot_put_before_others(run, daydreamer, tmp_path):
    assert daydreamer("replay", "export", run, tmp_path / "rows.npz", "--to", "npz")[0] == 0
    rows = {key: np.zeros((30, *spec.shape), spec.dtype) for key, spec in SPEC.items()}
    with Replay(tmp_path / "other" / "replay", SPEC, 100, 0) as replay:
        replay.append(rows, "b", 0)
        replay.append({key: value[:3] for key, value in rows.items()}, "a", 7, after_gap=True)
    RunDir(tmp_path / "other").claim({"learner": {"capacity": 5}})
    code, said = daydreamer("replay", "import", tmp_path / "rows.npz", tmp_path / "other")
    assert (
        code == 1
        and "0 rows into" in said
        and "3 were there already" in said
        and "7 rows are missing" in said
    )
    with Replay(tmp_path / "other" / "replay", SPEC, 100, 0) as replay:
        assert len(replay) == 33


def test_a_directory_without_a_replay_is_an_error_that_says_so(tmp_path, daydreamer):
    code, said = daydreamer("replay", "info", tmp_path)
    assert code == 2 and "holds no replay" in said

"""Several runs at a time: finished ones are left alone, a failure is told, a stop lets them save themselves."""

import json
import sys

import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.checkpoint import Checkpoint, Checkpoints
from daydreamer.runtime.many_runs import Job, claim, rows_of, work_off
from daydreamer.runtime.run_dir import RunDir


def never():
    return None


def job(path, program, rows=100):
    run = RunDir(path)
    run.path.mkdir()
    return Job(path.name, run, (sys.executable, "-c", program), rows)


def end(run, rows, reason="finished"):
    Checkpoints(run.checkpoints).save(1, Checkpoint(b"", b"", {"rows": rows, "updates": 1}))
    events = [{"event": "start"}, {"event": "stop", "reason": reason, "rows": rows, "updates": 1}]
    run.events.write_text("".join(json.dumps(event) + "\n" for event in events))


def test_a_directory_is_for_one_experiment(tmp_path):
    claim(tmp_path / "out", {"run": "a", "changes": []})
    claim(tmp_path / "out", {"run": "a", "changes": []})
    with pytest.raises(DaydreamerError, match=r'run: was "a", is "b"'):
        claim(tmp_path / "out", {"run": "b", "changes": []})
    # What was not written down yet is from then on.
    claim(tmp_path / "out", {"run": "a", "changes": [], "resolved": {"hz": 20.0}})
    with pytest.raises(DaydreamerError, match=r"settings\.resolved\.hz: was 20\.0, is 10\.0"):
        claim(tmp_path / "out", {"run": "a", "changes": [], "resolved": {"hz": 10.0}})


def test_an_experiment_goes_on_with_a_setting_that_came_later_as_it_went_without_it(tmp_path):
    claim(tmp_path / "out", {"resolved": {"hz": 20.0}})
    defaults = {"resolved": {"hz": 10.0, "new": 0}}
    with pytest.raises(DaydreamerError, match=r"settings\.resolved\.new: was 0, is 1"):
        claim(tmp_path / "out", {"resolved": {"hz": 20.0, "new": 1}}, defaults)
    claim(tmp_path / "out", {"resolved": {"hz": 20.0, "new": 0}}, defaults)


def touch(path):
    return f"import pathlib; pathlib.Path({str(path)!r}).touch()"


def test_all_are_run_and_what_they_say_is_kept(tmp_path):
    jobs = [job(tmp_path / f"run-{n}", f"print('this is {n}')") for n in range(3)]
    assert work_off(jobs, at_once=2, stop=never)
    assert [each.log.read_text().strip() for each in jobs] == ["this is 0", "this is 1", "this is 2"]


def test_a_finished_one_is_not_run_again_but_one_that_wants_more_is(tmp_path):
    done, more = (job(tmp_path / name, touch(tmp_path / f"{name}-ran")) for name in ("done", "more"))
    end(done.run, 100)
    end(more.run, 99)
    stopped = job(tmp_path / "stopped", touch(tmp_path / "stopped-ran"))
    end(stopped.run, 100, reason="SIGINT")
    assert work_off([done, more, stopped], at_once=1, stop=never)
    assert sorted(path.name for path in tmp_path.glob("*-ran")) == ["more-ran", "stopped-ran"]


def test_runs_at_the_same_time_have_their_share_of_the_cores(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 12)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    jobs = [job(tmp_path / f"run-{n}", "import os; print(os.environ['OMP_NUM_THREADS'])") for n in range(3)]
    assert work_off(jobs, at_once=3, stop=never)
    assert [each.log.read_text() for each in jobs] == ["3\n"] * 3  # 12 / 3, less one for the robot


def test_rows_that_paid_for_no_update_are_a_part_of_what_is_finished(tmp_path):
    done = job(tmp_path / "done", touch(tmp_path / "ran"), rows=102)
    end(done.run, 100)  # its last checkpoint, of the last update
    said = {"event": "stop", "reason": "finished", "rows": 102, "updates": 1}
    done.run.events.write_text(json.dumps(said))
    assert work_off([done], at_once=1, stop=never) and not (tmp_path / "ran").exists()
    done.run.events.write_text(
        json.dumps({**said, "updates": 2})
    )  # somebody went back to an older checkpoint
    assert work_off([done], at_once=1, stop=never) and (tmp_path / "ran").exists()


def test_a_failure_is_told_with_its_last_words_when_the_others_have_ended(tmp_path):
    bad = job(tmp_path / "bad", "import sys; print('error: out of luck'); sys.exit(2)")
    other = job(tmp_path / "other", touch(tmp_path / "other-ran"))
    with pytest.raises(DaydreamerError, match="out of luck"):
        work_off([bad, other], at_once=1, stop=never)
    assert (tmp_path / "other-ran").exists()


def test_a_stop_reaches_the_running_one_as_ctrl_c_and_begins_no_other(tmp_path):
    program = (
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # one who runs this in the background ignores it
        "try:\n"
        f"    pathlib.Path({str(tmp_path / 'begun')!r}).touch()\n"
        "    time.sleep(100)\n"
        f"except KeyboardInterrupt: pathlib.Path({str(tmp_path / 'saved')!r}).touch()\n"
    )
    first, second = (
        job(tmp_path / "first", program),
        job(tmp_path / "second", touch(tmp_path / "second-ran")),
    )
    stop = lambda: "SIGINT" if (tmp_path / "begun").exists() else None  # noqa: E731
    assert not work_off([first, second], at_once=1, stop=stop)
    assert (tmp_path / "saved").exists() and not (tmp_path / "second-ran").exists()


def test_rows_are_counted_as_a_learner_counts_them():
    assert rows_of(30.0, 20.0) == 36_000

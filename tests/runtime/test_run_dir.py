import json

import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.events import EventLog
from daydreamer.runtime.run_dir import ConfigChanged, RunDir, differences, next_life

CONFIG = {"name": "a", "agent": {"deter": 128}, "task": {}, "specs": {}, "robot_minutes": 15}


def test_a_run_is_claimed_once_and_gone_on_with_after(tmp_path):
    run = RunDir(tmp_path / "new" / "run")
    assert run.claim(CONFIG) is False
    assert run.claim(CONFIG | {"robot_minutes": 60}) is True
    found = run.read_config()
    assert found["robot_minutes"] == 60
    assert found["software"]["numpy"] and "git" in found["software"]


def test_a_run_keeps_its_seed_and_remembers_changes_of_earlier_lives(tmp_path):
    run = RunDir(tmp_path)
    assert run.seed(3) == 3, "none has begun"
    run.claim(CONFIG | {"seed": 3, "changes": ["hz=20"]})
    run.claim(CONFIG | {"seed": 0, "changes": ["hz=20"]})
    assert run.seed(0) == run.read_config()["seed"] == 3
    assert "changes_before" not in run.read_config(), "they are the same"
    run.claim(CONFIG | {"seed": 0, "changes": []})
    run.claim(CONFIG | {"seed": 0, "changes": ["hz=10"]})
    found = run.read_config()
    assert (found["seed"], found["changes"], found["changes_before"]) == (3, ["hz=10"], [["hz=20"], []])


def test_a_changed_agent_is_refused_with_both_values(tmp_path):
    run = RunDir(tmp_path)
    run.claim(CONFIG)
    with pytest.raises(ConfigChanged, match=r"agent.deter: was 128, is 256"):
        run.claim(CONFIG | {"agent": {"deter": 256}})
    assert run.read_config()["agent"] == {"deter": 128}


def test_a_run_goes_on_with_a_setting_that_came_later_as_it_went_without_it(tmp_path):
    run = RunDir(tmp_path)
    run.claim(CONFIG | {"agent": {"deter": 128, "critic": {"layers": 2}}})
    defaults = {"agent": {"deter": 512, "burn_in": 0, "critic": {"layers": 3, "bins": 81}}}
    now = {"deter": 128, "burn_in": 0, "critic": {"layers": 2, "bins": 81}}
    with pytest.raises(ConfigChanged, match=r"agent\.burn_in: was 0, is 8"):
        run.claim(CONFIG | {"agent": now | {"burn_in": 8}}, defaults)
    assert run.claim(CONFIG | {"agent": now}, defaults)
    assert run.read_config()["agent"] == now, "it is written down from now on"


def test_of_a_run_of_another_preset_that_is_said_first_and_then_a_few_differences(tmp_path):
    run = RunDir(tmp_path)
    run.claim(CONFIG | {"agent": {f"size{n}": 1 for n in range(8)}})
    with pytest.raises(ConfigChanged) as refused:
        run.claim(CONFIG | {"name": "b", "agent": {f"size{n}": 2 for n in range(8)}})
    _, begun, *sizes, more, _ = str(refused.value).splitlines()
    assert begun == "  it was begun with --preset a, this is b"
    assert sizes == [f"  agent.size{n}: was 1, is 2" for n in range(5)] and more == "  and 3 more"


def test_what_a_policy_sees_of_a_delay_is_not_changed_in_the_middle(tmp_path):
    run = RunDir(tmp_path)
    run.claim(CONFIG)  # by a version that did not write it down
    run.claim(CONFIG | {"delay": {"mode": "ahead", "seconds": 0.03}})
    with pytest.raises(ConfigChanged, match=r'delay.mode: was "ahead", is "none"'):
        run.claim(CONFIG | {"delay": {"mode": "none", "seconds": None}})


def test_a_spec_may_be_described_in_other_words(tmp_path):
    run = RunDir(tmp_path)
    gyro = {"shape": [3], "unit": "rad/s", "doc": "how fast it turns"}
    run.claim(CONFIG | {"specs": {"gyro": gyro}})
    run.claim(CONFIG | {"specs": {"gyro": gyro | {"doc": "angular velocity"}}})
    with pytest.raises(ConfigChanged, match=r'specs.gyro.unit: was "rad/s", is "4 rad/s"'):
        run.claim(CONFIG | {"specs": {"gyro": gyro | {"unit": "4 rad/s"}}})


def test_tuples_and_lists_are_the_same_thing_in_a_file(tmp_path):
    run = RunDir(tmp_path)
    run.claim(CONFIG | {"task": {"low": (0.1, 0.2)}})
    assert run.claim(CONFIG | {"task": {"low": (0.1, 0.2)}})


def test_a_directory_without_a_run_says_so(tmp_path):
    with pytest.raises(DaydreamerError, match="holds no run"):
        RunDir(tmp_path).read_config()
    file = tmp_path / "policy.onnx"
    file.touch()
    with pytest.raises(DaydreamerError, match="holds no run"):
        RunDir(file).read_config()


def test_differences_name_every_leaf():
    old, new = {"a": {"b": 1, "c": 2}, "d": None}, {"a": {"b": 1, "c": 3}, "e": "x"}
    assert differences(old, new, "root") == ["root.a.c: was 2, is 3", 'root.e: was null, is "x"']


def test_settings_that_a_run_did_not_know_yet_are_as_if_empty():
    assert differences({}, {"recon": {}}, "agent") == []
    assert differences({}, {"recon": {"gyro": 2.0}}, "agent") == ["agent.recon.gyro: was null, is 2.0"]


def test_the_newest_twenty_policies_are_kept(tmp_path):
    run = RunDir(tmp_path)
    for version in range(25):
        run.save_policy(version, b"x")
    kept = sorted(path.name for path in run.policies.iterdir())
    assert kept[0] == "v000005.onnx" and kept[-1] == "v000024.onnx" and len(kept) == 20
    for version in range(999_990, 1_000_005):
        assert run.save_policy(version, b"x").exists(), "as text v1000000 stands before v999999"
    assert list(run.kept_versions()) == [*range(20, 25), *range(999_990, 1_000_005)]
    assert len(list(run.policies.iterdir())) == 20


def test_a_policy_that_a_person_put_beside_the_versions_stays(tmp_path):
    run = RunDir(tmp_path)
    run.save_policy(0, b"x")
    other = run.policies / "v0-good.onnx"
    other.write_bytes(b"y")
    for version in range(1, 25):
        run.save_policy(version, b"x")
    assert other.exists() and list(run.kept_versions()) == list(range(5, 25))


def test_policies_kept_for_good_are_in_the_order_of_their_minutes(tmp_path):
    run = RunDir(tmp_path)
    for minutes in (10_000.0, 9_990.0, 15.5):
        run.keep_policy(minutes, b"x")
    assert list(run.kept_minutes()) == [15.5, 9_990.0, 10_000.0]


def test_the_number_published_last_is_kept_and_a_damaged_one_is_an_error(tmp_path):
    run = RunDir(tmp_path)
    assert run.last_published() == -1
    run.note_published(41)
    run.note_published(42)
    assert RunDir(tmp_path).last_published() == 42
    run.published.write_text("4x")
    with pytest.raises(DaydreamerError, match=r"published: expected the number .* got '4x'"):
        run.last_published()


def test_lives_are_counted(tmp_path):
    assert [next_life(tmp_path / "actor-a") for _ in range(3)] == [0, 1, 2]


def test_events_are_lines_and_a_torn_one_harms_no_other(tmp_path):
    path = tmp_path / "events.jsonl"
    log = EventLog(path, now=lambda: 12.0)
    log.write("start", rows=3)
    log.close()
    path.write_bytes(path.read_bytes() + b'{"time": 13, "ev')
    log = EventLog(path, now=lambda: 14.0)
    log.write("resume")
    log.close()
    lines = path.read_text().splitlines()
    assert json.loads(lines[0]) == {"time": 12.0, "event": "start", "rows": 3}
    assert json.loads(lines[2]) == {"time": 14.0, "event": "resume"}


def test_an_event_that_a_full_disk_took_half_of_does_not_swallow_the_next(tmp_path, room_for, caplog):
    path = tmp_path / "events.jsonl"
    log = EventLog(path, now=lambda: 12.0)
    log.write("start", rows=3)
    with room_for(path, 20):
        log.write("fault", fault="loss not finite")
        log.write("fault", fault="loss not finite")
    log.write("stop", reason="finished")
    assert [event["event"] for event in log.past()] == ["start", "stop"]
    assert caplog.text.count("the disk refuses an event") == 2 and "loss not finite" in caplog.text
    log.close()


def test_a_measured_delay_that_was_not_written_down_is_taken_as_it_is_now(tmp_path):
    run = RunDir(tmp_path)
    run.claim(CONFIG | {"delay": {"mode": "ahead", "seconds": None}})
    run.claim(CONFIG | {"delay": {"mode": "ahead", "seconds": 0.03}})
    with pytest.raises(ConfigChanged, match=r"delay\.seconds: was 0\.03, is 0\.04"):
        run.claim(CONFIG | {"delay": {"mode": "ahead", "seconds": 0.04}})

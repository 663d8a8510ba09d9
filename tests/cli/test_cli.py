import subprocess
import sys

import pytest

from daydreamer.cli import entry
from daydreamer.cli.main import main

COMMANDS = ["train", "learner", "actor", "record", "eval", "doctor", "keys", "bench", "emulate", "robot"]


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return (stop.value.code or 0, *capsys.readouterr())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0 and f"daydreamer {command}" in out and len(out.splitlines()) > 5


def test_the_command_line_starts_without_anything_heavy():
    program = (
        "import sys; from daydreamer.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pybullet', 'onnxruntime', 'rich.live', 'tensorboard'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)


def test_a_mistake_is_one_line_and_exit_code_2(capsys, tmp_path):
    code, out, err = run(capsys, "train", "--preset", "a1-smi", "--logdir", str(tmp_path / "run"))
    assert code == 2 and out == ""
    assert (
        err
        == "error: no preset is called 'a1-smi'; there are a1, a1-emulated, a1-sim, a1-sim-stand, fake-tiny. "
        "Did you mean 'a1-sim'?\n"
    )
    assert not (tmp_path / "run").exists()


def test_a_command_that_is_misspelt_is_named(capsys):
    assert run(capsys, "trian", "--preset", "a1-sim") == (
        2, "", "error: there is no command 'trian'. Did you mean 'train'?\n"
    )  # fmt: skip


@pytest.mark.parametrize("words", [[], ["ros2"]])
def test_ctrl_c_while_the_program_starts_ends_it_quietly(monkeypatch, capsys, words):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["daydreamer", *words])
    monkeypatch.setattr("daydreamer.cli.main.main", interrupted)
    monkeypatch.setattr("daydreamer.cli.ros2.parse", interrupted)
    with pytest.raises(SystemExit) as stop:
        entry.main()
    assert stop.value.code == 130 and capsys.readouterr() == ("", "")


def test_a_level_of_the_log_that_is_none_is_told_with_those_that_there_are(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("DAYDREAMER_LOG", "loud")
    code, _, err = run(capsys, "learner", "--logdir", str(tmp_path / "run"))
    assert code == 2 and err.endswith("is debug, info, warning, error or critical, got 'loud'\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--connect", "foo"], "expected HOST:PORT"),
        (["RUN", "--certificate", "nofile"], "the certificate nofile"),
    ],
)
def test_a_page_that_cannot_be_served_has_no_link(capsys, tmp_path, options, says):
    pytest.importorskip("uvicorn")
    words = [word.replace("RUN", str(tmp_path)) for word in options]
    code, out, err = run(capsys, "monitor", "--port", "0", *words)
    assert code == 2 and out == "" and says in err


def test_evaluating_what_is_no_run_says_so(capsys, tmp_path):
    code, _, err = run(capsys, "eval", str(tmp_path))
    assert code == 2 and "holds no run" in err


def test_new_keys_are_written_once(capsys, tmp_path):
    code, out, _ = run(capsys, "keys", "new", str(tmp_path / "keys"), "--actors", "one", "two")
    assert code == 0 and "two.key" in out and "--name two" in out
    code, _, err = run(capsys, "keys", "new", str(tmp_path / "keys"), "--actors", "one")
    assert code == 2 and "one" in err


def test_a_learner_does_not_listen_beyond_this_computer_without_keys(capsys, tmp_path):
    code, _, err = run(
        capsys, "learner", "--preset", "fake-tiny", "--logdir", str(tmp_path / "run"), "--bind", "0.0.0.0:0"
    )
    assert code == 2 and "keys" in err


def test_the_doctor_says_what_this_computer_can_do(capsys):
    code, out, _ = run(capsys, "doctor")
    assert code == 0 and "run an actor" in out


def test_the_bench_of_a_part_gives_numbers(capsys):
    code, out, _ = run(capsys, "bench", "policy", "--preset", "fake-tiny", "--seconds", "0.1", "--json")
    import json

    assert code == 0 and json.loads(out)["policy_ms"] > 0

"""What an actor leaves in its directory for those who look for it."""

import logging
import signal

import pytest

from daydreamer.cli.actor import ActorCommand
from daydreamer.cli.learner import LearnerCommand
from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.tasks.walk import WalkTask
from daydreamer.runtime.actor import Actor
from daydreamer.runtime.run_dir import RunDir
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_file import ConsoleFile
from daydreamer.transport.console_keys import viewer_keys
from daydreamer.transport.link import LinkError
from robots.fake import FakeRobot
from robots.robot import NO_ROBOT
from tests.transport.test_console import LONG, seen, telemetry


@pytest.fixture
def env():
    robot = FakeRobot()
    return RobotEnv(robot, WalkTask(robot.info))


@pytest.mark.parametrize(("command", "works"), [(ActorCommand, "_act"), (LearnerCommand, "_learn")])
def test_what_stopped_it_is_told_while_the_signal_may_come_again(
    tmp_path, monkeypatch, caplog, command, works
):
    """A supervisor that is killed sends one for each of its threads."""

    def stopped(self, stop):
        signal.raise_signal(signal.SIGTERM)
        return stop()

    handlers = []
    log = logging.getLogger(command.__module__)
    monkeypatch.setattr(command, works, stopped)
    monkeypatch.setattr(
        log, "info", lambda *words: handlers.append((words, signal.getsignal(signal.SIGTERM)))
    )
    assert command(tmp_path).run() == 143
    ((words, handler),) = handlers
    assert words == ("stopped: %s", "SIGTERM") and handler not in (signal.SIG_DFL, None)


def test_a_life_without_a_console_does_not_pass_for_ended_because_the_one_before_it_has(tmp_path):
    directory = RunDir(tmp_path).actor("actor")
    ConsoleFile("127.0.0.1:1", "secret", "actor", 1, ended=True).write(directory)
    with ActorCommand(tmp_path, console="off")._attended(None, False) as attendant:
        assert attendant is None
        assert not ConsoleFile.read(directory).ended


def test_a_console_for_the_network_takes_no_stop_away_from_the_robots_own_computer(
    tmp_path, env, keys, caplog
):
    caplog.set_level(logging.INFO)
    command = ActorCommand(tmp_path / "run", keys=keys, name="spot", console="0.0.0.0:0")
    directory = RunDir(tmp_path / "run").actor("spot")
    with command._attended(env, False) as attendant:
        attendant.post(lambda: telemetry(steps=4))
        assert ConsoleFile.read(directory).address.startswith("127.0.0.1:")
        with ConsoleClient(directory) as here:  # as `hand`, the page, ExecStop
            assert seen(here, lambda t: t.steps == 4)
            here.send("damp", "Ann", timeout=LONG)
        assert env.brake.tripped
        env.brake.reset("Ann")
        (address,) = [r.args[0] for r in caplog.records if "with keys" in r.msg]
        beyond = f"127.0.0.1:{address.rpartition(':')[2]}"
        token = ConsoleFile.read(directory).token
        with ConsoleClient(beyond, token, viewer_keys(tmp_path / "learner", "spot")) as away:
            assert seen(away, lambda t: t.steps == 4)
            away.send("damp", "Bob", timeout=LONG)
        assert env.brake.tripped
        with ConsoleClient(beyond, token) as stranger, pytest.raises(LinkError):
            stranger.send("resume", timeout=0.5)
    said = (tmp_path / "run" / "events.jsonl").read_text()
    assert said.count('"damp"') == 2, "each was done once"
    assert ConsoleFile.read(directory).ended


def test_a_console_beyond_this_computer_without_keys_is_refused_before_anything_listens(tmp_path, env):
    command = ActorCommand(tmp_path, console="0.0.0.0:0")
    with pytest.raises(LinkError, match="without keys"), command._attended(env, False):
        pass
    assert not list(RunDir(tmp_path).actor("actor").glob("console.json"))


@pytest.mark.parametrize("away", ["absent", "silent"])
def test_a_robot_that_does_not_answer_is_told_in_one_line_and_may_be_there_later(
    tmp_path, env, monkeypatch, capsys, away
):
    setattr(env.robot, away, True)
    monkeypatch.setattr("daydreamer.cli.actor.build.make_env", lambda *_: env)
    monkeypatch.setattr(Actor, "_await_learner", lambda actor: None)
    command = ActorCommand(tmp_path, preset="fake-tiny", console="off")
    assert command.run() == NO_ROBOT
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: robot 'fake'")

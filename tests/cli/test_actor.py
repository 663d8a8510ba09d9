"""What an actor leaves in its directory for those who look for it."""

from daydreamer.cli.actor import ActorCommand
from daydreamer.runtime.run_dir import RunDir
from daydreamer.transport.console_file import ConsoleFile


def test_a_life_without_a_console_does_not_pass_for_ended_because_the_one_before_it_has(tmp_path):
    directory = RunDir(tmp_path).actor("actor")
    ConsoleFile("127.0.0.1:1", "secret", "actor", 1, ended=True).write(directory)
    with ActorCommand(tmp_path, console="off")._attended(None, False) as attendant:
        assert attendant is None
        assert not ConsoleFile.read(directory).ended

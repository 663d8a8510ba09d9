"""``daydreamer COMMAND``: parse, run, and turn errors that a person can act on into one line."""

from __future__ import annotations

import difflib
import sys
from typing import Annotated, Union, get_args

import tyro

from daydreamer.cli.actor import ActorCommand
from daydreamer.cli.bench import Bench
from daydreamer.cli.calibrate import Calibrate
from daydreamer.cli.closed_pipe import closed_pipe_is_no_error
from daydreamer.cli.doctor import Doctor
from daydreamer.cli.emulate import Emulate
from daydreamer.cli.entry import CANNOT, code_of
from daydreamer.cli.evaluate import Evaluate
from daydreamer.cli.film import FilmCommand
from daydreamer.cli.hand import Hand
from daydreamer.cli.keys import Keys
from daydreamer.cli.learner import LearnerCommand
from daydreamer.cli.monitor import Monitor
from daydreamer.cli.play import Play
from daydreamer.cli.plot import Plot
from daydreamer.cli.record import Record
from daydreamer.cli.replay import ReplayCommands
from daydreamer.cli.robot import RobotCommand
from daydreamer.cli.ros2 import Ros2
from daydreamer.cli.train import Train
from daydreamer.cli.wandb import Wandb

Command = Union[  # noqa: UP007 (Annotated members do not take the | form at run time on every Python)
    Annotated[Train, tyro.conf.subcommand("train")],
    Annotated[LearnerCommand, tyro.conf.subcommand("learner")],
    Annotated[ActorCommand, tyro.conf.subcommand("actor")],
    Annotated[Monitor, tyro.conf.subcommand("monitor")],
    Annotated[Record, tyro.conf.subcommand("record")],
    Annotated[Evaluate, tyro.conf.subcommand("eval")],
    Annotated[Play, tyro.conf.subcommand("play")],
    Annotated[FilmCommand, tyro.conf.subcommand("film")],
    Annotated[Plot, tyro.conf.subcommand("plot")],
    Annotated[Wandb, tyro.conf.subcommand("wandb")],
    Annotated[ReplayCommands, tyro.conf.subcommand("replay")],
    Annotated[Doctor, tyro.conf.subcommand("doctor")],
    Annotated[Keys, tyro.conf.subcommand("keys")],
    Annotated[Emulate, tyro.conf.subcommand("emulate")],
    Annotated[Hand, tyro.conf.subcommand("hand")],
    Annotated[RobotCommand, tyro.conf.subcommand("robot")],
    Annotated[Ros2, tyro.conf.subcommand("ros2")],
    Annotated[Calibrate, tyro.conf.subcommand("calibrate")],
    Annotated[Bench, tyro.conf.subcommand("bench")],
]

DESCRIPTION = """Robots that learn in the real world: an actor on the robot, a learner beside it.

Begin with:  daydreamer train --preset a1-sim --logdir runs/first"""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; leaves by SystemExit with 0, 2 for what cannot work, or 128 + signal."""
    with closed_pipe_is_no_error():
        sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    if words and (near := _meant(words[0])):
        print(f"error: there is no command '{words[0]}'. Did you mean '{near}'?", file=sys.stderr)
        return CANNOT
    command: Command = tyro.cli(
        Command,  # type: ignore[arg-type]  # a union is a form of type to tyro
        prog="daydreamer",
        description=DESCRIPTION,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )
    return code_of(command.run)


def _meant(word: str) -> str | None:
    """The command that ``word`` nearly is; None where it is one, or like none. tyro would suggest options."""
    names = [get_args(command)[1].name for command in get_args(Command)]
    near = [] if word in names else difflib.get_close_matches(word, names, n=1)
    return near[0] if near else None


if __name__ == "__main__":
    main()

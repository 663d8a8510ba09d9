"""``daydreamer COMMAND``: parse, run, and turn errors that a person can act on into one line."""

from __future__ import annotations

import sys
from typing import Annotated, Union

import tyro

from daydreamer.cli.actor import ActorCommand
from daydreamer.cli.bench import Bench
from daydreamer.cli.doctor import Doctor
from daydreamer.cli.emulate import Emulate
from daydreamer.cli.evaluate import Evaluate
from daydreamer.cli.keys import Keys
from daydreamer.cli.learner import LearnerCommand
from daydreamer.cli.plot import Plot
from daydreamer.cli.robot import RobotCommand
from daydreamer.cli.train import Train
from daydreamer.core.errors import DaydreamerError
from robots.robot import RobotError

CANNOT = 2  # exit code: it would fail again in the same way

Command = Union[  # noqa: UP007 (Annotated members do not take the | form at run time on every Python)
    Annotated[Train, tyro.conf.subcommand("train")],
    Annotated[LearnerCommand, tyro.conf.subcommand("learner")],
    Annotated[ActorCommand, tyro.conf.subcommand("actor")],
    Annotated[Evaluate, tyro.conf.subcommand("eval")],
    Annotated[Plot, tyro.conf.subcommand("plot")],
    Annotated[Doctor, tyro.conf.subcommand("doctor")],
    Annotated[Keys, tyro.conf.subcommand("keys")],
    Annotated[Emulate, tyro.conf.subcommand("emulate")],
    Annotated[RobotCommand, tyro.conf.subcommand("robot")],
    Annotated[Bench, tyro.conf.subcommand("bench")],
]

DESCRIPTION = """Robots that learn in the real world: an actor on the robot, a learner beside it.

Begin with:  daydreamer train --preset a1-sim --logdir runs/first"""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; leaves by SystemExit with 0, 2 for what cannot work, or 128 + signal."""
    command: Command = tyro.cli(
        Command,  # type: ignore[arg-type]  # a union is a form of type to tyro
        prog="daydreamer",
        description=DESCRIPTION,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )
    try:
        code = command.run()
    except (DaydreamerError, RobotError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = CANNOT
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()

"""Where the command ``daydreamer`` begins: ``ros2`` goes its own way, in the Python of a ROS 2 install without tyro."""

from __future__ import annotations

import sys
from collections.abc import Callable

from daydreamer.cli.closed_pipe import closed_pipe_is_no_error
from daydreamer.core.errors import DaydreamerError

CANNOT = 2  # exit code: it would fail again in the same way
INTERRUPTED = 130  # exit code: by Ctrl-C


def main() -> None:
    """Run the command line of this process."""
    try:
        if sys.argv[1:2] == ["ros2"]:
            from daydreamer.cli import ros2

            with closed_pipe_is_no_error():
                sys.exit(code_of(ros2.parse(sys.argv[2:]).run))
        from daydreamer.cli.main import main as rest

        rest()
    except KeyboardInterrupt:  # while all that is imported; a command that runs is told in its own way
        sys.exit(INTERRUPTED)


def code_of(run: Callable[[], int]) -> int:
    """What ``run`` returns; 2, or the error's own code, for what cannot work, said in one line; or 128 + signal."""
    # Here, not above: numpy, which it needs, takes a while, in which someone may press Ctrl-C.
    from robots.robot import RobotError

    try:
        return run()
    except (DaydreamerError, RobotError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, DaydreamerError) else CANNOT
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    main()

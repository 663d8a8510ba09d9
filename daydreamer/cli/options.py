"""Options that several sub-commands share."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path
from typing import Annotated, Literal

import tyro

from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.supervise import threads_here

Changes = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(
        name="set", metavar="PATH=VALUE", help="change a setting, as in --set agent.deter=256; repeatable"
    ),
]
PresetName = Annotated[
    str,
    tyro.conf.arg(
        name="preset",
        metavar="NAME",
        help="robot, task and agent: a1-sim, a1-sim-stand, a1-emulated, a1 (a real one), fake-tiny",
    ),
]
AgentName = Annotated[
    Literal["", "dreamer", "sac", "droq"],
    tyro.conf.arg(
        name="agent",
        metavar="dreamer|sac|droq",
        help="which method learns, in place of the preset's own; the same as --set agent=NAME",
    ),
]
Json = Annotated[
    bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="print one JSON object, nothing else")
]
Logdir = Annotated[
    Path, tyro.conf.arg(metavar="DIR", help="the run directory; one that holds a run goes on with it")
]
KeysDir = Annotated[
    Path | None,
    tyro.conf.arg(metavar="DIR", help="keys made by `daydreamer keys new`; none: this computer only"),
]

Estop = Annotated[
    str,
    tyro.conf.arg(
        name="estop",
        metavar="PORT",
        help="serial port of a stop box (launch/estop), as /dev/ttyUSB0; when it is not there, no motor starts",
    ),
]

ConsoleAt = Annotated[
    str,
    tyro.conf.arg(
        name="console",
        metavar="HOST:PORT|off",
        help="where the actor shows how it is and takes pause and stop; none: this computer, port 5557 or the next "
        "free one. Another address than this computer's is a second way in, which needs --keys",
    ),
]


CalibrationFile = Annotated[
    Path | None,
    tyro.conf.arg(
        name="calibration",
        metavar="FILE",
        help="the robot's calibration, from `daydreamer calibrate`; a real robot learns only with one",
    ),
]


def with_calibration(changes: tuple[str, ...], calibration: Path | None) -> tuple[str, ...]:
    """``changes`` with the calibration among them, for presets and for other processes."""
    return (
        changes if calibration is None else (*changes, f"robot_options.calibration={calibration.resolve()}")
    )


def with_agent(changes: tuple[str, ...], agent: str) -> tuple[str, ...]:
    """``changes`` with the agent among them, for presets and for other processes."""
    return changes if not agent else (*changes, f"agent={agent}")


def seeds_in(text: str) -> list[int]:
    """The seeds in '0,1,2', each once, in order. Raises DaydreamerError when there are none."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise DaydreamerError(f"--seeds is numbers with commas, as in 0,1,2; got '{text}'")
    return sorted({int(part) for part in parts})


def check_positive(**options: float | None) -> None:
    """Raise DaydreamerError unless each of ``options``, by their names, is a finite number above 0, or not given."""
    for name, value in options.items():
        if value is not None and not 0 < value < math.inf:
            _refuse(name, "a finite number above 0", value)


def check_seed(seed: int) -> None:
    """Raise DaydreamerError unless everything here that draws numbers can begin with ``seed``."""
    if not 0 <= seed < 1 << 63:
        _refuse("seed", "0 or a positive number below 2^63", seed)


def check_port(**options: int) -> None:
    """Raise DaydreamerError unless each of ``options``, by their names, is a port; 0 is any."""
    for name, value in options.items():
        if not 0 <= value <= 65535:
            _refuse(name, "a port, 0 to 65535", value)


def _refuse(name: str, expected: str, value: float) -> None:
    raise DaydreamerError(f"--{name.replace('_', '-')} is {expected}, got {value}")


def spare_a_core() -> None:
    """Unless the environment says otherwise, let torch use the threads that leave one core to the robot.

    Before torch is imported. Two processes that both use every core slow each other down many times over.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(threads_here()))


def log_to_stderr() -> None:
    """Log lines with a time, to standard error; DAYDREAMER_LOG=debug for more.

    Raises:
        DaydreamerError: It is no level.
    """
    level = os.environ.get("DAYDREAMER_LOG", "info").upper()
    if not isinstance(logging.getLevelName(level), int):
        raise DaydreamerError(
            f"DAYDREAMER_LOG is debug, info, warning, error or critical, got '{level.lower()}'"
        )
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

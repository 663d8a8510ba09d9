"""How a process of ours is started: with the modules of this installation, in whatever directory that is done."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = str(Path(__file__).resolve().parents[1])
# Python's own ``-m`` looks into the current directory first, where there may be another installation's modules. So may
# PYTHONPATH, by that directory's name: it comes last, since modules of others may be meant to be found there.
_RUN = f"""\
import os, runpy, sys
sys.path[:] = filter(None, sys.path)
if {_HERE!r} not in sys.path: sys.path.insert(0, {_HERE!r})
sys.path.sort(key=lambda entry: entry != {_HERE!r} and os.path.isdir(entry) and os.path.samefile(entry, "."))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)"""


def program(module: str, *arguments: str) -> list[str]:
    """The command line that does what ``python -m MODULE ARGUMENTS`` does, by this Python."""
    return [sys.executable, "-c", _RUN, module, *arguments]


def words_of(command: list[str]) -> list[str]:
    """Module and arguments of a command line that ``program`` made; ValueError when it did not."""
    if command[:3] != program("")[:3]:
        raise ValueError(f"expected a command line of program(), got {command}")
    return command[3:]

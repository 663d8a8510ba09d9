"""Starts Python programs that have imported their libraries already, so that a restart takes no seconds.

A process of its own imports what it is told, does nothing with it, and forks for each program. What it gives
are processes like any other: their own pid, session, log, and exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daydreamer.runtime.die_with_parent import PARENT, die_with_parent
from daydreamer.runtime.supervise import Child, Process
from robots.program import program, words_of


class Nursery:
    """The parent of what it starts; ends with this process.

    Args:
        modules: To import beforehand.
        log: Of its own.
    """

    def __init__(self, modules: Sequence[str], log: Path):
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", PARENT: str(os.getpid())}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                program(__name__, *modules),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, start_new_session=True,
            )  # fmt: skip

    def start(self, child: Child) -> Process:
        """Start what ``program`` gave; see ``supervise.start_process``."""
        child.log.parent.mkdir(parents=True, exist_ok=True)
        return _Forked(self, int(self.ask(start=words_of(list(child.command)), log=str(child.log))))

    def ask(self, **request: Any) -> Any:
        """One request, one answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that starts programs has ended: see its log")
        return json.loads(line)

    def close(self) -> None:
        """End it. Idempotent."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


class _Forked:
    """A process that the nursery has started."""

    def __init__(self, nursery: Nursery, pid: int):
        self.pid = pid
        self._nursery, self._code = nursery, None

    def poll(self) -> int | None:
        """Exit code, or None while it runs; negative: the signal that ended it."""
        if self._code is None:
            self._code = self._nursery.ask(poll=self.pid)
        return self._code


def main() -> None:
    """Import what the command line names, then serve requests until the other side ends."""
    die_with_parent()
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = _fork(request["start"], request["log"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _fork(command: list[str], log: str) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        os.environ[PARENT] = str(parent)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
            os.dup2(source, target)
        sys.argv = list(command)
        warnings.simplefilter("ignore", RuntimeWarning)  # the module was imported before, which is the point
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()

"""A reader that has seen enough: ``daydreamer --help | head`` ends quietly, as any other command does."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator
from typing import TextIO

GONE = 128 + signal.SIGPIPE  # exit code: what a shell reports of a program that the signal ends


@contextlib.contextmanager
def closed_pipe_is_no_error() -> Iterator[None]:
    """End by SystemExit, without a word, when standard output or error is a pipe that nobody reads any more.

    A broken pipe of any other kind is an error as before.
    """
    try:
        try:
            yield
        finally:  # here, not when Python ends: what it cannot write then, it complains of
            sys.stdout.flush()
    except BrokenPipeError:
        gone = [stream for stream in (sys.stdout, sys.stderr) if _nobody_reads(stream)]
        if not gone:
            raise
        for stream in gone:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        raise SystemExit(GONE) from None


def say(text: str) -> None:
    """Print a line while a robot moves or stands: where nobody reads any more, or the terminal is gone, do without."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def _nobody_reads(stream: TextIO) -> bool:
    try:
        watch = select.poll()
        watch.register(stream.fileno(), 0)
        return any(events & select.POLLERR for _, events in watch.poll(0))
    except (OSError, ValueError):  # closed, or no file behind it
        return False

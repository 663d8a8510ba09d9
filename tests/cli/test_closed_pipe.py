"""Output that somebody stops reading: ``daydreamer ... | head -1``."""

import subprocess
import sys

import pytest

from daydreamer.cli.closed_pipe import GONE, closed_pipe_is_no_error

# Forked from one that has started: that is what takes long.
PROGRAM = """
import os, sys
from daydreamer.cli.main import main
for command in sys.argv[1:]:
    reader, writer = os.pipe()
    os.close(reader)
    if (child := os.fork()) == 0:
        os.dup2(writer, 1)
        try:
            main([*command.split(), "--help"] if command != "none" else ["--help"])
        finally:
            sys.stdout.flush()
    os.close(writer)
    print(command, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
COMMANDS = ("none", "train", "replay export")  # all end in the same place


def test_help_ends_quietly_when_nobody_reads_it():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *COMMANDS], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{command} {GONE}" for command in COMMANDS]


def test_what_a_command_prints_ends_quietly_too(tmp_path):
    """More than a pipe holds, so that the command is still printing when its reader goes."""
    program = (
        "from daydreamer.cli.closed_pipe import closed_pipe_is_no_error\n"
        "with closed_pipe_is_no_error():\n"
        "    for k in range(100_000): print('a line')"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout.readline() == b"a line\n"
    writer.stdout.close()
    assert (writer.stderr.read(), writer.wait(60)) == (b"", GONE)
    writer.stderr.close()


def test_a_broken_pipe_that_is_not_our_output_is_still_an_error():
    with pytest.raises(BrokenPipeError), closed_pipe_is_no_error():
        raise BrokenPipeError("a socket")

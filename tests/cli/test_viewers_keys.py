"""Commands that watch a robot from another computer, with the keys that a person has there."""

import os
import signal
import subprocess
import sys

import pytest

from daydreamer.transport.console import Console
from daydreamer.transport.console_keys import console_keys
from tests.awaiting import until

LONG = 60.0  # s


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "command", [("record", "--out", "out"), ("monitor", "--port", "0")], ids=lambda words: words[0]
)
def test_the_learners_keys_open_the_console(tmp_path, keys, command):
    console = Console("127.0.0.1:0", "secret", lambda hand: None, console_keys(keys, "spot"))
    console.start()
    options = ("--connect", console.address, "--keys", "learner", "--name", "spot")
    viewer = subprocess.Popen(
        [sys.executable, "-m", "daydreamer.cli.main", *command, *options],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    try:
        until(lambda: console.viewers or viewer.poll() is not None, "the console lets it in")
        assert console.viewers == 1, "the console has let it in"
    finally:
        os.kill(viewer.pid, signal.SIGTERM)
        _, said = viewer.communicate(timeout=LONG)
        console.close()
    assert b"Traceback" not in said

"""kill -9 of either end, or both, at random moments: every row that was acknowledged is stored exactly once."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daydreamer.transport.spool import leftovers
from tests.contracts.link_contract import eventually
from tests.transport.durable_learner import stored

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
VICTIMS = ["learner", "actor", "learner and actor"] * 2


class Process:
    """A script that is killed and started again."""

    def __init__(self, script, *arguments):
        self._command = [sys.executable, str(HERE / script), *map(str, arguments)]
        self.running = None
        self.start()

    def start(self):
        env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.running = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT
        )

    def heard(self):
        return self.running.stdout.readline().strip()

    def kill(self):
        self.running.send_signal(signal.SIGKILL)
        self.running.communicate()

    def restart(self):
        self.kill()
        self.start()


@pytest.mark.system
def test_killing_either_end_loses_and_doubles_no_row(tmp_path, own_port):
    chance = random.Random(0)
    file, spool = tmp_path / "rows.log", tmp_path / "spool"
    learner = Process("durable_learner.py", own_port, file)
    actor = Process("counting_actor.py", own_port, spool)
    streams = [actor.heard()]

    def size():
        return file.stat().st_size if file.exists() else 0

    try:
        for victims in VICTIMS:
            before = size()
            eventually(lambda before=before: size() > before, lambda: time.sleep(0.02))
            time.sleep(chance.uniform(0.0, 0.1))  # to hit any moment of the exchange
            if "learner" in victims:
                learner.restart()
            if "actor" in victims:
                actor.restart()
                streams.append(actor.heard())
        said, _ = actor.running.communicate("stop\n", timeout=250)
        sent, unacked = map(int, said.split())
    finally:
        learner.kill()
        actor.kill()
    rows = stored(file)
    assert unacked == 0
    assert leftovers(spool) == []  # earlier lives' rows went up too
    assert rows.keys() <= set(streams)
    for numbers, rewards in rows.values():
        assert numbers == list(range(len(numbers)))
        assert rewards == numbers
    assert len(rows.get(streams[-1], ([], []))[0]) == sent

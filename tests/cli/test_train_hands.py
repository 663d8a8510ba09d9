"""The terminal beside a real console: what the robot says raises the alarms that the page raises."""

import io
import time

import numpy as np
import pytest

from daydreamer.cli.train_hands import TrainHands
from daydreamer.monitor.alarm_watch import Watch
from daydreamer.monitor.alarms import active
from daydreamer.monitor.terminal import Panel
from daydreamer.transport.console import Console
from daydreamer.transport.console_file import ConsoleFile
from robots.clock import ManualClock
from tests.contracts.telemetry import telemetry

LONG = 60.0  # s


@pytest.fixture
def console(tmp_path):
    made = Console("127.0.0.1:0", "secret", lambda hand: None)
    ConsoleFile(made.address, "secret").write(tmp_path)
    made.start()
    yield made
    made.close()


def test_what_the_robot_says_and_its_silence_raise_alarms(console, tmp_path):
    clock = ManualClock()
    console.post(
        telemetry(stopped="DAMP: tilted", estop="lost", temperature=np.full(12, 55.0), activity="holding")
    )
    with Panel("run", stream=io.StringIO()) as panel, TrainHands(tmp_path, panel, clock.now) as hands:

        def raised():
            return {one.alarm.key for one in active(Watch().facts(time.time(), **hands.facts()))}

        assert raised() == set()
        deadline = time.monotonic() + LONG
        while not hands.facts():
            assert time.monotonic() < deadline
            hands.show()
        assert raised() == {"robot-stopped", "estop-lost", "motor-hot", "holding"}
        clock.advance(4.0)
        assert raised() == {"robot-silent"}
        ConsoleFile(console.address, "secret", ended=True).write(tmp_path)
        assert raised() == set(), "it has ended on purpose, while the learner writes its last checkpoint"

"""The terminal beside a real console: what the robot says raises the alarms that the page raises."""

import io
import threading
import time

import numpy as np
import pytest

from daydreamer.cli import train_hands
from daydreamer.cli.train_hands import TrainHands
from daydreamer.monitor.alarm_watch import Watch
from daydreamer.monitor.alarms import active
from daydreamer.monitor.terminal import Panel
from daydreamer.runtime.hands import Wanted
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.wanted_file import WantedFile
from daydreamer.transport.console import Console
from daydreamer.transport.console_file import ConsoleFile
from robots.clock import ManualClock
from tests.awaiting import until
from tests.contracts.telemetry import telemetry

LONG = 60.0  # s


@pytest.fixture
def run_dir(tmp_path):
    found = RunDir(tmp_path)
    found.actor("actor").mkdir()
    return found


@pytest.fixture
def console(run_dir):
    made = Console("127.0.0.1:0", "secret", lambda hand: None)
    ConsoleFile(made.address, "secret").write(run_dir.actor("actor"))
    made.start()
    yield made
    made.close()


def test_what_the_robot_says_and_its_silence_raise_alarms(console, run_dir):
    clock = ManualClock()
    console.post(
        telemetry(stopped="DAMP: tilted", estop="lost", temperature=np.full(12, 55.0), activity="holding")
    )
    with Panel("run", stream=io.StringIO()) as panel, TrainHands(run_dir, panel, clock.now) as hands:

        def raised():
            return {one.alarm.key for one in active(Watch().facts(time.time(), **hands.facts()))}

        assert raised() == set()
        until(hands.facts, "a word of the robot", meanwhile=hands.show)
        assert raised() == {"robot-stopped", "estop-lost", "motor-hot", "holding"}
        clock.advance(4.0)
        assert raised() == {"robot-silent"}
        ConsoleFile(console.address, "secret", ended=True).write(run_dir.actor("actor"))
        assert raised() == set(), "it has ended on purpose, while the learner writes its last checkpoint"


class Asked:
    """In the place of a panel: what it was asked to show, and a way to wait for some of it."""

    def __init__(self):
        self._said, self._news = [], threading.Condition()

    def ask(self, text):
        with self._news:
            self._said.append(text)
            self._news.notify_all()

    def until(self, words):
        with self._news:
            assert self._news.wait_for(lambda: any(words in text for text in self._said), LONG), words


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(train_hands, "_TAKES", 0.05)
    return Asked()


def test_a_stop_while_the_actor_is_between_two_lives_reaches_the_next_one(run_dir, asked):
    stopped = threading.Event()
    with TrainHands(run_dir, asked) as hands:
        hands.press(" ")
        asked.until("NOT DELIVERED, trying")
        assert WantedFile.read(run_dir.wishes("actor")) is Wanted.LIMP, "it begins without a step"
        console = Console("127.0.0.1:0", "secret", lambda hand: hand.wish == "damp" and stopped.set())
        ConsoleFile(console.address, "secret").write(run_dir.actor("actor"))
        console.start()
        try:
            assert stopped.wait(LONG)
            asked.until("damp: received")
        finally:
            console.close()


def test_other_wishes_are_sent_once_and_not_kept(run_dir, asked):
    with TrainHands(run_dir, asked) as hands:
        hands.press("p")
        asked.until("pause: no answer")
    assert WantedFile.read(run_dir.wishes("actor")) is Wanted.RUN


def test_a_stop_is_tried_no_longer_than_the_panel_is_there(run_dir, asked):
    with TrainHands(run_dir, asked) as hands:
        for _ in range(3):
            hands.press(" ")
        asked.until("NOT DELIVERED, trying")
    for thread in [one for one in threading.enumerate() if one.name == "stop"]:
        thread.join(LONG)
        assert not thread.is_alive()


def test_a_stop_that_cannot_be_kept_says_so_and_is_tried_on(run_dir, asked):
    run_dir.actor("actor").rmdir()
    with TrainHands(run_dir, asked) as hands:
        hands.press(" ")
        asked.until("It is not kept for the actor's next life")
        run_dir.actor("actor").mkdir()
        asked.until("The actor's next life damps")

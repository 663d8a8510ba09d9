"""The page and its server, in a real browser: what is heard of a robot, and what a stop needs to get through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from selenium import webdriver

from daydreamer.web.access import Access
from daydreamer.web.board import Board
from tests.system.test_page import Page, browser, pytestmark
from tests.web.conftest import FakeConsole
from tests.web.test_server import TOKEN, Served

__all__ = ["browser", "pytestmark"]  # the fixture, and what a test in a browser needs


class Robot(FakeConsole):
    """Tells something twenty times a second, damps when it is told to, and reads what the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: dict[str, object] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def _talk(self) -> None:
        while not self._closed.wait(0.05):
            who = [operator or "a person" for wish, operator in self.wishes if wish == "damp"]
            stopped = (
                {"mode": "DAMP", "activity": "stopped", "stopped": f"DAMP: stopped by {who[0]}"}
                if who
                else {}
            )
            self.tell(**self.reads, **stopped)

    def close(self) -> None:
        self._closed.set()
        super().close()


@pytest.fixture
def robot() -> Robot:
    return Robot()


@pytest.fixture
def served(robot: Robot) -> Iterator[Served]:
    made = Served(Board(None, {"actor": robot}, lambda file: robot), Access(TOKEN))
    yield made
    made.close()


@pytest.fixture
def look(served: Served, browser: webdriver.Chrome) -> Callable[[], Page]:
    """Opens the page in the present tab and waits until it shows the robot."""

    def look() -> Page:
        browser.get(f"http://localhost:{served.port}/#token={TOKEN}")
        shown = Page(browser)
        shown.until(lambda: shown.text("mode") == "NORMAL", "the robot")
        return shown

    return look


def test_a_reading_that_is_no_number_keeps_no_word_from_the_hands(robot, browser, look):
    nan = np.full(12, np.nan)
    robot.reads = {"joint_torque": nan, "joint_pos": nan, "temperature": nan}
    page = look()
    browser.execute_script("document.getElementById('robot').scrollIntoView({ behavior: 'instant' })")
    page.until(lambda: "\N{EN DASH} N m" in page.text("joints"), "the joints, without numbers")
    page.listen()
    page.press(" ")
    page.until(lambda: page.answered("STOP: confirmed by the robot"), "the stop is confirmed")
    page.until(lambda: "DAMP: stopped by a person" in page.text("alarms"), "who stopped it")
    assert not [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_what_cannot_be_drawn_keeps_no_word_from_the_hands(browser, look):
    page = look()
    browser.execute_script("document.getElementById('robot-body').remove()")  # which the page draws into
    page.until(lambda: "TypeError" in str(browser.get_log("browser")), "a mistake while drawing")
    page.listen()
    page.press(" ")
    page.until(lambda: page.answered("STOP: confirmed by the robot"), "the stop is confirmed")

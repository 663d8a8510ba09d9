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
CONNECTIONS = 6  # of a browser to one server

DEAF = """
    window.asked = [];
    window.fetch = async (to, { signal }) => {
      asked.push(to);
      if (to === 'api/stream') return new Response(new ReadableStream());
      return new Promise((_, fail) => signal?.addEventListener('abort', () => fail(signal.reason)));
    };
"""


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


def test_pages_that_nobody_sees_leave_a_stop_its_connection(served, robot, browser, look):
    page = look()
    for _ in range(CONNECTIONS):
        browser.switch_to.new_window("tab")
        look()
    page.until(lambda: served.board.viewers == 1, "only the page that is seen is followed")
    page.press(" ")
    page.until(robot.wished.is_set, "the stop")
    page.until(lambda: page.text("mode") == "DAMP", "it is seen")

    robot.wishes.clear()
    browser.switch_to.window(browser.window_handles[0])
    page.until(lambda: page.text("mode") == "NORMAL", "a page that is seen again is as new")
    assert served.board.viewers <= 2


def test_pages_in_sight_leave_a_stop_its_connection(served, robot, browser, look):
    page = look()
    for _ in range(CONNECTIONS - 1):
        browser.switch_to.new_window("window")
        look()
    page.until(lambda: served.board.viewers == CONNECTIONS, "all are followed")
    page.listen()
    page.press(" ")
    page.until(lambda: page.answered("STOP: confirmed by the robot"), "the page has not given up")


def test_a_page_out_of_sight_hears_whether_its_stop_was_done(served, robot, browser, look):
    page = look()
    page.listen()
    browser.execute_script(
        "document.getElementById('stop').click();"
        "Object.defineProperty(document, 'hidden', { get: () => true })"
    )
    page.until(lambda: page.answered("STOP: confirmed"), "the stop is confirmed")
    page.until(lambda: served.board.viewers == 0, "then it is followed no more")
    page.until(lambda: page.text("activity") == "connecting", "and what is old is not shown as the present")


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


def test_a_server_that_takes_a_page_and_then_says_nothing_is_asked_again(served, browser):
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": DEAF})
    browser.get(f"http://localhost:{served.port}/")
    page = Page(browser)
    count = "return asked.filter((to) => to === 'api/hello').length"
    page.until(lambda: browser.execute_script(count) >= 2, "a second hello")

"""What the page draws and says, in a real browser, of messages that the test makes up."""

from __future__ import annotations

import pytest

from tests.system.test_page import browser, pytestmark
from tests.system.test_page_stream import look, robot, served

__all__ = [
    "browser",
    "look",
    "pytestmark",
    "robot",
    "served",
]  # the fixtures, and what a test in a browser needs


@pytest.mark.parametrize("size", [(1400, 1000), (500, 844)], ids=["computer", "phone"])
def test_what_came_of_a_stop_is_in_sight_wherever_the_page_was_scrolled_to(robot, browser, look, size):
    browser.set_window_size(*size)
    page = look()
    robot.deaf = True
    browser.execute_script("document.getElementById('time').scrollIntoView({ behavior: 'instant' })")
    page.press(" ")
    page.until(lambda: "USE THE E-STOP" in page.text("answer"), "a person is told to use the e-stop")
    scrolled, at = browser.execute_script(
        "const r = document.getElementById('answer').getBoundingClientRect();"
        "const ends = [[r.left + 20, r.top + 3], [r.left + r.width / 2, r.bottom - 3]];"
        "return [scrollY, ends.map(([x, y]) => document.elementFromPoint(x, y)?.id)]"
    )
    assert scrolled > 1000
    assert at == ["answer", "answer"], "it is within the window, and nothing lies over it"

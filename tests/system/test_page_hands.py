"""What the page makes of a person's wish, in a real browser: robots say things here that they say seldom in a run."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from selenium import webdriver

from daydreamer.web.server import PAGE
from tests.system.test_page import Page, browser, pytestmark

__all__ = ["browser", "pytestmark"]  # the fixture, and what a test in a browser needs

HANDS = """
    const done = arguments[arguments.length - 1];
    import('/hands.js').then(({ Hands }) => {
      window.sent = [];
      window.untils = [];
      window.fetch = async (to, { body }) => {
        sent.push(JSON.parse(body).wish);
        untils.push(JSON.parse(body).until);
        if (window.broken) throw new Error('no network');
        return { ok: true };
      };
      window.hands = new Hands();
      hands.allow(true);
      done();
    });
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page(browser: webdriver.Chrome) -> Iterator[Page]:
    """The page without its server: only what its hands are made of runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(PAGE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser.get(f"http://127.0.0.1:{server.server_port}/")
    shown = Page(browser)
    shown.until(lambda: browser.execute_script("return document.readyState") == "complete", "the page")
    browser.set_script_timeout(60)
    browser.execute_async_script(HANDS)
    yield shown
    server.shutdown()
    server.server_close()


def robot(
    name: str = "spot",
    mode: str = "NORMAL",
    activity: str = "learning",
    age: float | None = 0.1,
    last_hand: str = "",
    **counts: int,
) -> dict[str, object]:
    known = {"name": name, "mode": mode, "activity": activity, "age": age, "last_hand": last_hand}
    return {**known, "counts": {"good": 0, "bad": 0, "set_by_hand": 0, **counts}}


def say(page: Page, *robots: dict[str, object]) -> None:
    page.browser.execute_script(f"hands.robots({json.dumps(robots)})")


def sent(page: Page) -> list[str]:
    return page.browser.execute_script("return window.sent")


def test_nothing_takes_the_place_of_a_stop_that_is_not_confirmed(page):
    say(page, robot())
    page.browser.execute_script("window.broken = true; hands.wish('damp')")
    page.browser.execute_script("hands.wish('mark_bad'); hands.wish('pause')")
    page.until(lambda: "USE THE E-STOP" in page.text("answer"), "a person is told to use the e-stop")
    page.until(lambda: len(sent(page)) >= 3, "the stop is sent again")
    assert set(sent(page)) == {"damp"}
    page.browser.execute_script("window.broken = false")
    say(page, robot(mode="DAMP", activity="stopped"))
    page.until(lambda: "STOP: confirmed by the robot" in page.text("answer"), "it is confirmed")


def test_a_stop_that_is_pressed_again_and_again_does_not_hide_that_none_is_confirmed(page):
    say(page, robot())
    page.browser.execute_script("setInterval(() => hands.wish('damp'), 100)")
    page.until(lambda: "USE THE E-STOP" in page.text("answer"), "a person is told to use the e-stop")
    page.listen()
    page.until(lambda: len(sent(page)) > 150, "every press sends it, also after the first stop was given up")
    assert not page.answered("waiting for the robot")
    assert set(sent(page)) == {"damp"}


def test_a_wish_says_until_when_it_may_be_done_and_fails_only_after_that(page):
    say(page, robot())
    # All at one moment, however busy the computer is.
    page.browser.execute_script(
        "const now = performance.now(); performance.now = () => now;"
        "hands.status({ clock: 1000 + now / 1000 }); hands.wish('pause'); delete performance.now"
    )
    begun = page.browser.execute_script("return hands.pending.begun")
    assert page.browser.execute_script("return untils[0]") == pytest.approx(1003 + begun / 1000)
    page.until(lambda: "pause: NOT CONFIRMED" in page.text("answer"), "a person is told that it failed")
    assert page.browser.execute_script("return performance.now()") > begun + 3000


def test_a_mark_counts_when_its_count_has_grown_whatever_is_told_of_other_hands(page):
    words = "good mark by a person: row 7"
    say(page, robot(last_hand=words, good=1))
    page.browser.execute_script("hands.wish('mark_good')")
    say(page, robot(last_hand="pause by Ann: the robot holds its pose", good=1))
    page.until(lambda: "mark good: NOT CONFIRMED" in page.text("answer"), "another hand is no mark")
    page.browser.execute_script("hands.wish('mark_good')")
    say(page, robot(last_hand=words, good=2))
    page.until(lambda: "mark good: confirmed" in page.text("answer"), "a second mark of the same row is one")
    page.browser.execute_script("hands.wish('mark_bad')")
    say(page, robot(last_hand="mark bad by a person: nothing: there is no row to mark yet", good=2))
    page.until(lambda: "mark bad: NOT CONFIRMED" in page.text("answer"), "what did nothing is not confirmed")


def test_a_wish_to_several_robots_counts_when_each_of_them_shows_it(page):
    say(page, robot("rex", activity="paused"), robot("spot"))
    assert page.text("pause").startswith("Pause"), "one of them moves"
    page.browser.execute_script("hands.wish('pause')")
    say(page, robot("rex", activity="paused"), robot("spot"))
    page.until(lambda: "NOT CONFIRMED by spot" in page.text("answer"), "which one moves on")
    say(page, robot("rex", activity="paused"), robot("spot", activity="paused"))
    page.until(lambda: "pause: confirmed" in page.text("answer"), "both are paused")
    assert page.text("pause").startswith("Resume")


def test_a_robot_that_was_never_heard_is_named_after_a_stop(page):
    gone = robot("old", age=None)
    say(page, robot(), gone)
    page.browser.execute_script("hands.wish('damp')")
    say(page, robot(mode="DAMP", activity="stopped"), gone)
    page.until(
        lambda: "confirmed by spot, but there was never a word from old" in page.text("answer"),
        "both are named",
    )

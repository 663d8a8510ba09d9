"""What the page draws and says, in a real browser, of messages that the test makes up."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from tests.system.test_page import Page, browser, pytestmark
from tests.system.test_page_stream import look, robot, served

__all__ = [
    "browser",
    "look",
    "pytestmark",
    "robot",
    "served",
]  # the fixtures, and what a test in a browser needs

# A minute in which the robot is silent, then one of the server. Gives how many changes a screen reader is told in each,
# of the bar and of the alarms, and what is shown in the end.
SILENCE = """
    const done = arguments[arguments.length - 1];
    import('/page/now.js').then(({ Now }) => {
      const now = new Now();
      const robots = (age) => [{ name: 'spot', mode: 'NORMAL', activity: 'learning', age }];
      const alarm = (key, detail) => ({ key, danger: true, words: `alarm ${key}`, detail, advice: 'Keep away.' });
      now.status({ alarms: [alarm('old', 'for 1 s'), alarm('other', '')] });
      now.robots(robots(0.1));
      const observers = { bar: '[aria-live=assertive]', alarms: '[role=log]' };
      for (const [name, where] of Object.entries(observers)) {
        observers[name] = new MutationObserver(() => {});
        const what = { childList: true, characterData: true, subtree: true };
        observers[name].observe(document.querySelector(where), what);
      }
      const silent = ({ target }) => (target.closest ? target : target.parentElement).closest('[aria-live=off]');
      const take = () => Object.values(observers).map((one) => one.takeRecords().filter((r) => !silent(r)).length);
      const counts = [];
      for (let age = 2; age <= 60; age += 1) {
        now.robots(robots(age));
        now.status({ alarms: [alarm('silent', `for ${age} s`), alarm('other', '')] });
      }
      const shown = [document.getElementById('mode-box').innerText, document.getElementById('alarms').innerText];
      counts.push(take());
      for (let seconds = 3; seconds <= 60; seconds += 1) now.lost('the server does not answer', seconds);
      shown.push(document.getElementById('mode-box').innerText);
      counts.push(take());
      done([counts, shown]);
    });
"""

CHART = """
    const done = arguments[arguments.length - 1];
    import('/page/charts.js').then(({ Charts }) => {
      window.charts = new Charts();
      const words = { title: 'Reward', unit: '', healthy: '', ill: '' };
      charts.define([{ key: 'r', section: 'learning', series: [['reward', 'reward']], ...words }]);
      // Bins `begin` to `end`, one for each minute
      window.come = (begin, end) => {
        const minutes = Array.from({ length: end - begin }, (_, k) => begin + k);
        charts.take({ generation: 1, begin, end, series: { 'robot/minutes': minutes, reward: minutes } });
      };
      come(0, 101);
      charts.views[0].box.scrollIntoView({ behavior: 'instant', block: 'center' });
      done();
    });
"""


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


def test_a_silence_is_told_once_though_its_seconds_run_on(look):
    page = look()
    counts, shown = page.browser.execute_async_script(SILENCE)
    (bar, alarms), (bar_lost, alarms_lost) = counts
    assert bar <= 2, "the mode, and what is the matter"
    assert alarms <= 2, "one alarm goes, one comes"
    assert bar_lost <= 2 and alarms_lost == 0
    assert " ".join(shown[0].split()) == "NO WORD from spot; it was NORMAL, learning 60 s ago"
    assert "alarm silent: for 60 s" in shown[1] and "alarm other" in shown[1] and "alarm old" not in shown[1]
    assert " ".join(shown[2].split()) == "NO CONNECTION the server does not answer for 60 s"


def drawn(page: Page) -> list[float]:
    """The minutes that the chart begins and ends with."""
    return page.browser.execute_script(
        "const { min, max } = charts.views[0].uplot.scales.x; return [min, max]"
    )


def test_what_a_person_has_dragged_out_of_a_chart_stays_until_a_double_click(look):
    page = look()
    page.browser.execute_async_script(CHART)
    page.until(lambda: page.browser.execute_script("return !!charts.views[0].uplot"), "the chart")
    assert drawn(page) == [0, 100]
    page.browser.execute_script("come(100, 111)")
    assert drawn(page) == [0, 110], "it follows the run"

    over = page.browser.find_element(By.CSS_SELECTOR, "#chart-r .u-over")
    quarter = over.size["width"] // 4
    mouse = ActionChains(page.browser)
    mouse.move_to_element_with_offset(over, -quarter, 0).click_and_hold().move_by_offset(quarter, 0)
    mouse.release().perform()
    page.until(lambda: drawn(page)[1] < 60, "the zoom")
    zoomed = drawn(page)
    assert zoomed == pytest.approx([27.5, 55], abs=2)
    page.browser.execute_script("come(110, 121)")
    assert drawn(page) == zoomed

    ActionChains(page.browser).double_click(over).perform()
    page.until(lambda: drawn(page) == [0, 120], "all of the run")
    page.browser.execute_script("come(120, 131)")
    assert drawn(page) == [0, 130], "it follows again"

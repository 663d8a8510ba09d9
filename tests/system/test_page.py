"""The page of a live run, in a real browser: curves move, hands are confirmed by the robot alone."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver"),
]
PATIENCE = 90  # s, for a slow and loaded computer


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tempfile.mkdtemp()
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1400,1000",
        f"--user-data-dir={profile}", "--no-first-run", "--disable-background-networking",
    ):  # fmt: skip
        options.add_argument(argument)
    options.page_load_strategy = "none"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.command_executor.client_config.timeout = 300
    yield driver
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


class Page:
    def __init__(self, browser: webdriver.Chrome):
        self.browser = browser

    def text(self, name: str) -> str:
        return "".join(element.text for element in self.browser.find_elements(By.ID, name))

    def until(self, condition: Callable[[], object], what: str) -> None:
        wait = WebDriverWait(self.browser, PATIENCE, 0.1, ignored_exceptions=[StaleElementReferenceException])
        wait.until(
            lambda _: condition(), f"{what}; the bar says {self.text('mode')}, {self.text('activity')}"
        )

    def press(self, key: str) -> None:
        self.browser.find_element(By.TAG_NAME, "body").send_keys(key)

    def picture(self, chart: str) -> str:
        """What the chart's canvas shows."""
        script = (
            "const c = document.querySelector(`#chart-${arguments[0]} canvas`); return c ? c.toDataURL() : ''"
        )
        return self.browser.execute_script(script, chart)


def test_a_person_watches_pauses_resumes_and_stops_a_robot(job, browser):
    job.start(
        "train", "--preset", "fake-tiny", "--logdir", str(job.logdir), "--speed", "realtime", "--plain",
        "--monitor-port", "0",
    )  # fmt: skip
    job.eventually((job.logdir / "page.json").exists, "the page's address")
    found = json.loads((job.logdir / "page.json").read_text())
    port = int(found["url"].rsplit(":", 1)[1].strip("/"))
    job.eventually(lambda: _answers(port), "the page's server")

    page = Page(browser)
    browser.get(f"{found['url']}#token={found['token']}")
    page.until(lambda: page.text("mode") == "NORMAL", "the robot's mode")
    assert "token" not in browser.current_url  # it does not stay in the address bar
    page.until(lambda: page.picture("reward"), "a curve")
    before = page.picture("reward")
    page.until(lambda: page.picture("reward") not in ("", before), "the curve moves")

    stalled = socket.create_connection(("127.0.0.1", port))
    stalled.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")  # and never reads

    page.press("p")
    page.until(lambda: page.text("activity") == "paused", "the robot is paused")
    page.until(lambda: "confirmed by the robot" in page.text("answer"), "the pause is confirmed")
    page.press("p")
    page.until(lambda: page.text("activity") in ("learning", "random"), "the robot goes on")

    page.press(Keys.SPACE)
    page.until(lambda: page.text("mode") == "DAMP", "the robot is stopped")
    page.until(lambda: "STOP: confirmed by the robot" in page.text("answer"), "the stop is confirmed")
    stalled.close()
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not severe


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0):
            return True
    except OSError:
        return False

"""The page of a live run, in a real browser: curves move, hands are confirmed by the robot alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="THE PAGE IS NOT TESTED, for want of a browser: `make browser`, as root on Debian",
    ),
]
PATIENCE = 300  # s, for a slow and loaded computer


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

    def listen(self) -> None:
        """Keep every answer that the page shows for some seconds: a slow computer may look too late."""
        self.browser.execute_script(
            "window.answers = []; const box = document.getElementById('answer');"
            "new MutationObserver(() => answers.push(box.textContent))"
            ".observe(box, { childList: true, characterData: true, subtree: true })"
        )

    def answered(self, words: str) -> bool:
        return words in " ".join(self.browser.execute_script("return window.answers"))

    def tap(self, where: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, where).click()

    def text_into(self, name: str, text: str) -> None:
        self.browser.find_element(By.ID, name).send_keys(text)

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
        "--monitor-port", "0", "--record",
    )  # fmt: skip
    page, port = opened(job, browser)
    page.until(lambda: page.text("mode") == "NORMAL", "the robot's mode")
    page.listen()
    assert "token" not in browser.current_url  # it does not stay in the address bar
    page.until(lambda: page.picture("reward"), "a curve")
    before = page.picture("reward")
    page.until(lambda: page.picture("reward") not in ("", before), "the curve moves")

    stalled = socket.create_connection(("127.0.0.1", port))
    stalled.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")  # and never reads

    page.press("p")
    page.until(lambda: page.text("activity") == "paused", "the robot is paused")
    page.until(lambda: page.answered("pause: confirmed by the robot"), "the pause is confirmed")
    page.press("p")
    page.until(lambda: page.text("activity") in ("learning", "random"), "the robot goes on")
    for key, words in (("g", "marked good 1"), ("b", "bad 1"), ("h", "Set by hand 1")):
        page.press(key)
        page.until(lambda words=words: words in page.text("counts"), words)

    learner = learner_of(job)
    os.kill(learner, signal.SIGSTOP)
    try:
        page.press(Keys.SPACE)
        page.until(lambda: page.text("mode") == "DAMP", "the robot is stopped while the learner hangs")
        page.until(lambda: page.answered("STOP: confirmed by the robot"), "the stop is confirmed")
    finally:
        os.kill(learner, signal.SIGCONT)
    page.text_into("operator", "Ann")
    page.tap("[data-wish=reset]")
    page.until(lambda: page.text("mode") == "NORMAL", "the robot obeys again after a reset")
    page.until(lambda: "stopped 1, reset 1" in page.text("counts"), "both are counted")
    stalled.close()
    reached_by_keyboard(browser)
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not severe
    recording_has(job, {"hand: pause by a person", "mode DAMP, stopped", "mode NORMAL"})


def opened(job, browser) -> tuple[Page, int]:
    """The page of ``job``, and its port."""
    job.eventually((job.logdir / "page.json").exists, "the page's address")
    found = json.loads((job.logdir / "page.json").read_text())
    port = int(found["url"].rsplit(":", 1)[1].strip("/"))
    job.eventually(lambda: _answers(port), "the page's server")
    browser.get(f"{found['url']}#token={found['token']}")
    return Page(browser), port


def learner_of(job) -> int:
    """The process that learns."""
    supervisor = job.processes[0].pid
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    found = [pid for pid in children if b"learner" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    assert len(found) == 1, children
    return int(found[0])


def reached_by_keyboard(browser) -> None:
    """Tab comes to every control that can be used, and each shows where one is."""
    controls = browser.execute_script(
        "return [...document.querySelectorAll('button, input, a, summary')]"
        ".filter((e) => !e.disabled && e.offsetParent !== null).length"
    )
    seen = browser.execute_script(
        "const seen = new Set(); for (const e of document.querySelectorAll('button, input, a, summary, [tabindex]')) {"
        "if (e.disabled || e.offsetParent === null) continue; e.focus({focusVisible: true});"
        "const shown = getComputedStyle(e).outlineStyle !== 'none';"
        "if (document.activeElement === e && e.tabIndex >= 0 && shown) seen.add(e);"
        "} return seen.size"
    )
    assert seen >= controls > 20


def recording_has(job, wanted: set[str]) -> None:
    """The MCAP file beside the run tells of what happened, in lines of ROS 2's log."""
    job.processes[0].send_signal(signal.SIGINT)
    job.wait(job.processes[0])
    said = [line for path in job.logdir.glob("recordings/*.mcap") for line in log_lines(path)]
    assert not {words for words in wanted if not any(line.startswith(words) for line in said)}, said


def log_lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        return [decoded.msg for _, _, _, decoded in reader.iter_decoded_messages("/rosout")]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0):
            return True
    except OSError:
        return False

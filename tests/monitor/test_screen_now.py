"""The section about this moment, as a person sees it."""

import io
import math

import pytest

from daydreamer.monitor.now import KEYS, QUIT, Now
from daydreamer.monitor.story import Story

console_module = pytest.importorskip("rich.console")
from daydreamer.monitor import screen  # noqa: E402

NOW = Now(
    activity="learning", mode="NORMAL", estop="ready", up=0.98, speed=0.31, reward=11.25, policy_version=12,
    policy_age=3.0, connected=True, unacked=4, late=0.0012, warmest=41.0,
)  # fmt: skip


def draw(story, width=80, height=24):
    console = console_module.Console(file=io.StringIO(), record=True, width=width, height=height)
    console.print(screen.draw(story, "a1-sim  runs/a", width, height))
    return console.export_text().rstrip("\n").split("\n")


def watched(now=NOW, **changes):
    story = Story(60)
    story.update({"robot/minutes": 3.0, "robot/reward": 7.0, "train/kl": 4.0}, 0.0)
    story.see(Now(**{**vars(now), **changes}) if now else None, "nobody listens there")
    return story


def test_80_by_24_shows_now_learning_and_the_keys():
    rows = draw(watched())
    text = "\n".join(rows)
    assert len(rows) == 24 and {len(row) for row in rows} == {80} and "…" not in text
    for words in (
        "─ now ─", "NORMAL", "learning", "up +0.98", "speed +0.31 m/s", "reward 11.25", "policy v12, 3 s old",
        "link up, 4 queued", "late 1.2 ms", "warmest 41 °C", "box ready", "─ learning ─", "space stop", "q quit",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize("width", [8, 20, 40, 80, 200])
@pytest.mark.parametrize("height", [3, 8, 14, 20, 24, 31, 32, 60])
@pytest.mark.parametrize("story", [watched(), watched(None)], ids=["heard", "silent"])
def test_any_size_is_filled_and_never_overflown(story, width, height):
    rows = draw(story, width, height)
    assert len(rows) <= height and {len(row) for row in rows} == {width}


def test_what_people_did_is_told_as_soon_as_they_have():
    text = "\n".join(draw(watched(set_by_hand=2, stops=1)))
    assert "─ now: set by hand 2, stops 1 ─" in text


def test_why_a_robot_is_stopped_stands_there_and_what_to_do():
    text = "\n".join(
        draw(watched(activity="stopped", mode="DAMP", stopped="DAMP: stopped by Ann", last_hand="x"))
    )
    assert "DAMP: stopped by Ann   R resets" in text


def test_a_wish_is_shown_as_asked_until_the_robot_tells_what_became_of_it():
    story = watched()
    story.asked = "pause: asked"
    assert "pause: asked" in "\n".join(draw(story))
    story.see(Now(**{**vars(NOW), "age": 0.2}))
    assert story.asked, "the same robot without news of it"
    story.see(Now(**{**vars(NOW), "last_hand": "pause by Ann: the robot holds its pose"}))
    text = "\n".join(draw(story))
    assert "asked" not in text and "pause by Ann: the robot holds its pose" in text


def test_a_second_mark_of_one_row_is_told_of_although_its_words_are_the_same():
    story = Story()
    marked = {**vars(NOW), "last_hand": "good mark by Ann: row 7", "good": 1}
    story.see(Now(**marked))
    story.asked = "mark good: asked"
    story.see(Now(**{**marked, "good": 2}))
    assert story.asked == ""


def test_a_loop_that_hangs_is_said():
    assert "the control loop hangs: no news for 4 s; stop still acts" in "\n".join(draw(watched(age=4.0)))


def test_a_silent_console_says_why_and_the_keys_stay():
    text = "\n".join(draw(watched(None)))
    assert "nobody listens there" in text and "space stop" in text


def test_what_is_not_known_is_a_question_mark():
    assert "warmest ?" in "\n".join(draw(watched(warmest=-math.inf)))


def test_a_tall_window_shows_the_curves_of_learning_itself():
    assert "KL" in "\n".join(draw(watched(), height=40)) and "KL" not in "\n".join(draw(watched()))


def test_every_key_asks_for_something_else():
    assert len({*KEYS.values(), "quit"}) == len(KEYS) + 1 and QUIT not in KEYS
    assert KEYS[" "] == "damp"

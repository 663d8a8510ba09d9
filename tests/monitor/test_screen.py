"""The live panel as a person sees it."""

import io

import pytest

from daydreamer.monitor.stages import MILESTONES
from daydreamer.monitor.story import Story

console_module = pytest.importorskip("rich.console")
from daydreamer.monitor import screen  # noqa: E402

WALKING = {
    "robot/minutes": 21.4, "robot/window": 1000.0, "robot/up": 0.96, "robot/upright": 0.99, "robot/standing": 0.92,
    "robot/forward_speed": 0.41, "robot/reward": 11.8, "learner/steps": 5750, "learner/steps_per_second": 5.1,
    "learner/step_ms": 182, "learner/waiting": 0.03, "actor/steps_per_second": 84.2, "actor/late_ms": 0.3,
    "policy/version": 575, "policy/age_s": 3.2, "replay/rows": 25_680, "replay/bytes": 10.3e6, "replay/ratio": 114.6,
    "link/connected": 1, "link/unacked": 7, "link/spool_bytes": 12_300,
}  # fmt: skip


def walking_story():
    story = Story(target_minutes=60)
    for tick in range(215):
        share = tick / 214
        story.update(
            {**WALKING, **{n: share * WALKING[n] for n in ("robot/minutes", "robot/up", "robot/standing")}},
            now=float(tick),
        )
    story.warn("the actor was away for 2.1 s; its spool was sent again")
    story.warn("policy is 40 s old [bold]x[/bold]")
    return story


def draw(story, width=80, height=24, title="a1-sim  runs/a"):
    console = console_module.Console(file=io.StringIO(), record=True, width=width, height=height)
    console.print(screen.draw(story, title, width, height))
    return console.export_text().rstrip("\n").split("\n")


def test_80_by_24_holds_everything():
    rows = draw(walking_story())
    assert len(rows) == 24
    assert {len(row) for row in rows} == {80}
    assert rows[0].startswith("╭─  a1-sim  runs/a") and rows[-1].startswith("╰")
    assert not any("…" in row for row in rows), "nothing is cut off"
    text = "\n".join(rows)
    for words in (
        "walking 0.41 m/s, standing 92 % of the time", "21.4/60 min", "36 %", "ETA", "11.80", "5,750 steps, 5.10/s",
        "v575, 3 s old", "25,680 rows, 10.3 MB", "114.6 replayed per step", "7 rows queued, spool 12.3 kB",
        "84.2/s, 0.30 ms late", "the actor was away for 2.1 s; its spool was sent again",
        "policy is 40 s old [bold]x[/bold]",
    ):  # fmt: skip
        assert words in text, words
    assert all(milestone.words in text for milestone in MILESTONES)


@pytest.mark.parametrize("width", [8, 20, 40, 79, 80, 81, 200])
@pytest.mark.parametrize("height", [3, 8, 14, 16, 20, 24, 60])
@pytest.mark.parametrize(
    "story", [Story(60), Story(None), walking_story()], ids=["empty", "endless", "walking"]
)
def test_any_size_is_filled_and_never_overflown(story, width, height):
    rows = draw(story, width, height)
    assert len(rows) <= height
    assert {len(row) for row in rows} == {width}


def test_where_rows_are_few_a_warning_stays_and_old_milestones_go():
    text = "\n".join(draw(walking_story(), height=20))
    assert "policy is 40 s old" in text
    assert "the actor was away" not in text
    assert "walks fast" in text and "first policy" not in text


def test_a_tall_window_shows_more_warnings():
    story = walking_story()
    for number in range(6):
        story.warn(f"warning {number}")
    text = "\n".join(draw(story, height=40))
    assert all(f"warning {number}" in text for number in range(6))


def test_before_anything_came_it_says_so():
    text = "\n".join(draw(Story(60)))
    assert "waiting for the robot" in text
    assert "?/60 min" in text


def test_a_lost_link_is_said():
    story = walking_story()
    story.update({"link/connected": 0}, 300.0)
    assert any("link     down" in row for row in draw(story))

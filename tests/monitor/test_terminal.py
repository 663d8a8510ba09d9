"""Panel: live on a terminal, plain lines elsewhere, and never in the way."""

import io
import subprocess
import sys
import threading

import pytest

from daydreamer.monitor.terminal import Panel
from daydreamer.monitor.writers import JsonlWriter

ROLLED = {
    "robot/minutes": 3.4, "robot/window": 1000.0, "robot/up": 0.83, "robot/upright": 0.85, "robot/standing": 0.1,
    "robot/reward": 6.5, "robot/forward_speed": 0.02, "learner/steps": 700, "learner/steps_per_second": 5.1,
    "replay/ratio": 88.0, "policy/version": 70, "policy/age_s": 3.0, "link/connected": 1, "link/unacked": 2,
    "link/spool_bytes": 0,
}  # fmt: skip


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def now():
    """A clock that the test moves: ``now.seconds``."""

    class Now:
        seconds = 0.0

        def __call__(self):
            return self.seconds

    return Now()


def test_where_there_is_no_terminal_a_line_comes_every_ten_seconds(now):
    stream = io.StringIO()
    with Panel("a1-sim runs/a", 60, stream, now=now) as panel:
        for second in range(25):
            now.seconds = float(second)
            panel.update({"robot/minutes": 1 + second / 60, "robot/up": -0.9, "learner/steps": 3.0})
    lines = stream.getvalue().splitlines()
    assert lines[0] == "a1-sim runs/a"
    assert [line.split(" | ")[0] for line in lines[1:]] == [
        "robot 1.0/60 min",  # at 0 s
        "robot 1.2/60 min",  # at 10 s
        "robot 1.3/60 min",  # at 20 s
        "robot 1.4/60 min",  # the last state, at the end
    ]
    assert all("lying on its back" in line for line in lines[1:])


def test_a_plain_line_says_it_all(now):
    stream = io.StringIO()
    panel = Panel("run", 60, stream, now=now)
    panel.update({**ROLLED, "robot/minutes": 2.4, "robot/up": 0.0})
    now.seconds = 60.0
    panel.update(ROLLED)
    assert stream.getvalue().splitlines()[-1] == (
        "robot 3.4/60 min | rolled over: upright 85 % of the time, standing 10 % | reward 6.50 | speed 0.02 m/s"
        " | learner 700 steps 5.10/s | ratio 88.0 | policy v70, 3 s old | link up, 2 rows queued, spool 0 B"
        " | ETA 57 min"  # 56.6 robot minutes left at one per minute
    )


def test_milestones_and_warnings_come_at_once_and_repeats_do_not(now):
    stream = io.StringIO()
    panel = Panel("run", 60, stream, now=now)
    panel.update({"robot/minutes": 0.1})
    panel.update(ROLLED)
    panel.warn("the link is\ngone")
    panel.warn("the link is gone")
    assert stream.getvalue().splitlines()[2:] == [
        "milestone: first policy on the robot at 3.4 min (policy/version >= 0)",
        "milestone: rolled over at 3.4 min (up.z over 1,000 steps > 0.8)",
        "warning: the link is gone",
    ]


def test_names_that_are_not_in_the_table_are_ignored():
    stream = io.StringIO()
    Panel("run", 60, stream).update({"robot/minutes": 1.0, "no/such": 2.0})
    assert "robot 1.0/60 min" in stream.getvalue()


def test_milestones_survive_a_restart(tmp_path):
    writer = JsonlWriter(tmp_path / "metrics.jsonl")
    writer.write(700, ROLLED)
    writer.close()
    stream = io.StringIO()
    panel = Panel("run", 60, stream, history=tmp_path / "metrics.jsonl")
    panel.update({**ROLLED, "robot/minutes": 9.0})
    assert "milestone" not in stream.getvalue()
    assert panel._story.milestones.reached == {"policy": 3.4, "rolled over": 3.4}


def test_history_may_not_be_there_yet(tmp_path):
    Panel("run", 60, io.StringIO(), history=tmp_path / "metrics.jsonl").close()


def test_a_closed_pipe_stops_the_lines_and_nothing_else():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    with Panel("run", 60, Gone()) as panel:
        panel.update(ROLLED)
        panel.warn("x")
    closed = io.StringIO()
    panel = Panel("run", 60, closed)
    closed.close()
    panel.update(ROLLED)


def test_a_stream_without_unicode_gets_what_it_can_show():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Panel("run/é", 60, stream).update(ROLLED)
    assert raw.getvalue().startswith(b"run/?\nmilestone")


def test_on_a_terminal_it_draws_and_leaves_the_last_state_behind(monkeypatch):
    pytest.importorskip("rich")
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    with Panel("a1-sim runs/a", 60, stream) as panel:
        panel.update(ROLLED)
        panel.close()
    text = stream.getvalue()
    enter, leave = text.index("\x1b[?1049h"), text.index("\x1b[?1049l")
    assert enter < leave, "the second screen was taken and given back"
    assert "rolled over: upright 85 % of the time" in text[leave:]
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h"), "the cursor is there again"


def test_a_terminal_that_can_only_do_lines_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with Panel("run", 60, stream) as panel:
        panel.update(ROLLED)
    assert "\x1b" not in stream.getvalue()
    assert "robot 3.4/60 min" in stream.getvalue()


def test_several_threads_may_tell_it_things(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm-256color")
    with Panel("run", 60, Terminal()) as panel:
        threads = [
            threading.Thread(target=lambda: [panel.update(ROLLED) for _ in range(200)]),
            threading.Thread(target=lambda: [panel.warn(f"{n}") for n in range(200)]),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
            assert not thread.is_alive()


def test_without_rich_torch_and_tensorboard_there_are_plain_lines():
    code = """if True:
        import sys
        sys.modules.update({"rich": None, "torch": None, "tensorboard": None, "numpy": None})
        from daydreamer.monitor import glossary, names, writers, tail, terminal
        with terminal.Panel("run", 60, plain_lines=False) as panel:
            panel.update({"robot/minutes": 1.0})
        ours = {m for m in sys.modules if m.startswith(("daydreamer.", "robots"))}
        assert all(m.startswith("daydreamer.monitor") for m in ours), ours
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("run\nrobot 1.0/60 min | collecting first data")

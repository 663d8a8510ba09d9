"""The panel in a terminal: live where there is one, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, TextIO

from daydreamer.monitor import names, plain
from daydreamer.monitor.formats import one_line
from daydreamer.monitor.now import Now
from daydreamer.monitor.stages import Milestone
from daydreamer.monitor.story import Story
from daydreamer.monitor.tail import Tail

_log = logging.getLogger(__name__)
_PLAIN_EVERY = 10.0  # s between lines


class Panel:
    """Shows how a run is going. ``update`` and ``warn`` may be called from any thread, and never raise.

    On a terminal, with rich installed, it takes the whole screen, follows its size, and leaves its last state
    behind when closed. Elsewhere it writes a line about every 10 s, and milestones and warnings as they come.

    Args:
        title: The run in a few words: preset and run directory.
        target_minutes: Robot minutes at which the run is over; None when it has no end.
        stream: Where to show it; standard output by default.
        history: A metrics file of this run so far: curves and milestones go on from it.
        plain_lines: True forces lines, False forces the live panel; by default the stream decides.
        now: Seconds, monotonic.
    """

    def __init__(
        self,
        title: str,
        target_minutes: float | None = None,
        stream: TextIO | None = None,
        *,
        history: Path | str | None = None,
        plain_lines: bool | None = None,
        now: Callable[[], float] = time.monotonic,
    ):
        self._story = Story(target_minutes)
        self._lock = threading.Lock()
        self._now = now
        self._closed = False
        if history is not None:
            self._story.replay(Tail(history).read())
        stream = stream or sys.stdout
        title = one_line(title)
        live = stream.isatty() if plain_lines is None else not plain_lines
        view = _live(title, self._story, self._lock, stream) if live else None
        self._view: _View = view or _Lines(title, stream)

    @property
    def live(self) -> bool:
        """Whether it is drawn on a terminal, rather than written in lines."""
        return not isinstance(self._view, _Lines)

    def update(self, metrics: Mapping[str, float]) -> None:
        """Take new values; names may be missing, the last value of each stays. Unknown names are ignored."""
        known = {name: value for name, value in metrics.items() if names.find(name)}
        with self._lock:
            new = self._story.update(known, self._now())
            self._view.changed(self._story, new, self._now())

    def warn(self, text: str) -> None:
        """Show a warning; one that repeats the last only counts up."""
        with self._lock:
            if self._story.warn(text):
                self._view.warned(text)

    def see(self, now: Now | None, problem: str = "") -> None:
        """Show what the robot's console says; None and the reason while it says nothing."""
        with self._lock:
            before = self._story.now
            self._story.see(now, problem)
            self._view.saw(self._story, before)

    def ask(self, text: str) -> None:
        """Show that a person's wish is under way, or why it failed, until the robot's console tells of another."""
        with self._lock:
            self._story.asked = one_line(text)

    def close(self) -> None:
        """Show the last state and give the terminal back. Idempotent."""
        if not self._closed:
            self._closed = True
            self._view.close(self._story)

    def __enter__(self) -> Panel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _View(Protocol):
    def changed(self, story: Story, milestones: list[Milestone], now: float) -> None: ...
    def warned(self, text: str) -> None: ...
    def saw(self, story: Story, before: Now | None) -> None: ...
    def close(self, story: Story) -> None: ...


class _Lines:
    """Plain lines. A stream that breaks ends them: a closed pipe is no reason to stop a robot."""

    def __init__(self, title: str, stream: TextIO):
        self._stream = stream
        self._last: float | None = None
        self._broken = False
        self._say(title)

    def changed(self, story: Story, milestones: list[Milestone], now: float) -> None:
        for milestone in milestones:
            self._say(f"milestone: {milestone.said(story.get('robot/minutes'))}")
        if self._last is None or now - self._last >= _PLAIN_EVERY:
            self._last = now
            self._say(plain.line(story))

    def warned(self, text: str) -> None:
        self._say(f"warning: {one_line(text)}")

    def saw(self, story: Story, before: Now | None) -> None:
        now = story.now
        if now is None or before is None:
            return
        if now.last_hand != before.last_hand:
            self._say(one_line(now.last_hand))
        if now.stopped != before.stopped:
            self._say(one_line(f"robot stopped: {now.stopped}") if now.stopped else "robot obeys again")

    def close(self, story: Story) -> None:
        if story.metrics:
            self._say(plain.line(story))

    def _say(self, line: str) -> None:
        if self._broken:
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: written to after it was closed
            self._broken = True
            _log.warning("the progress lines stop, their stream is gone: %s", error)


def _live(title: str, story: Story, lock: threading.Lock, stream: TextIO) -> _View | None:
    """The live panel, or None where rich is not installed or the terminal can only do lines."""
    try:
        from daydreamer.monitor import live
    except ImportError:
        _log.info("rich is not installed: plain lines in place of the live panel")
        return None
    return live.LiveView(title, story, lock, stream) if live.is_able(stream) else None

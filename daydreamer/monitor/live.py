"""The panel that redraws itself, over rich. Imported only where rich is installed."""

from __future__ import annotations

import logging
import threading
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live

from daydreamer.monitor import screen
from daydreamer.monitor.now import Now
from daydreamer.monitor.stages import Milestone
from daydreamer.monitor.story import Story

_log = logging.getLogger(__name__)
_FRAMES_PER_SECOND = 2.0  # enough for a person, and too little work for a learner beside it to feel
_LAST_ROWS = 40  # of the state left behind, which scrolls and so need not fit the window


class LiveView:
    """Draws the story on the terminal's second screen, from a thread of rich's.

    The second screen is redrawn as a whole, which is what makes it survive a resize; the shell's own text is
    still there afterwards.

    Args:
        title: Shown in the frame.
        story: What to draw; read under ``lock``.
        lock: Held by whoever changes the story.
        stream: The terminal.
    """

    def __init__(self, title: str, story: Story, lock: threading.Lock, stream: TextIO):
        self._title, self._story, self._lock = title, story, lock
        self._console = Console(file=stream, force_terminal=True, highlight=False)
        # rich's own capture of stdout and stderr is off: other parts of the program own those.
        self._live = Live(
            self, console=self._console, screen=True, refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._live.start()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """One frame for the size that the terminal has now."""
        height = console.height if console.is_alt_screen else _LAST_ROWS
        with self._lock:
            yield screen.draw(self._story, self._title, options.max_width, height)

    def changed(self, story: Story, milestones: list[Milestone], now: float) -> None:
        """Nothing: the next frame shows it."""

    def warned(self, text: str) -> None:
        """Nothing: the next frame shows it."""

    def saw(self, story: Story, before: Now | None) -> None:
        """Nothing: the next frame shows it."""

    def close(self, story: Story) -> None:
        """Go back to the shell's screen and leave the last frame there."""
        try:
            self._live.stop()
            self._console.print(self)
        except OSError as error:  # the terminal window was closed
            _log.warning("the panel's terminal is gone: %s", error)


def is_able(stream: TextIO) -> bool:
    """False for a terminal that cannot move its cursor (TERM=dumb) or cannot show the blocks of a curve."""
    console = Console(file=stream, force_terminal=True)
    return not console.is_dumb_terminal and console.encoding.startswith("utf")

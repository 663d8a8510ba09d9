"""Single keys from a terminal, without Enter; given back as it was found, whatever happens."""

from __future__ import annotations

import atexit
import logging
import os
import re
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

_log = logging.getLogger(__name__)

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O[ -~])?")  # what arrows and function keys send
_LOOK_EVERY = 0.2  # s between two looks at whether the terminal is ours


class Keys:
    """While entered: calls ``pressed`` with each character typed, in a thread of its own.

    Ctrl-C and Ctrl-Z do what they always do. Where there is no terminal, or it belongs to another program (as when
    this one runs in the background), nothing is read and nothing is changed. Arrows and function keys are left
    out: none of them may start a robot by an accident of the letters that it sends.

    Args:
        pressed: Must not wait.
        stream: The terminal's input.
    """

    def __init__(self, pressed: Callable[[str], None], stream: TextIO | None = None):
        self._pressed = pressed
        self._stream = stream or sys.stdin
        self._descriptor = -1
        self._before: list[Any] | None = None
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Keys:
        try:
            if self._stream.isatty():
                self._descriptor = self._stream.fileno()
        except (OSError, ValueError):  # closed, or no file behind it
            return self
        if self._descriptor >= 0:
            atexit.register(self._give_back)
            self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(5 * _LOOK_EVERY)
        self._give_back()
        atexit.unregister(self._give_back)

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                if not self._take():
                    self._ending.wait(_LOOK_EVERY)
                elif select.select([self._descriptor], [], [], _LOOK_EVERY)[0] and self._is_ours():
                    data = os.read(self._descriptor, 1024)
                    if not data:
                        return
                    self._type(data.decode(errors="ignore"))
        except (OSError, termios.error) as error:  # the window was closed
            _log.info("the terminal is gone, and its keys: %s", error)

    def _type(self, text: str) -> None:
        for key in _ESCAPES.sub("", text):
            self._pressed(key)

    def _is_ours(self) -> bool:
        """Whether this program is the one that the terminal listens to; another one must not touch it."""
        return os.tcgetpgrp(self._descriptor) == os.getpgrp()

    def _take(self) -> bool:
        """See to it that single keys come, also after a Ctrl-Z and fg, where the shell sets lines again."""
        if not self._is_ours():
            return False
        now = termios.tcgetattr(self._descriptor)
        if now[3] & termios.ICANON:
            self._before = now
            tty.setcbreak(self._descriptor, termios.TCSANOW)
        return True

    def _give_back(self) -> None:
        before, self._before = self._before, None
        try:
            if before is not None and self._is_ours():
                termios.tcsetattr(self._descriptor, termios.TCSANOW, before)
        except (OSError, termios.error) as error:
            _log.info("the terminal could not be given back: %s", error)

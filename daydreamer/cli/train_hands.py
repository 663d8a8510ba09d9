"""Between the keys of the panel and the actor's console: each key is a hand, and the panel shows what it says."""

from __future__ import annotations

import getpass
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.telemetry import Telemetry
from daydreamer.monitor.alarms import ROBOT_SILENT
from daydreamer.monitor.now import KEYS, QUIT, Now
from daydreamer.monitor.terminal import Panel
from daydreamer.runtime.robot_facts import robot_facts
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_file import NAME, has_ended

_HZ = 5.0  # telemetry: more than the panel draws


class TrainHands:
    """Follows the console of the actor whose directory is ``actor``, also when it comes back on another port.

    ``clock`` is monotonic seconds.
    """

    def __init__(self, actor: Path, panel: Panel, clock: Callable[[], float] = time.monotonic):
        self._panel, self._clock, self._file = panel, clock, actor / NAME
        self._newest: tuple[Telemetry, float] | None = None  # and when it was heard
        self._client = ConsoleClient(self._file, hz=_HZ, viewer="terminal")
        self._operator = _operator()
        self._quit = False

    def __enter__(self) -> TrainHands:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def quit(self) -> str | None:
        """The reason to stop once someone has pressed q."""
        return "q was pressed" if self._quit else None

    def show(self) -> None:
        """Bring the panel up to date."""
        latest = self._client.latest()
        if latest is not None and (self._newest is None or latest is not self._newest[0]):
            self._newest = latest, self._clock()
        self._panel.see(
            None if latest is None else now_of(latest), self._client.problem or "waiting for the robot"
        )

    def facts(self) -> dict[str, Any]:
        """What the robot adds to the facts that alarms look at, as ``show`` saw it last; nothing once it has ended."""
        if self._newest is None:
            return {}
        telemetry, heard = self._newest
        age = self._clock() - heard + telemetry.age
        if age >= ROBOT_SILENT and has_ended(self._file):
            return {}
        return robot_facts([(age, telemetry)])

    def press(self, key: str) -> None:
        """Act on a key; returns at once. A stop never waits for a wish before it."""
        if key == QUIT:
            self._quit = True
            self._panel.ask("quitting: the robot damps, the learner writes a last checkpoint")
        elif key in KEYS:
            threading.Thread(target=self._send, args=(KEYS[key],), name="hand", daemon=True).start()

    def _send(self, wish: str) -> None:
        words = wish.replace("_", " ")
        self._panel.ask(f"{words}: asked")
        try:
            self._client.send(wish, self._operator)
        except DaydreamerError as error:
            self._panel.ask(f"{words}: {error}")


def now_of(telemetry: Telemetry) -> Now:
    """What the panel shows of it."""
    return Now(
        activity=telemetry.activity,
        mode=telemetry.mode,
        stopped=telemetry.stopped,
        last_hand=telemetry.last_hand,
        faults=telemetry.faults,
        estop=telemetry.estop,
        up=telemetry.up,
        speed=float(telemetry.velocity_heading[0]),
        reward=telemetry.reward,
        policy_version=telemetry.policy_version,
        policy_age=telemetry.policy_age,
        connected=telemetry.link.get("connected", 0.0) > 0,
        unacked=int(telemetry.link.get("unacked", 0)),
        late=telemetry.times.get("late", float("nan")),
        warmest=float(telemetry.temperature.max(initial=float("-inf"))),
        age=telemetry.age,
        **{name: int(telemetry.counts.get(name, 0)) for name in ("set_by_hand", "stops", "good", "bad")},
    )


def _operator() -> str:
    """Who sits at this terminal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "terminal"

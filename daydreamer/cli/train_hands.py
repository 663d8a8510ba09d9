"""Between the keys of the panel and the actor's console: each key is a hand, and the panel shows what it says."""

from __future__ import annotations

import getpass
import threading
import time
from collections.abc import Callable
from typing import Any

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.telemetry import Telemetry
from daydreamer.monitor.alarms import ROBOT_SILENT
from daydreamer.monitor.now import KEYS, QUIT, Now
from daydreamer.monitor.terminal import Panel
from daydreamer.runtime.robot_facts import robot_facts
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.wanted_file import put_aside
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_file import NAME, has_ended

_HZ = 5.0  # telemetry: more than the panel draws
_STOP = "damp"
_TAKES, _AGAIN = 2.0, 0.1  # s for the word that a stop was received, and until it is sent again


class TrainHands:
    """Follows the console of the actor ``name`` in ``run_dir``, also when it comes back on another port.

    ``clock`` is monotonic seconds.
    """

    def __init__(
        self, run_dir: RunDir, panel: Panel, clock: Callable[[], float] = time.monotonic, name: str = "actor"
    ):
        self._panel, self._clock, self._file = panel, clock, run_dir.actor(name) / NAME
        self._wishes = run_dir.wishes(name)
        self._newest: tuple[Telemetry, float] | None = None  # and when it was heard
        self._client = ConsoleClient(self._file, hz=_HZ, viewer="terminal")
        self._operator = _operator()
        self._quit = False
        self._stops = 0  # presses of stop
        self._closed = threading.Event()

    def __enter__(self) -> TrainHands:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
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
        elif KEYS.get(key) == _STOP:
            self._stops += 1
            threading.Thread(target=self._stop, args=(self._stops,), name="stop", daemon=True).start()
        elif key in KEYS:
            threading.Thread(target=self._send, args=(KEYS[key],), name="hand", daemon=True).start()

    def _stop(self, mine: int) -> None:
        """Until it is received: the actor may be between two lives. Of several presses the newest goes on.

        What nobody receives is written down first: a life that begins after that damps, one from before hears the next.
        """
        self._panel.ask(f"{_STOP}: asked")
        failed = False
        while mine == self._stops and not self._closed.is_set():
            try:
                self._client.send(_STOP, self._operator, _TAKES)
            except DaydreamerError as error:
                failed = True
                self._panel.ask(f"STOP NOT DELIVERED, trying. USE THE E-STOP. {self._put_aside()} ({error})")
                self._closed.wait(_AGAIN)
            else:
                if failed:
                    self._panel.ask(f"{_STOP}: received")
                return

    def _put_aside(self) -> str:
        try:
            put_aside(self._wishes)
        except OSError as error:
            return f"It is not kept for the actor's next life: {error}"
        return "The actor's next life damps until someone resumes"

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

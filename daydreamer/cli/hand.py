"""``daydreamer hand``: pause, lay down, stop or reset a robot from a shell, a script, or a service's stop command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from daydreamer.core.telemetry import Telemetry
from daydreamer.monitor.now import HANGS
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.wanted_file import put_aside
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_file import has_ended
from daydreamer.transport.console_messages import HandRefused
from daydreamer.transport.link import LinkError
from robots.clock import Clock, MonotonicClock

_STILL = 0.3  # rad/s of the fastest joint, for ...
_STILL_FOR = 1.0  # s ...
_LYING_TAKES = 2.0  # s from the wish on, the scripted motion with some to spare


@dataclass(frozen=True)
class Hand:
    """Give the actor of a run a wish, and say what came of it.

    pause, resume: hold the pose, go on. lie_down: lie down by script, then damp; waits until the robot is still.
    damp: stop at once, until a reset; where nobody answers, the actor's next life damps until someone resumes. reset:
    let it move again, after someone looked at it (--operator). mark_good, mark_bad: note this moment. mark_reset: note
    that someone set the robot anew by hand. Works on the actor's own computer, for the user who runs it. Exit code 2:
    it was refused, came to nothing, or nobody answered.
    """

    wish: Annotated[
        Literal["pause", "resume", "lie_down", "damp", "reset", "mark_good", "mark_bad", "mark_reset"],
        tyro.conf.Positional,
    ]
    run_directory: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="of the actor")]
    name: Annotated[str, tyro.conf.arg(help="of the actor")] = "actor"
    operator: Annotated[str, tyro.conf.arg(help="who wishes it; a reset needs it")] = ""
    wait: Annotated[float, tyro.conf.arg(metavar="S", help="seconds at most, for what comes of it")] = 10.0

    def run(self) -> int:
        """Wish and watch; exit code 2 when it was refused, came to nothing, or nobody answered."""
        actor = RunDir(self.run_directory).actor(self.name)
        if self.wish != "damp" and has_ended(actor):  # a stop is kept for the next life
            raise HandRefused(
                f"the actor has ended and its robot is damped: nobody hears '{self.wish}' until it is started again"
            )
        with ConsoleClient(actor, hz=20.0, viewer="command line") as client:
            before = client.latest(2.0)
            self._send(client)
            last = follow(client, self.wish, before, self.wait, MonotonicClock())
        if last is None:
            raise HandRefused("the wish was received, and then the actor fell silent: look at the robot")
        told = is_told(before, last)
        print(last.last_hand if told else f"the robot does not say what came of it, within {self.wait:g} s")
        print(f"now: {last.activity}, {last.stopped or last.mode}")
        done = not in_vain(self.wish, last) if told else last.age < HANGS and is_so(self.wish, last)
        return 0 if done else 2

    def _send(self, client: ConsoleClient) -> None:
        """Once. A stop that nobody received is written down, then sent again, for a life that began before that.

        Raises:
            LinkError: nobody received it; of a stop the text says what is kept.
        """
        try:
            client.send(self.wish, self.operator)
        except LinkError as error:
            if self.wish != "damp":
                raise
            try:
                put_aside(RunDir(self.run_directory).wishes(self.name))
                kept = "It is kept for the actor's next life, which damps until someone resumes"
            except OSError as refused:
                kept = f"It is not kept for the actor's next life either: {refused}"
            try:
                client.send(self.wish, self.operator)
            except LinkError:
                raise LinkError(f"NOBODY CONFIRMED THE STOP: use the e-stop. {kept}. {error}") from error


def is_told(before: Telemetry | None, after: Telemetry) -> bool:
    """Whether ``after`` tells of a hand that ``before`` does not; of two marks of one row only the counts differ.

    Where nothing was heard before, what is heard now may be of an earlier hand, and tells nothing.
    """
    return before is not None and (before.last_hand, before.counts) != (after.last_hand, after.counts)


def is_so(wish: str, now: Telemetry) -> bool:
    """Whether the robot is as ``wish`` would have it, whoever made it so. Of a mark nothing but its count shows."""
    aside = now.activity in ("paused", "lying down")
    stopped = bool(now.stopped)
    return {
        "damp": stopped,
        "reset": not stopped,
        "resume": not (stopped or aside),
        "pause": stopped or aside,
        "lie_down": stopped or now.activity == "lying down",
    }.get(wish, False)


def in_vain(wish: str, after: Telemetry) -> bool:
    """Whether the control loop did not do what was wished, and it was not so already."""
    effect = after.last_hand.partition(": ")[2]
    if effect.startswith("nothing"):
        return wish.startswith("mark") or (wish in ("resume", "reset") and bool(after.stopped))
    return effect.startswith("refused")


def follow(
    client: ConsoleClient, wish: str, before: Telemetry | None, seconds: float, clock: Clock
) -> Telemetry | None:
    """The telemetry that shows what came of ``wish``, or the newest after ``seconds``; None: nothing was heard."""
    began = still_since = clock.now()
    newest: Telemetry | None = None
    while clock.now() - began < seconds:
        newest = client.latest(0.2)
        now = clock.now()
        if newest is None:
            continue
        if np.abs(newest.joint_vel).max(initial=0.0) > _STILL:
            still_since = now
        if wish == "lie_down":
            lies = newest.activity == "lying down" and now - began > _LYING_TAKES
            if newest.stopped or (lies and now - still_since > _STILL_FOR):
                break
        elif is_told(before, newest):
            break
    return newest

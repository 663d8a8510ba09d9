"""``daydreamer hand``: pause, lay down, stop or reset a robot from a shell, a script, or a service's stop command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from daydreamer.core.telemetry import Telemetry
from daydreamer.runtime.run_dir import RunDir
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_messages import HandRefused
from robots.clock import Clock, MonotonicClock

_STILL = 0.3  # rad/s of the fastest joint, for ...
_STILL_FOR = 1.0  # s ...
_LYING_TAKES = 2.0  # s from the wish on, the scripted motion with some to spare


@dataclass(frozen=True)
class Hand:
    """Give the actor of a run a wish, and say what came of it.

    pause, resume: hold the pose, go on. lie_down: lie down by script, then damp; waits until the robot is still.
    damp: stop at once, until a reset. reset: let it move again, after someone looked at it (--operator). mark_good,
    mark_bad: note this moment. mark_reset: note that someone set the robot anew by hand. Works on the
    actor's own computer, for the user who runs it. Exit code 2: it was refused, came to nothing, or nobody answered.
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
        with ConsoleClient(actor, hz=20.0, viewer="command line") as client:
            before = client.latest(2.0)
            client.send(self.wish, self.operator)
            last = follow(client, self.wish, before, self.wait, MonotonicClock())
        if last is None:
            raise HandRefused("the wish was received, and then the actor fell silent: look at the robot")
        print(last.last_hand)
        print(f"now: {last.activity}, {last.stopped or last.mode}")
        return 2 if in_vain(self.wish, last) else 0


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
    told = before.last_hand if before is not None else ""
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
        elif newest.last_hand != told:
            break
    return newest

"""``daydreamer doctor``: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import daydreamer
from daydreamer.cli.options import KeysDir
from daydreamer.doctor.check import Check, Level, summary, table

CANNOT = 2  # exit code when there is a problem


@dataclass(frozen=True)
class Doctor:
    """Look at this computer, and at the robot and the learner that are named, and say what to do about what is wrong.

    ok: fine. note: works, or is needed by some only. PROBLEM: something that was asked about will not work; then the
    exit code is 2. An A1 (--robot a1) is sent damping commands for a second, nothing else: let it lie on its belly.
    """

    robot: Annotated[
        str | None,
        tyro.conf.arg(metavar="NAME", help="a1, a1-sdk, a1-emulated, a1-sim, fake; none: no robot"),
    ] = None
    host: Annotated[str | None, tyro.conf.arg(help="of an A1 that is not at its usual address")] = None
    port: Annotated[int | None, tyro.conf.arg(help="of that A1")] = None
    learner: Annotated[
        str | None, tyro.conf.arg(metavar="HOST:PORT", help="a learner to shake hands with, and its clock")
    ] = None
    keys: KeysDir = None
    name: Annotated[str, tyro.conf.arg(help="of the actor whose key it is")] = "actor"
    logdir: Annotated[Path, tyro.conf.arg(metavar="DIR", help="where a run would be, for its disk")] = Path(
        "."
    )
    json: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="one JSON object in place of the table")
    ] = False

    def run(self) -> int:
        """Check and print; 2 when there is a problem, else 0."""
        checks = list(self._checks())
        able = abilities(checks)
        if self.json:
            print(
                json.dumps(
                    {"version": daydreamer.__version__, "can": able, "checks": [c.plain() for c in checks]}
                )
            )
        else:
            print(f"daydreamer {daydreamer.__version__} on {platform.node()}, {platform.platform()}\n")
            print(table(checks))
            print()
            for what, can in able.items():
                print(f"this computer {'can' if can else 'can NOT'} {what}")
            print(f"\n{summary(checks)}")
        return CANNOT if any(check.level is Level.PROBLEM for check in checks) else 0

    def _checks(self) -> Iterator[Check]:
        from daydreamer.doctor import computer, software

        yield from software.checks()
        yield from computer.checks(self.logdir)
        if self._has_zmq():
            yield from self._around()
        if self.robot is not None:
            from daydreamer.doctor import robot

            yield from robot.checks(self.robot, self.host, self.port)

    def _around(self) -> Iterator[Check]:
        """Ports, keys, and the learner."""
        from daydreamer.doctor import keys, network
        from daydreamer.transport.address import Address
        from daydreamer.transport.auth import load_actor_keys

        yield from network.ports()
        usable = None
        if self.keys is not None:
            found = keys.checks(self.keys, self.name)
            yield from found
            if any(check.name == self.name and check.level is Level.OK for check in found):
                usable = load_actor_keys(self.keys, self.name)
        if self.learner is not None:
            reached = network.learner(self.learner, usable)
            yield reached
            if reached.level is Level.OK and not (target := Address.parse(self.learner)).is_loopback:
                yield network.clock_skew(target.host)

    def _has_zmq(self) -> bool:
        from importlib.util import find_spec

        return find_spec("zmq") is not None


def abilities(checks: list[Check]) -> dict[str, bool]:
    """What this computer can do, by what was found in it."""
    fine = {check.name: check.level is Level.OK for check in checks if check.group == "software"}
    act = fine.get("actor's packages", False)
    return {
        "run an actor": act,
        "run a learner": act and fine.get("learner", False),
        "simulate an A1": act and fine.get("sim", False),
        "encrypt its link": fine.get("encryption", False),
    }

"""``daydreamer bench faults``: a real actor and a real learner, hurt in every way we know, and the ledger."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from daydreamer.cli.options import check_positive, check_seed
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.transition import row_spec
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.runtime.supervise import this_program
from robots.program import program

if TYPE_CHECKING:  # every `daydreamer COMMAND` reads this file, and none but one needs these
    from daydreamer.runtime.faults.bench import Outcome

PRESET = "fake-tiny"
HZ = 100.0  # rows a second
PRELOADED = (  # a restart is measured without the seconds that these take to import
    "daydreamer.cli.main", "daydreamer.cli.fault_actor", "daydreamer.agents.dreamer.agent",
    "daydreamer.runtime.learner", "daydreamer.runtime.policy", "daydreamer.monitor.writers",
    "torch.utils.tensorboard", "torch._dynamo", "torch._inductor", "sympy", "onnx",
)  # fmt: skip
CHANGES = (
    f"hz={HZ:g}",
    "learner.slack=200",
    "learner.train_ratio=0.25",  # the disk and the link are tested, not the learning
    "learner.capacity=20000000",  # no row may be dropped as too old
    "learner.checkpoint_every=2",
)


@dataclass(frozen=True)
class FakeRobotCommands:
    """What the stage starts: a robot without physics at 100 Hz in real time, and the smallest agent."""

    room: int  # rows for one life of an actor

    def learner(self, logdir: Path, port: int) -> list[str]:
        """``daydreamer learner``."""
        where = ["--logdir", str(logdir), "--bind", f"127.0.0.1:{port}"]
        changes = [word for change in CHANGES for word in ("--set", change)]
        return this_program("learner", "--preset", PRESET, "--speed", "realtime", *where, *changes)

    def actor(
        self, logdir: Path, port: int, journals: Path, clocks: Path, other_schema: bool = False
    ) -> list[str]:
        """The actor with a journal."""
        options = {"logdir": logdir, "connect": f"127.0.0.1:{port}", "journals": journals, "clocks": clocks}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        words += ["--room", str(self.room), "--preset", PRESET, "--set", *CHANGES]
        schema = ["--other-schema"] if other_schema else []
        return program("daydreamer.cli.fault_actor", *words, *schema)


@dataclass(frozen=True)
class Faults:
    """Hurt a real actor and a real learner in every way we know, and count every row.

    The robot is a fake one at 100 Hz in real time. One fault after the other comes from a seeded schedule, each
    when the one before is over; processes are killed and stopped, the line between them is cut, slowed, reset,
    disks run full, files are torn, clocks jump, and people make mistakes. At the end stands the ledger: rows
    produced, acknowledged, stored, lost, doubled. Exit code 1 when a row is lost or doubled, or something hangs or
    ends by itself. It lasts longer than --minutes where that is what it takes to exercise every kind of fault
    once for every two minutes. Two small disks are mounted, where that is permitted.
    """

    minutes: Annotated[float, tyro.conf.arg(metavar="M", help="how long")] = 10.0
    seed: Annotated[int, tyro.conf.arg(help="of the schedule")] = 0
    kind: Annotated[
        tuple[str, ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(
            metavar="KIND", help="only this kind of fault; repeatable. The printed table names all"
        ),
    ] = ()
    keep: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help="a new directory for logs; none: they go at the end")
    ] = None
    json: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="print one JSON object on standard output")
    ] = False

    def run(self) -> int:
        """Inject, count, print."""
        check_seed(self.seed)
        check_positive(minutes=self.minutes)
        from daydreamer.runtime.faults.bench import table
        from daydreamer.runtime.faults.kinds import KINDS

        if unknown := sorted(set(self.kind) - set(KINDS)):
            raise DaydreamerError(f"expected kinds of {', '.join(KINDS)}; got {', '.join(unknown)}")
        if self.keep is not None and self.keep.exists():
            raise DaydreamerError(f"{self.keep} exists: name a new directory")
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
        logging.getLogger("asyncio").setLevel(
            logging.ERROR
        )  # it warns of every connection that the proxy resets
        with StopSignals() as stop, tempfile.TemporaryDirectory(prefix="daydreamer-faults-") as scratch:
            outcome = perform(
                self.keep or Path(scratch), self.minutes, self.seed, stop, self.kind or tuple(KINDS)
            )
            numbers = {"seed": self.seed, "minutes": self.minutes, **outcome.numbers()}
            print(json.dumps(numbers) if self.json else "\n".join(["", *table(numbers)]))
            for trouble in [*outcome.hangs, *outcome.crashes]:
                print(trouble, file=sys.stderr)
            return stop.exit_code or int(not outcome.passed)


def perform(root: Path, minutes: float, seed: int, stop: StopSignals, kinds: Sequence[str]) -> Outcome:
    """The bench on a stage in ``root``; what it says goes to standard error."""
    from daydreamer.presets import build
    from daydreamer.presets.registry import load
    from daydreamer.runtime.faults.bench import FaultBench
    from daydreamer.runtime.faults.nursery import Nursery
    from daydreamer.runtime.faults.stage import Stage
    from daydreamer.web.beside import free_port

    preset = load(PRESET, CHANGES)
    env = build.make_env(preset)
    room = int((minutes + 30) * 60 * HZ)
    nursery = Nursery(PRELOADED, root / "logs" / "nursery.log")
    stage = Stage(root, free_port("127.0.0.1", 0), FakeRobotCommands(room), nursery.start)
    try:
        bench = FaultBench(
            stage,
            row_spec(env.obs_spec, env.act_spec),
            build.terms(preset),
            seed,
            lambda line: print(line, file=sys.stderr, flush=True),
            kinds,
        )
        return bench.run(minutes, stop)
    finally:
        stage.close()
        nursery.close()

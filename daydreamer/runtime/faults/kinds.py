"""Every kind of fault: what it does, for how long, and how it ends. What comes after is the bench's to measure."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

from daydreamer.core.errors import Corrupt
from daydreamer.core.record_log import FRAME_SIZE, survey
from daydreamer.runtime.faults.stage import ANSWER, Hang, Program, Stage, signal_program

Fault = Callable[[Stage, random.Random], None]

STOPPED = (0.5, 4.0)  # s that a process stands still, on both sides of the 3 s after which it counts as dead
CUT = (0.5, 5.0)  # s
LATE = (0.3, 2.0)  # s
THROTTLE = 50_000.0  # bytes/s
FULL = (1.0, 2.5)  # s


def kill_actor(stage: Stage, rng: random.Random) -> None:
    """SIGKILL the actor; start it again."""
    stage.kill(stage.actor)
    stage.start(stage.actor)


def kill_learner(stage: Stage, rng: random.Random) -> None:
    """SIGKILL the learner; start it again."""
    stage.kill(stage.learner)
    stage.start(stage.learner)


def stop_actor(stage: Stage, rng: random.Random) -> None:
    """SIGSTOP, then SIGCONT."""
    _stop(stage, stage.actor, rng)


def stop_learner(stage: Stage, rng: random.Random) -> None:
    """SIGSTOP, then SIGCONT."""
    _stop(stage, stage.learner, rng)


def link_drop(stage: Stage, rng: random.Random) -> None:
    """The cable is pulled, and plugged in again."""
    stage.proxy.hold(up=True, down=True)
    stage.sleep(rng.uniform(*CUT))
    stage.proxy.heal()


def link_half_open(stage: Stage, rng: random.Random) -> None:
    """One direction only."""
    up = rng.random() < 0.5
    stage.proxy.hold(up=up, down=not up)
    stage.sleep(rng.uniform(*CUT))
    stage.proxy.heal()


def link_delay(stage: Stage, rng: random.Random) -> None:
    """All that is said comes late."""
    stage.proxy.delay(rng.uniform(*LATE))
    stage.sleep(rng.uniform(1.0, 3.0))
    stage.proxy.heal()


def link_throttle(stage: Stage, rng: random.Random) -> None:
    """A slow line: 50 kB/s."""
    stage.proxy.throttle(THROTTLE)
    stage.sleep(rng.uniform(1.0, 3.0))
    stage.proxy.heal()


def link_reset(stage: Stage, rng: random.Random) -> None:
    """A firewall resets the connection."""
    stage.proxy.reset()


def link_truncate(stage: Stage, rng: random.Random) -> None:
    """Half a message, and the connection is gone."""
    stage.proxy.truncate()
    stage.sleep(0.3)


def link_duplicate(stage: Stage, rng: random.Random) -> None:
    """The learner sees the actor's connection twice, with the same words."""
    stage.proxy.reset()
    stage.wait_flow()
    stage.proxy.duplicate()
    stage.sleep(rng.uniform(0.2, 1.0))


def disk_full_actor(stage: Stage, rng: random.Random) -> None:
    """No room for the spool."""
    stage.actor_disk.fill()
    stage.sleep(rng.uniform(*FULL))
    stage.actor_disk.free()


def disk_full_learner(stage: Stage, rng: random.Random) -> None:
    """No room for the replay, nor for checkpoints, metrics, events."""
    stage.learner_disk.fill()
    stage.sleep(rng.uniform(*FULL))
    stage.learner_disk.free()


def clock_jump(stage: Stage, rng: random.Random) -> None:
    """The actor's wall clock is set, back or forth, and its monotonic clock leaps, as after a suspend."""
    wall, leap = rng.uniform(-7200, 7200), rng.uniform(2.0, 60.0)
    stage.clocks.shift(wall, stage.clocks.shifted[1] + leap)


def torn_spool(stage: Stage, rng: random.Random) -> None:
    """SIGKILL in the middle of a write to the actor's spool."""
    stage.kill(stage.actor)
    logs = sorted(stage.spool(stage.actor).glob("*/*.log"), key=lambda path: path.stat().st_mtime)
    if logs:
        _half_a_record(logs[-1], rng)
    stage.start(stage.actor)


def torn_replay(stage: Stage, rng: random.Random) -> None:
    """SIGKILL of the learner, and its newest segment is cut at a random byte, as far back as the actor can help."""
    stage.kill(stage.learner)
    stage.proxy.reset()  # no acknowledgement is under way any more
    stage.sleep(0.2)
    stage.find_lives()
    _cut_replay(stage, rng)
    stage.start(stage.learner)


def wrong_logdir(stage: Stage, rng: random.Random) -> None:
    """The learner is started on another directory by mistake, takes rows, and is set right."""
    stage.end(stage.learner)
    stage.start(stage.other_learner)
    try:
        stage.wait_flow()
    finally:
        stage.end(stage.other_learner)
        stage.start(stage.learner)


def same_name(stage: Stage, rng: random.Random) -> None:
    """A second actor with the same name, elsewhere, for a while."""
    stage.start(stage.twin)
    stage.find_lives()
    count = len(stage.twin.lives)

    def twin_flows() -> bool:
        stage.find_lives()
        return len(stage.twin.lives) > count and stage.twin.lives[-1].journal.acked > 0

    try:
        stage.until(twin_flows, ANSWER, "the second actor of the same name gets its rows through")
    finally:
        stage.end(stage.twin)


def other_schema(stage: Stage, rng: random.Random) -> None:
    """An actor whose rows have another spec: it is told, and ends with exit code 2."""
    stage.start(stage.stranger)
    code = stage.wait_end(stage.stranger, ANSWER)
    if code != 2:
        raise Hang(f"an actor with another row spec was to end with exit code 2, and ended with {code}")


KINDS: dict[str, Fault] = {
    function.__name__.replace("_", "-"): function
    for function in (
        kill_actor, kill_learner, stop_actor, stop_learner, link_drop, link_half_open, link_delay, link_throttle,
        link_reset, link_truncate, link_duplicate, disk_full_actor, disk_full_learner, clock_jump, torn_spool,
        torn_replay, wrong_logdir, same_name, other_schema,
    )
}  # fmt: skip


def _stop(stage: Stage, program: Program, rng: random.Random) -> None:
    signal_program(program, signal.SIGSTOP)
    stage.sleep(rng.uniform(*STOPPED))
    signal_program(program, signal.SIGCONT)


def _half_a_record(path: Path, rng: random.Random) -> None:
    """What a kill in the middle of a write leaves: the first bytes of a record that is good."""
    found = survey(path)
    data = path.read_bytes()
    frame = data[found.valid_size - FRAME_SIZE - len(found.records[-1]) :] if found.records else bytes(64)
    with open(path, "ab") as file:
        file.write(frame[: rng.randrange(1, len(frame))])


def _cut_replay(stage: Stage, rng: random.Random) -> None:
    """Cut the newest segment of the actor's present stream; rows that the actor has forgotten are left alone."""
    if not stage.actor.lives:
        return
    stream = stage.actor.lives[-1].journal.stream
    logs = sorted((stage.spool(stage.actor) / stream).glob("*.log"))
    for path in sorted((stage.root / "learner" / "replay").glob("*.rows"), reverse=True):
        try:
            found = survey(path)
        except Corrupt:
            continue
        if f'"{stream}"'.encode() not in found.header or not found.records:
            continue
        frame = FRAME_SIZE + len(found.records[0])
        first = int(found.header.split(b'"first_seq": ')[1].split(b",")[0])
        kept = int(logs[0].stem) if logs else first + len(found.records)
        least = found.valid_size - frame * max(0, len(found.records) - max(0, kept - first))
        os.truncate(path, rng.randint(least, path.stat().st_size))
        return

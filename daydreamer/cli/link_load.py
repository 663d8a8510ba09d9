"""``daydreamer bench link``: rows, round trips and policies over the link, beside the same bytes over bare ZeroMQ.

Actors are processes of their own, the learner's end is this one, all on loopback. What is measured:

- rows per second from the first ``send`` to the last acknowledgement, "received": acknowledged as soon as they are
  received; "durable": stored in a replay, synced, then acknowledged;
- beside each "received", in the same run, an echo of as many rows over a bare DEALER and ROUTER with as many in
  flight: one row in a message (``echo``), and as many as the link puts into one (``echo_batched``);
- the ratios of these, in wall time, and in processor time of both sides, which other jobs disturb less;
- the time from a ``send`` to its acknowledgement, of rows that come 50 ms apart, as a robot's do; and from
  ``publish`` to a policy that is here and checked.
"""

from __future__ import annotations

import multiprocessing as mp
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from daydreamer.cli.link_workers import PATIENCE, Job, work
from daydreamer.cli.measures import rows_of
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.specs import ArraySpec, Specs
from daydreamer.core.transition import FLAGS
from daydreamer.presets.preset import Preset
from daydreamer.replay import Replay
from daydreamer.transport.auth import load_learner_keys, new_keys
from daydreamer.transport.learner_link import LearnerLink
from daydreamer.transport.link import PolicyMessage
from daydreamer.transport.row_codec import RowCodec

ROUNDS = 3  # of each rate, one after the other; medians are told
DELIVERIES = 5  # of a policy; the median is told
IMAGES: Specs = {"image": ArraySpec((64, 64, 3), "uint8"), **FLAGS}


def link_load(
    preset: Preset, seconds: float, actors: tuple[int, ...], policy_mb: tuple[int, ...]
) -> Iterator[tuple[str, float]]:
    """Numbers by name. ``seconds``: about how long each measurement lasts on an idle computer."""
    turns = max(10, int(100 * seconds))
    with tempfile.TemporaryDirectory() as scratch, _Bench(Path(scratch), max(actors)) as bench:
        for name, specs, rate in (("robot", rows_of(preset), 15_000), ("image", IMAGES, 3_000)):
            row_bytes = RowCodec(specs).row_bytes
            batch = max(1, min(64, 256 * 1024 // row_bytes))
            yield f"{name}_row_bytes", float(row_bytes)
            for wire, keys in (("plain", None), ("curve", bench.keys)):
                for count in actors:
                    each, prefix = max(64, int(rate * seconds / ROUNDS)) // count, f"{name}_{wire}_{count}"
                    found = [
                        (
                            bench.rows(specs, count, each, keys, durable=True),
                            bench.rows(specs, count, each, keys, durable=False),
                            bench.echo(specs, count, each, keys, 1),
                            bench.echo(specs, count, each, keys, batch),
                        )
                        for _ in range(ROUNDS)
                    ]
                    rates = np.array(found)  # [round, durable | received | echo | batched, wall | processor]
                    durable, received, echo, batched = np.median(rates, axis=0)[:, 0]
                    ratio, ratio_batched = (
                        np.median(rates[:, 1] / rates[:, other], axis=0) for other in (2, 3)
                    )
                    yield f"{prefix}_durable_rows_per_s", durable
                    yield f"{prefix}_received_rows_per_s", received
                    yield f"{prefix}_received_mb_per_s", received * row_bytes / 1e6
                    yield f"{prefix}_echo_rows_per_s", echo
                    yield f"{prefix}_echo_batched_rows_per_s", batched
                    yield f"{prefix}_ratio_wall", ratio[0]
                    yield f"{prefix}_ratio_processor", ratio[1]
                    yield f"{prefix}_ratio_batched_processor", ratio_batched[1]
                for kind, times in (
                    ("", bench.turns(specs, keys, turns)),
                    ("echo_", bench.echo_turns(specs, keys, turns)),
                ):
                    yield f"{name}_{wire}_{kind}turn_p50_ms", 1e3 * float(np.percentile(times, 50))
                    yield f"{name}_{wire}_{kind}turn_p99_ms", 1e3 * float(np.percentile(times, 99))
        for wire, keys in (("plain", None), ("curve", bench.keys)):
            for size in policy_mb:
                ours, bare = bench.policies(size, keys), bench.pushes(size, keys)
                yield f"policy_{size}mb_{wire}_ms", 1e3 * ours
                yield f"policy_{size}mb_{wire}_echo_ms", 1e3 * bare
                yield f"policy_{size}mb_{wire}_ratio", bare / ours


class _Bench:
    """The learner's side, and the workers."""

    def __init__(self, scratch: Path, workers: int):
        self.keys = scratch / "keys"
        self._scratch = scratch
        self._names = [f"actor{i}" for i in range(workers)]
        new_keys(self.keys, self._names)
        self._workers: list[tuple[Any, Connection]] = []

    def __enter__(self) -> _Bench:
        context = mp.get_context("spawn")
        for _ in self._names:
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._workers.append((process, ours))
        return self

    def __exit__(self, *_: object) -> None:
        for process, pipe in self._workers:
            pipe.close()
            process.terminate()
            process.join(5.0)

    def rows(
        self, specs: Specs, actors: int, each: int, keys: Path | None, durable: bool
    ) -> tuple[float, float]:
        """Rows per second of wall time, and of processor time of both sides."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as directory:
            replay = Replay(Path(directory) / "replay", specs, 10_000_000, 0) if durable else None
            learner, take = self._listen(specs, keys, replay)
            try:
                return self._rate("rows", specs, actors, each, keys, learner.port, take)
            finally:
                learner.close()
                if replay is not None:
                    replay.close()

    def echo(
        self, specs: Specs, actors: int, each: int, keys: Path | None, batch: int
    ) -> tuple[float, float]:
        """As ``rows``, over bare sockets."""
        context, router, port = self._router(keys)
        try:
            return self._rate("echo", specs, actors, each, keys, port, _back(router), batch)
        finally:
            context.destroy(linger=0)

    def turns(self, specs: Specs, keys: Path | None, count: int) -> list[float]:
        """Times [s] from a send to its acknowledgement."""
        learner, take = self._listen(specs, keys, None)
        try:
            (found,) = self._run("turns", specs, 1, count, keys, learner.port, take)[1]
        finally:
            learner.close()
        return list(found["times"])

    def echo_turns(self, specs: Specs, keys: Path | None, count: int) -> list[float]:
        """As ``turns``, over bare sockets."""
        context, router, port = self._router(keys)
        try:
            (found,) = self._run("echo turns", specs, 1, count, keys, port, _back(router))[1]
        finally:
            context.destroy(linger=0)
        return list(found["times"])

    def policies(self, megabytes: int, keys: Path | None) -> float:
        """Median time [s] from ``publish`` to a policy that the actor has whole."""
        learner, take = self._listen(IMAGES, keys, None)
        data = np.random.default_rng(0).bytes(megabytes * 1_000_000)

        def publish(version: int) -> float:
            message = PolicyMessage.of(version, data[version:])
            begun = time.monotonic()
            learner.publish(message)
            return begun

        try:
            return self._deliveries("policy", keys, learner.port, take, publish)
        finally:
            learner.close()

    def pushes(self, megabytes: int, keys: Path | None) -> float:
        """As ``policies``, over bare sockets."""
        context, router, port = self._router(keys)
        known: list[bytes] = []
        data = np.random.default_rng(0).bytes(megabytes * 1_000_000)
        back = _back(router, known)

        def push(_: int) -> float:
            begun = time.monotonic()
            router.send_multipart([known[-1], data])
            return begun

        try:
            return self._deliveries("push", keys, port, back, push)
        finally:
            context.destroy(linger=0)

    def _deliveries(
        self, kind: str, keys: Path | None, port: int, turn: Callable[[], None], give: Callable[[int], float]
    ) -> float:
        _, pipe = self._workers[0]
        pipe.send(Job(kind, port, self._names[0], IMAGES, DELIVERIES, keys))
        self._expect(pipe, turn)
        pipe.send("go")
        times = []
        for version in range(DELIVERIES):
            begun = give(version)
            times.append(self._expect(pipe, turn) - begun)
        self._expect(pipe, turn)
        return float(np.median(times))

    def _rate(self, *arguments: Any) -> tuple[float, float]:
        worked = time.process_time()
        begun, found = self._run(*arguments)
        worked = time.process_time() - worked + sum(one["worked"] for one in found)
        rows = arguments[2] * arguments[3]
        return rows / (max(one["end"] for one in found) - begun), rows / worked

    def _run(
        self, kind: str, specs: Specs, actors: int, each: int, keys: Path | None, port: int, turn: Callable[[], None],
        batch: int = 1,
    ) -> tuple[float, list[Any]]:  # fmt: skip
        """When the actors began, and what each found."""
        pipes = [pipe for _, pipe in self._workers[:actors]]
        for name, pipe in zip(self._names, pipes, strict=False):
            pipe.send(Job(kind, port, name, specs, each, keys, batch))
        for pipe in pipes:
            self._expect(pipe, turn)
        begun = time.monotonic()
        for pipe in pipes:
            pipe.send("go")
        return begun, [self._expect(pipe, turn) for pipe in pipes]

    def _expect(self, pipe: Connection, turn: Callable[[], None]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not pipe.poll(0):
            turn()
            if time.monotonic() > deadline:
                raise DaydreamerError(f"a worker of the bench did not answer within {PATIENCE:g} s")
        answer = pipe.recv()
        if isinstance(answer, str) and answer != "ready":
            raise DaydreamerError(f"a worker of the bench failed: {answer}")
        return answer

    def _listen(
        self, specs: Specs, keys: Path | None, replay: Replay | None
    ) -> tuple[LearnerLink, Callable[[], None]]:
        """A learner's end, and a turn of its loop: receive, store if there is a replay, acknowledge."""
        reached: dict[str, int] = {}
        mine = load_learner_keys(keys) if keys else None
        learner = LearnerLink("127.0.0.1:0", specs, lambda stream: reached.get(stream, 0), keys=mine)
        learner.set_credit(10**9)

        def take() -> None:
            for rows in learner.receive(0.002):
                if replay is not None:
                    replay.append(rows.columns, rows.stream, rows.first_seq)
                reached[rows.stream] = rows.next_seq
                learner.acknowledge(rows.stream, rows.next_seq)

        return learner, take

    def _router(self, keys: Path | None) -> tuple[Any, Any, int]:
        context = zmq.Context()
        router = context.socket(zmq.ROUTER)
        if keys:
            router.curve_server = True
            router.curve_secretkey = load_learner_keys(keys).secret
        return context, router, router.bind_to_random_port("tcp://127.0.0.1")


def _back(router: Any, known: list[bytes] | None = None) -> Callable[[], None]:
    """Sends what comes back where it came from, for up to 2 ms without anything; notes who it was."""

    def back() -> None:
        if not router.poll(2):
            return
        for _ in range(128):
            try:
                identity, data = router.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if known is not None:
                known.append(identity)
            router.send_multipart([identity, data])

    return back

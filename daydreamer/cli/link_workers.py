"""The processes on the robots' side of ``daydreamer bench link``: each does the jobs that it is sent, one by one."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from daydreamer.cli.measures import made_up_rows
from daydreamer.core.specs import Specs
from daydreamer.transport.actor_link import ActorLink
from daydreamer.transport.auth import load_actor_keys
from daydreamer.transport.link import SpoolFull
from daydreamer.transport.row_codec import RowCodec

PATIENCE = 600.0  # s for one job
PACE = 0.05  # s between two turns, as at 20 Hz
IN_FLIGHT = 1024  # rows of the bare echo on their way, as in the link's window


@dataclass(frozen=True)
class Job:
    """What a worker is to do."""

    kind: str  # "rows", "echo", "turns", "echo turns", "policy" or "push"
    port: int
    name: str  # the actor's
    specs: Specs
    rows: int
    keys: Path | None
    batch: int = 1  # rows in a message of the echo


def work(pipe: Connection) -> None:
    """Do jobs until the pipe closes: say "ready", wait for "go", answer with numbers."""
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            job: Job = pipe.recv()
            try:
                pipe.send(_JOBS[job.kind](job, pipe))
            except Exception as error:
                pipe.send(f"{job.kind}: {type(error).__name__}: {error}")


def _rows(job: Job, pipe: Connection) -> dict[str, Any]:
    with _link(job) as link:
        rows = _made(job.specs)
        _ready(pipe)
        worked = time.process_time()
        sent = 0
        while sent < job.rows:
            try:
                link.send(rows[sent % len(rows)])
                sent += 1
            except SpoolFull:
                time.sleep(0.001)
        _wait(lambda: link.status().unacked == 0, 0.002)
        return {"end": time.monotonic(), "worked": time.process_time() - worked}


def _turns(job: Job, pipe: Connection) -> dict[str, Any]:
    """One row at a time: from its send to its acknowledgement."""
    with _link(job) as link:
        (row, *_), times = _made(job.specs), []
        _ready(pipe)
        for number in range(job.rows):
            begun = time.perf_counter()
            link.send(row)
            _wait(lambda number=number: link.status().acked > number)  # type: ignore[misc]
            times.append(time.perf_counter() - begun)
            time.sleep(PACE)
        return {"times": times}


def _policy(job: Job, pipe: Connection) -> dict[str, Any]:
    """When each of as many policies as ``rows`` says is here, whole and checked."""
    with _link(job) as link:
        _ready(pipe)
        for _ in range(job.rows):
            _wait(lambda: link.policy() is not None)
            pipe.send(time.monotonic())
        return {}


def _echo(job: Job, pipe: Connection) -> dict[str, Any]:
    with _socket(job) as socket:
        data, messages = _data(job), -(-job.rows // job.batch)
        window = max(1, IN_FLIGHT // job.batch)
        _ready(pipe)
        worked = time.process_time()
        for sent in range(messages):
            if sent >= window:
                socket.recv()
            socket.send(data)
        for _ in range(min(window, messages)):
            socket.recv()
        return {"end": time.monotonic(), "worked": time.process_time() - worked}


def _echo_turns(job: Job, pipe: Connection) -> dict[str, Any]:
    with _socket(job) as socket:
        data, times = _data(job), []
        _ready(pipe)
        for _ in range(job.rows):
            begun = time.perf_counter()
            socket.send(data)
            socket.recv()
            times.append(time.perf_counter() - begun)
            time.sleep(PACE)
        return {"times": times}


def _push(job: Job, pipe: Connection) -> dict[str, Any]:
    """As ``_policy``, with plain messages."""
    with _socket(job) as socket:
        _ready(pipe)
        for _ in range(job.rows):
            socket.recv()
            pipe.send(time.monotonic())
        return {}


_JOBS = {
    "rows": _rows, "turns": _turns, "policy": _policy, "echo": _echo, "echo turns": _echo_turns, "push": _push,
}  # fmt: skip


@contextlib.contextmanager
def _link(job: Job) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        keys = load_actor_keys(job.keys, job.name) if job.keys else None
        link = ActorLink(f"127.0.0.1:{job.port}", job.name, job.specs, directory, keys=keys)
        try:
            link.start()
            _wait(lambda: link.status().connected)
            yield link
        finally:
            link.close(0.0)


@contextlib.contextmanager
def _socket(job: Job) -> Any:
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    for option in (zmq.SNDTIMEO, zmq.RCVTIMEO):
        socket.setsockopt(option, int(1000 * PATIENCE))
    if job.keys:
        load_actor_keys(job.keys, job.name).apply(socket)
    try:
        socket.connect(f"tcp://127.0.0.1:{job.port}")
        socket.send(b"hello")
        socket.recv()
        yield socket
    finally:
        context.destroy(linger=0)


def _made(specs: Specs) -> list[dict[str, Any]]:
    columns = made_up_rows(specs, 64)
    return [{key: np.asarray(value[i]) for key, value in columns.items()} for i in range(64)]


def _data(job: Job) -> bytes:
    return np.random.default_rng(0).bytes(RowCodec(job.specs).row_bytes * job.batch)


def _ready(pipe: Connection) -> None:
    pipe.send("ready")
    assert pipe.recv() == "go"


def _wait(condition: Callable[[], bool], pause: float = 0.0002) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE:g} s")
        time.sleep(pause)

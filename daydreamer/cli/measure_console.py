"""What the console costs the control loop: nobody watching, one viewer, and twenty of which one does not read."""

from __future__ import annotations

import multiprocessing
import threading
import time
from multiprocessing.synchronize import Event

import numpy as np
import zmq

from daydreamer.envs.robot_env import RobotEnv
from daydreamer.presets import build
from daydreamer.presets.preset import Preset
from daydreamer.runtime.actor_metrics import ActorMetrics
from daydreamer.runtime.attendant import Attendant
from daydreamer.transport import console_messages as messages
from daydreamer.transport.console import Console
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.link import LinkStatus

VIEWERS = (0, 1, 20)
_HZ = 45.0  # steps a second: more than the control loop's, and each is shown
_PATIENCE = 60.0  # s for the viewers to be there


def console(preset: Preset, seconds: float) -> dict[str, float]:
    """What one ``show`` takes in the control loop: wall time (median, 99th percentile) and the loop's own CPU time.

    And how late the loop wakes up beside the console's thread, whose work may hold Python's lock.

    Never of a real robot.
    """
    build.check_simulated(preset)
    found: dict[str, float] = {}
    for count in VIEWERS:
        env = build.make_env(preset)
        attendant = Attendant(env, "bench")
        server = Console("127.0.0.1:0", "bench", attendant.take)
        attendant.post = server.post
        done = multiprocessing.get_context("spawn").Event()
        crowd = multiprocessing.get_context("spawn").Process(
            target=_watch, args=(server.address, count, done), daemon=True
        )
        try:
            server.start()
            if count:
                crowd.start()
            env.reset()
            deadline = time.monotonic() + _PATIENCE
            while server.viewers < count and time.monotonic() < deadline:
                time.sleep(0.05)
            if server.viewers < count:
                raise RuntimeError(f"only {server.viewers} of {count} viewers came within {_PATIENCE:g} s")
            took, worked, late = _steps(env, attendant, seconds)
        finally:
            done.set()
            server.close()
            env.close()
            if crowd.pid is not None:
                crowd.join(10.0)
        found[f"console_us_{count}_viewers"] = 1e6 * float(np.median(took))
        found[f"console_p99_us_{count}_viewers"] = 1e6 * float(np.percentile(took, 99))
        found[f"console_cpu_us_{count}_viewers"] = 1e6 * float(np.median(worked))
        found[f"console_wake_us_{count}_viewers"] = 1e6 * float(np.median(late))
    return found


def _steps(
    env: RobotEnv, attendant: Attendant, seconds: float
) -> tuple[list[float], list[float], list[float]]:
    """Seconds that each ``show`` took, and worked, and by which each wake-up before it was late.

    As in the control loop, a step of the robot comes before it.
    """
    metrics, link = ActorMetrics(0.0), LinkStatus(True, 0, 0, 0, 0)
    action = {key: spec.zeros() for key, spec in env.act_spec.items()}
    took, worked, late = [], [], []
    tick = time.perf_counter()
    for _ in range(max(10, round(seconds * _HZ))):
        tick += 1.0 / _HZ
        time.sleep(max(0.0, tick - time.perf_counter()))
        late.append(time.perf_counter() - tick)
        env.step(action)
        metrics.steps += 1
        begun = time.perf_counter()
        before = time.thread_time()
        attendant.show(metrics, action, link)
        worked.append(time.thread_time() - before)
        took.append(time.perf_counter() - begun)
        tick = max(tick, begun - 1.0 / _HZ)
    return took, worked, late


def _watch(address: str, count: int, done: Event) -> None:
    """``count`` viewers of the console at ``address``, as fast as they may; of more than one, the last never reads."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stalled = context.socket(zmq.DEALER)
    stalled.setsockopt(zmq.RCVHWM, 1)
    stalled.setsockopt(zmq.LINGER, 0)
    readers = [ConsoleClient(address, hz=messages.MAX_HZ) for _ in range(count - 1 if count > 1 else count)]
    threads = [threading.Thread(target=_read, args=(reader, done)) for reader in readers]
    for thread in threads:
        thread.start()
    if count > 1:
        stalled.connect(f"tcp://{address}")
    while not done.wait(messages.WATCH_EVERY):
        if count > 1:
            stalled.send(messages.encode("watch", hz=messages.MAX_HZ), zmq.NOBLOCK)
    for thread, reader in zip(threads, readers, strict=True):
        thread.join(5.0)
        reader.close()
    stalled.close()
    context.term()


def _read(reader: ConsoleClient, done: Event) -> None:
    while not done.is_set():
        reader.latest(0.5)

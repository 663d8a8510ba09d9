"""What ``daydreamer bench`` measures. Each function returns numbers by name; names end in their unit."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.specs import Specs
from daydreamer.core.transition import row_spec
from daydreamer.presets import build
from daydreamer.presets.preset import Preset

Columns = dict[str, NDArray[Any]]


def step(preset: Preset, seconds: float) -> dict[str, float]:
    """One gradient step at the preset's batch size, on made-up rows."""
    agent, _, batch = _agent_and_batch(preset)
    return {"step_ms": 1000 * _mean_time(lambda: agent.train(batch), seconds, warm=2)}


def policy(preset: Preset, seconds: float) -> dict[str, float]:
    """One policy call, and what it takes to publish a new version and to load it."""
    from daydreamer.runtime.policy import OnnxPolicy

    agent, rows, _ = _agent_and_batch(preset)
    data = agent.policy(0)
    running = OnnxPolicy(data, seed=0)
    obs = {key: rows[key][0] for key in running.obs_spec}
    carry = running.initial()

    def act() -> None:
        nonlocal carry
        carry, _ = running(carry, obs, running.noise(explore=True))

    return {
        "policy_ms": 1000 * _mean_time(act, seconds, warm=20),
        "policy_publish_ms": 1000 * _mean_time(lambda: agent.policy(1), seconds / 3),
        "policy_load_ms": 1000 * _mean_time(lambda: OnnxPolicy(data), seconds / 3),
        "policy_kib": len(data) / 1024,
    }


def robot(preset: Preset, seconds: float) -> dict[str, float]:
    """Control steps of the simulated robot with its task, as fast as they go. Never of a real one."""
    build.check_simulated(preset)
    env = build.make_env(preset)
    rng = np.random.default_rng(0)
    (key, spec), *_ = env.act_spec.items()
    try:
        env.reset()
        each = _mean_time(
            lambda: env.step({key: rng.uniform(-1, 1, spec.shape).astype(spec.dtype)}), seconds, warm=5
        )
    finally:
        env.close()
    return {"robot_steps_per_s": 1 / each, "robot_times_real_time": 1 / each / preset.hz}


def replay(preset: Preset, seconds: float) -> dict[str, float]:
    """Durable appends of 16 rows, and samples beside a gather out of memory, with 20,000 rows on disk."""
    from daydreamer.cli.replay_load import replay_load

    found = replay_load(preset, seconds, (20_000,))
    # Its megabytes are left out: other parts are in memory, too.
    return {name: value for name, value in found if not name.endswith("_mb")}


def link(preset: Preset, seconds: float) -> dict[str, float]:
    """Rows over a loopback socket, spooled, acknowledged; and how long one ``send`` keeps the robot waiting."""
    from daydreamer.transport.actor_link import ActorLink
    from daydreamer.transport.learner_link import LearnerLink

    spec = rows_of(preset)
    one = {key: value[0] for key, value in made_up_rows(spec, 1).items()}
    reached: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as directory:
        learner = LearnerLink("127.0.0.1:0", spec, lambda stream: reached.get(stream, 0))
        actor = ActorLink(f"127.0.0.1:{learner.port}", "bench", spec, Path(directory) / "spool")
        count = max(100, int(2000 * seconds))
        waited = 0.0
        try:
            learner.set_credit(10**9)
            actor.start()
            begun = time.perf_counter()
            sent = 0
            while sum(reached.values()) < count and time.perf_counter() - begun < 60:
                for _ in range(min(64, count - sent)):
                    before = time.perf_counter()
                    actor.send(one)
                    waited += time.perf_counter() - before
                    sent += 1
                for rows in learner.receive(0.01):
                    reached[rows.stream] = rows.next_seq
                    learner.acknowledge(rows.stream, rows.next_seq)
            elapsed = time.perf_counter() - begun
        finally:
            actor.close()
            learner.close()
    return {"link_rows_per_s": sum(reached.values()) / elapsed, "link_send_us": 1e6 * waited / max(sent, 1)}


def servo(preset: Preset, seconds: float) -> dict[str, float]:
    """How well the 500 Hz process keeps its rate, and how soon a stop button damps an emulated A1.

    Beside a learner, where there is torch; a robot's own computer has none, and its load is what runs there.
    """
    from robots.a1.servo_speed import servo_speed

    with _learning(preset) if find_spec("torch") else nullcontext():
        return servo_speed(seconds)


def protocol(preset: Preset, seconds: float) -> dict[str, float]:
    """One encode and one decode of an A1's packets, checksums included; 500 times a second there are 2000 us."""
    from robots.a1.protocol_speed import protocol_speed

    return protocol_speed(seconds)


def console(preset: Preset, seconds: float) -> dict[str, float]:
    """What telemetry costs the control loop, with 0, 1 and 20 viewers."""
    from daydreamer.cli.measure_console import console as measure

    return measure(preset, seconds)


PARTS: dict[str, Callable[[Preset, float], dict[str, float]]] = {
    "step": step,
    "policy": policy,
    "robot": robot,
    "replay": replay,
    "link": link,
    "protocol": protocol,
    "servo": servo,
    "console": console,
}
MOVING = {"robot", "console"}  # parts that connect the robot of the preset


@contextmanager
def _learning(preset: Preset) -> Iterator[None]:
    """While inside, another process takes gradient steps of ``preset`` without a pause."""
    program = (
        "import sys; from daydreamer.cli import measures; from daydreamer.presets.registry import load;"
        "preset = load(sys.argv[1]);"
        "measures.step(preset, 0.0); print(flush=True); measures.step(preset, float('inf'))"
    )
    with subprocess.Popen([sys.executable, "-c", program, preset.name], stdout=subprocess.PIPE) as child:
        try:
            if child.stdout is not None and not child.stdout.readline():
                raise RuntimeError("the learner beside the measurement did not start")
            yield
        finally:
            child.kill()


def made_up_rows(spec: Specs, count: int) -> Columns:
    """``count`` rows ``{key: [N, ...]}`` that fit ``spec`` and mean nothing."""
    rng = np.random.default_rng(0)
    rows: Columns = {}
    for key, array in spec.items():
        shape = (count, *array.shape)
        if np.dtype(array.dtype).kind == "f":
            low, high = (
                (-1.0 if array.low is None else array.low),
                (1.0 if array.high is None else array.high),
            )
            rows[key] = rng.uniform(low, high, shape).astype(array.dtype)
        else:
            rows[key] = np.zeros(shape, array.dtype)
    return rows


def rows_of(preset: Preset) -> Specs:
    """The spec of this preset's rows."""
    env = build.make_env(preset)
    return row_spec(env.obs_spec, env.act_spec)


def _agent_and_batch(preset: Preset) -> tuple[Any, Columns, Columns]:
    env, config = build.make_env(preset), preset.learner
    rows = made_up_rows(rows_of(preset), config.batch * config.length)
    batch = {key: value.reshape(config.batch, config.length, *value.shape[1:]) for key, value in rows.items()}
    return build.make_agent(preset, env.obs_spec, env.act_spec, 0), rows, batch


def _mean_time(action: Callable[[], object], seconds: float, warm: int = 1) -> float:
    """Mean seconds of ``action``, over as many calls as fit into ``seconds``, after ``warm`` that do not count."""
    for _ in range(warm):
        action()
    calls, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < seconds or not calls:
        action()
        calls += 1
    return elapsed / calls

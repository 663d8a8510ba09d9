"""Doubles for the runtime: a policy of two nodes, an environment that counts, links without a network."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS, row_spec
from daydreamer.runtime.actor import Actor, ActorConfig
from daydreamer.transport.link import ActorStatus, LinkStatus, PolicyMessage, Rows, SpoolFull
from robots.clock import ManualClock
from tests.runtime.actor_life import Immediate
from tests.runtime.learner_life import CONFIG, Life

OBS = {
    "count": ArraySpec((1,), low=0.0),
    **FLAGS,
    "log/up": ArraySpec((), low=-1.0, high=1.0),
    "log/standing": ArraySpec(()),
    "log/reward/upright": ArraySpec(()),
}
ACT = {"action": ArraySpec((2,), low=-1.0, high=1.0)}
ROW = row_spec(OBS, ACT)


def policy_bytes(value: float = 0.25, version: int = 0, **meta: Any) -> bytes:
    """action = value + noise; next/steps = carry/steps + 1, or 1 where is_first."""
    nodes = [
        helper.make_node("Constant", [], ["value"], value=_tensor("v", [value, value])),
        helper.make_node("Constant", [], ["one"], value=_tensor("o", [1.0])),
        helper.make_node("Constant", [], ["zero"], value=_tensor("z", [0.0])),
        helper.make_node("Add", ["value", "noise/action"], ["moved"]),
        helper.make_node("Mul", ["obs/count", "zero"], ["nothing"]),
        helper.make_node("Add", ["moved", "nothing"], ["action/action"]),
        helper.make_node("Where", ["obs/is_first", "zero", "carry/steps"], ["kept"]),
        helper.make_node("Add", ["kept", "one"], ["next/steps"]),
    ]
    inputs = [
        helper.make_tensor_value_info("obs/is_first", TensorProto.BOOL, []),
        helper.make_tensor_value_info("obs/count", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("carry/steps", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("noise/action", TensorProto.FLOAT, [2]),
    ]
    outputs = [
        helper.make_tensor_value_info("action/action", TensorProto.FLOAT, [2]),
        helper.make_tensor_value_info("next/steps", TensorProto.FLOAT, [1]),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "policy", inputs, outputs),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    described = {
        "schema": 1,
        "obs": {"is_first": ArraySpec((), "bool").to_dict(), "count": ArraySpec((1,)).to_dict()},
        "act": {"action": ACT["action"].to_dict()},
        "noise": {"action": "normal"},
        "explore": ["action"],
        "version": version,
        **meta,
    }
    onnx.helper.set_model_props(model, {"daydreamer": json.dumps(described)})
    data: bytes = model.SerializeToString()
    return data


def _tensor(name: str, values: list[float]) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values)


class CountingEnv:
    """``count`` is the number of steps since the last reset; what is applied is half of what is asked."""

    obs_spec, act_spec = OBS, ACT

    def __init__(self) -> None:
        self.clock = ManualClock(100.0)
        self.actions: list[np.ndarray] = []
        self.resets = 0
        self.closed = False
        self.ends: set[int] = set()  # counts at which the stream of observations ends
        self._count = 0
        self._applied = np.zeros(2, np.float32)

    def reset(self) -> dict[str, Any]:
        self.resets += 1
        self._count = 0
        return self._obs(is_first=True)

    def step(self, action: Any) -> dict[str, Any]:
        ACT["action"].validate("action", action["action"])
        self.actions.append(action["action"].copy())
        self._applied = action["action"] / 2
        self._count += 1
        self.clock.advance(0.05)
        return self._obs(is_first=False)

    def hold(self) -> dict[str, Any]:
        self.actions.append(self._applied.copy())
        self._count += 1
        self.clock.advance(0.05)
        return self._obs(is_first=False)

    def applied(self) -> dict[str, Any]:
        return {"action": self._applied.copy()}

    def close(self) -> None:
        self.closed = True

    def _obs(self, is_first: bool) -> dict[str, Any]:
        number = np.asarray(self._count, np.float32)
        return {
            "count": number.reshape(1),
            "reward": number,
            "is_first": np.asarray(is_first),
            "is_last": np.asarray(self._count in self.ends),
            "is_terminal": np.asarray(False),
            "log/up": np.asarray(1.0, np.float32),
            "log/standing": np.asarray(0.5, np.float32),
            "log/reward/upright": np.asarray(0.75, np.float32),
        }


class ActorLinkDouble:
    """Keeps rows in a list."""

    stream = "double"

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.policies: deque[PolicyMessage] = deque()
        self.reports: list[dict[str, float]] = []
        self.room = 10**9
        self.wanted = 10**9
        self.stopped: str | None = None
        self.refused: str | None = None
        self.broken: str | None = None
        self.connected = True
        self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def send(self, row: Any) -> int:
        if len(self.rows) >= self.room:
            raise SpoolFull("full")
        for key, spec in ROW.items():
            spec.validate(key, row[key])
        assert row.keys() == ROW.keys()
        self.rows.append(dict(row))
        return len(self.rows) - 1

    def policy(self) -> PolicyMessage | None:
        return self.policies.popleft() if self.policies else None

    def credit(self) -> int:
        return self.wanted - len(self.rows)

    def report(self, metrics: Any) -> None:
        self.reports.append(dict(metrics))

    def status(self) -> LinkStatus:
        full = len(self.rows) >= self.room
        return LinkStatus(
            self.connected, 0, 0, len(self.rows), 0, self.refused, self.stopped, full, self.broken
        )

    def close(self, timeout: float = 2.0) -> None:
        self.closed = True


class LearnerLinkDouble:
    """An actor that always has rows, as many as the learner allows, ten at a time."""

    def __init__(self, sent: int = 0) -> None:
        self.sent = sent
        self.first = sent
        self.refused: dict[str, str] = {}
        self.total = 0
        self.published: list[PolicyMessage] = []
        self.acknowledged: dict[str, int] = {}
        self.stopped: str | None = None
        self.metrics: dict[str, float] = {"actor/late_ms": 1.5}
        self.most = 0  # the most rows ever allowed at once

    @property
    def stream(self) -> str:
        return f"double-{self.first}"

    def receive(self, timeout: float) -> list[Rows]:
        count = min(10, self.total - self.sent)
        if count <= 0:
            return []
        rows = Rows("a", self.stream, self.sent - self.first, made_rows(self.sent, count))
        self.sent += count
        return [rows]

    def acknowledge(self, stream: str, next_seq: int) -> None:
        self.acknowledged[stream] = next_seq

    def refuse(self, stream: str, reason: str) -> None:
        self.refused[stream] = reason

    def publish(self, policy: PolicyMessage) -> None:
        policy.check()
        self.published.append(policy)

    def set_credit(self, total: int) -> None:
        self.total = total
        self.most = max(self.most, total - self.sent)

    def reports(self) -> dict[str, dict[str, float]]:
        return {"a": self.metrics}

    def actors(self) -> dict[str, ActorStatus]:
        return {"a": ActorStatus(True, 0.0, self.stream, self.sent, "", "0")}

    def stop(self, reason: str) -> None:
        self.stopped = reason

    def close(self) -> None:
        pass


def made_rows(first: int, count: int) -> dict[str, np.ndarray]:
    """Rows ``{key: [N, ...]}`` whose reward is their number."""
    number = np.arange(first, first + count)
    rows = {key: np.zeros((count, *spec.shape), spec.dtype) for key, spec in ROW.items()}
    rows["reward"] = number.astype(np.float32)
    rows["count"] = number.astype(np.float32)[:, None]
    rows["log/up"] = np.ones(count, np.float32)
    rows["policy_version"] = np.full(count, -1)
    return rows


class RandomAgent:
    """Learns nothing, and remembers how often it was asked to."""

    def __init__(self) -> None:
        self.updates = 0
        self.batches: list[Any] = []
        self.reported: set[tuple[int, ...]] = set()
        self.loss = 0.5

    def train(self, batch: Any) -> dict[str, float]:
        self.updates += 1
        self.batches.append(batch)
        return {"train/loss/model": self.loss, "train/kl": 2.0}

    def report(self, batch: Any) -> tuple[dict[str, float], dict[str, Any]]:
        self.reported.add(batch["is_first"].shape)
        return {"train/open_loop/reward": 0.1}, {}

    def policy(self, version: int = 0, averaged: bool = False) -> bytes:
        return policy_bytes(0.75 if averaged else 0.25, version)

    def save(self) -> bytes:
        return json.dumps({"updates": self.updates}).encode()

    def load(self, data: bytes) -> None:
        self.updates = json.loads(data)["updates"]


@pytest.fixture
def make_policy() -> Callable[..., bytes]:
    return policy_bytes


@pytest.fixture
def env() -> CountingEnv:
    return CountingEnv()


@pytest.fixture
def actor_link() -> ActorLinkDouble:
    return ActorLinkDouble()


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_actor(env, actor_link, wall, monkeypatch) -> Callable[..., Actor]:
    monkeypatch.setattr("daydreamer.runtime.actor.PolicyLoader", Immediate)

    def make(**config: Any) -> Actor:
        return Actor(env, actor_link, ActorConfig(**config), env.clock, wall, seed=0)

    return make


@pytest.fixture
def make_learner_link() -> Callable[..., LearnerLinkDouble]:
    return LearnerLinkDouble


@pytest.fixture
def make_agent() -> Callable[[], RandomAgent]:
    return RandomAgent


@pytest.fixture
def rows() -> Callable[[int, int], dict[str, np.ndarray]]:
    return made_rows


@pytest.fixture
def spec() -> dict[str, ArraySpec]:
    return ROW


@pytest.fixture
def live(tmp_path, spec, make_learner_link, make_agent) -> Callable[..., Life]:
    def begin(sent=0, config=CONFIG, rows=100, agent=None, **options):
        return Life(
            tmp_path / "run", spec, make_learner_link(sent), agent or make_agent(), config, rows, **options
        )

    return begin

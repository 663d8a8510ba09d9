"""From UDP bytes to a gradient step and back: all that a real A1 learns with, an emulated one at its end."""

import json
import os
import signal

import pytest

from daydreamer.presets import a1_emulated
from daydreamer.transport.auth import new_keys
from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess

pytest.importorskip("pybullet")
pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

PREFILL = 60  # rows, 3 s of the robot
SMALL = [
    *("learner.prefill=60", "learner.pretrain=2", "learner.batch=4", "learner.length=8", "learner.publish_every=10"),
    *("agent.deter=16", "agent.hidden=16", "agent.stoch=4", "agent.units=16", "agent.starts=8", "agent.horizon=3"),
]  # fmt: skip


@pytest.fixture
def emulated(tmp_path):
    robot = EmulatorProcess(EmulatorConfig(port=0, start="belly", log=str(tmp_path / "robot.jsonl")))
    yield robot
    robot.end()


def test_a_row_comes_from_the_robot_and_a_policy_goes_to_it_and_nobody_lets_it_go_undamped(
    job, own_port, emulated, tmp_path
):
    host, port = emulated.address
    new_keys(tmp_path / "keys", ["actor"])
    learner_at = f"127.0.0.1:{own_port}"
    # No promise of milliseconds is looked at here, and a busy computer must not stop the robot.
    patient = [f"robot_options.safety.{name}={seconds}" for name, seconds in a1_emulated.PATIENT.items()]
    robot = [f"robot_options.host={host}", f"robot_options.port={port}", "robot_options.local_port=0"]
    told = [*SMALL, *robot, *patient, "robot_options.uncalibrated=true"]
    common = ["--preset", "a1", "--logdir", str(job.logdir), "--keys", str(tmp_path / "keys")]
    common += [word for change in told for word in ("--set", change)]

    def drives() -> list[str]:
        lines = (tmp_path / "robot.jsonl").read_text().splitlines()
        return [json.loads(line)["drive"] for line in lines if line.endswith("}")]

    def spooled() -> int:
        return sum(file.stat().st_size for file in job.logdir.glob("actor-actor/spool/*/*"))

    learner = job.start("learner", "--bind", learner_at, *common)
    actor = job.start("actor", "--connect", learner_at, *common)
    # UDP, servo, estimator, task, spool, CURVE, replay, gradient step, ONNX, and the robot is driven by it
    job.eventually(lambda: job.metric("policy/version") >= 1, "a policy of the learner drives the robot")
    assert drives()[-1] == "driven"
    assert job.metric("replay/rows") >= PREFILL

    before = job.metric("replay/rows")
    os.kill(learner.pid, signal.SIGKILL)
    learner.wait()
    kept = spooled()
    job.eventually(lambda: spooled() > kept + 20_000, "rows wait on the robot's disk")
    assert drives()[-1] == "driven" and actor.poll() is None

    learner = job.start("learner", "--bind", learner_at, *common)
    job.eventually(lambda: job.metric("replay/rows") > before + 60, "the same actor's rows come in again")

    os.kill(actor.pid, signal.SIGKILL)
    actor.wait()
    job.eventually(lambda: drives()[-1] == "damped", "the servo damps the robot of a dead actor")
    learner.send_signal(signal.SIGINT)
    assert job.wait(learner) == 130, job.output(learner)
    assert (job.policy_versions() >= 1).any()

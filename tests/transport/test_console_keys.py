"""Who may come to a console that listens beyond its computer, and for how long."""

import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.transport import auth
from daydreamer.transport.auth import KeyProblem
from daydreamer.transport.console import Console
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_keys import console_keys, viewer_keys
from tests.awaiting import until
from tests.contracts.keys_apart import robots_keys
from tests.contracts.telemetry import telemetry
from tests.transport.test_console import seen


@pytest.fixture
def robot(tmp_path):
    """The directory of the robot's keys; the learner's are beside it."""
    return robots_keys(tmp_path, "robot")


@pytest.fixture
def hands():
    return []


@pytest.fixture
def console(robot, hands):
    made = Console("127.0.0.1:0", "secret", hands.append, console_keys(robot, "robot"))
    made.start()
    made.post(telemetry(steps=4))
    yield made
    made.close()


def test_a_damaged_key_is_told_at_once(tmp_path, robot):
    (tmp_path / "learner" / "allowed" / "robot.pub").write_text("no key")
    with pytest.raises(KeyProblem, match=r"robot\.pub: expected a key, 40 characters"):
        viewer_keys(tmp_path / "learner", "robot")
    with pytest.raises(KeyProblem, match="by which actor 'spot' is known"):
        viewer_keys(tmp_path / "learner", "spot")


def test_a_viewer_whose_key_is_deleted_is_not_heard_any_more_nor_told_anything(
    console, robot, hands, tmp_path, monkeypatch
):
    monkeypatch.setattr(auth, "LOOK_EVERY", 0.0)
    keys = viewer_keys(tmp_path / "learner", "robot")
    with ConsoleClient(console.address, "secret", keys) as viewer:
        assert seen(viewer, lambda t: t.steps == 4)
        (robot / "learner.pub").unlink()
        until(lambda: console.viewers == 0, "it is not told anything")
        with pytest.raises(DaydreamerError):
            viewer.send("resume", timeout=0.5)
    assert hands == []

"""What a learner is told reaches its link."""

import pytest

from daydreamer.cli.learner import LearnerCommand
from daydreamer.runtime.learner import Learner
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.transport import learner_link
from daydreamer.transport.auth import load_learner_keys


@pytest.fixture
def learn(monkeypatch, tmp_path):
    """As the command does, but for learning."""
    monkeypatch.setattr(Learner, "run", lambda learner, stop: "noted")

    def learn(**options):
        command = LearnerCommand(tmp_path / "run", "fake-tiny", bind="127.0.0.1:0", **options)
        assert command._learn(StopSignals()) == "noted"

    return learn


def test_with_keys_it_listens_only_to_those_that_it_allows(learn, noted, keys):
    link = noted(learner_link, "LearnerLink")
    beside = keys.parent / "learner"
    learn(keys=beside)
    assert link["keys"] == load_learner_keys(beside)
    learn()
    assert link["keys"] is None

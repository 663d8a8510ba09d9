"""For tests that say of a connection that it stands: on a busy computer neither end may take the other for dead."""

import pytest

from daydreamer.transport import actor_session, learner_session


@pytest.fixture
def patient_peers(monkeypatch):
    """Silence is no sign of death for a minute, in place of 3 s."""
    for session in (actor_session, learner_session):
        monkeypatch.setattr(session, "SILENCE", 60.0)

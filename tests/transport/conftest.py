"""For tests that say of a connection that it stands: on a busy computer neither end may take the other for dead.

Nor may a wish be too late that is to be done.
"""

import pytest

from daydreamer.transport import actor_session, console_messages, learner_session


@pytest.fixture
def patient_peers(monkeypatch):
    """Silence is no sign of death for a minute, in place of 3 s."""
    for session in (actor_session, learner_session):
        monkeypatch.setattr(session, "SILENCE", 60.0)


@pytest.fixture
def patient_hands(monkeypatch):
    """A wish that nobody is in doubt about may be done for a minute, in place of 3 s."""
    monkeypatch.setattr(console_messages, "GOOD_FOR", 60.0)

"""The bell wakes a poll, and rings no longer than needed."""

import select

from daydreamer.transport.wake import Wake


def is_rung(wake):
    return bool(select.select([wake], [], [], 0)[0])


def test_ringing_often_is_ringing_once():
    wake = Wake()
    assert not is_rung(wake)
    for _ in range(100_000):  # more than a socket's buffer would take
        wake.ring()
    assert is_rung(wake)
    wake.clear()
    assert not is_rung(wake)
    wake.ring()
    assert is_rung(wake)
    wake.close()
    wake.close()
    wake.ring()

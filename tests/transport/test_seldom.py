"""A peer cannot fill the disk with warnings."""

import logging

from daydreamer.transport.seldom import Seldom


def test_the_same_warning_is_written_once_per_interval_and_counted(caplog):
    now = [0.0]
    seldom = Seldom(logging.getLogger("seldom"), interval=5.0, clock=lambda: now[0])
    for i in range(4):
        seldom.warning("bad message %d", i)
    seldom.warning("another")
    now[0] = 5.0
    seldom.warning("bad message %d", 9)
    assert caplog.messages == ["bad message 0", "another", "bad message 9 (and 3 more like it)"]

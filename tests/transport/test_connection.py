"""One connection, and no more: where it cannot be opened somebody is told, and dials again."""

import pytest
import zmq

from daydreamer.transport.address import Address
from daydreamer.transport.auth import ActorKeys
from daydreamer.transport.connection import Connection
from daydreamer.transport.link import LinkError
from daydreamer.transport.term import term

HERE = Address.parse("127.0.0.1:5555")


@pytest.mark.parametrize("room", [0, 1])
def test_a_process_without_room_for_one_more_is_told_so(room):
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 3)
    taken = [context.socket(zmq.PAIR) for _ in range(3 - room)]
    with pytest.raises(LinkError, match=r"cannot connect to .*: Too many open files"):
        Connection(context, HERE, None)
    for one in taken:
        one.close()
    assert term(context), "nothing was left behind that it would wait for"


def test_keys_that_are_none_are_told():
    context = zmq.Context()
    with pytest.raises(LinkError, match="cannot connect"):
        Connection(context, HERE, ActorKeys(b"x", b"y", b"z"))
    assert term(context)

import zmq

from daydreamer.transport.term import term


def test_a_context_without_sockets_ends():
    context = zmq.Context()
    assert term(context)
    assert context.closed


def test_one_that_will_not_end_is_left_behind_and_said(caplog):
    context = zmq.Context()
    held = context.socket(zmq.DEALER)  # an open socket keeps its context for ever
    assert not term(context, patience=0.01)
    assert "did not let go" in caplog.text
    held.close(0)

"""The end of a ZeroMQ context, in bounded time."""

from __future__ import annotations

import logging
import threading

import zmq

logger = logging.getLogger(__name__)

PATIENCE = 2.0  # s


def term(context: zmq.Context[zmq.Socket[bytes]], patience: float = PATIENCE) -> bool:
    """Terminate ``context``, whose sockets are closed; whether it ended within ``patience`` [s].

    libzmq's own call waits without bound, and a race in it (seen with a finite linger) can make that for
    ever. A robot's computer must come to its end: a context that will not is left to the end of the process.
    """
    ending = threading.Thread(target=context.term, name="zmq-term", daemon=True)
    ending.start()
    ending.join(patience)
    if ending.is_alive():
        logger.warning("ZeroMQ did not let go of its sockets within %g s; they go with the process", patience)
    return not ending.is_alive()

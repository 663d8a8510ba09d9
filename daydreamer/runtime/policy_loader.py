"""New policies are built beside the running one, so that the swap takes no time between two control steps."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable

from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.policy import OnnxPolicy

_log = logging.getLogger(__name__)


class PolicyLoader:
    """Builds in a thread of its own. Only the newest matters: an older one that still waits is forgotten.

    Args:
        build: Makes a policy of ONNX bytes; raises DaydreamerError for one that does not fit.
    """

    def __init__(self, build: Callable[[bytes], OnnxPolicy]):
        self._build = build
        self._waiting: queue.Queue[bytes | None] = queue.Queue()
        self._ready: deque[OnnxPolicy] = deque(maxlen=1)
        self._thread = threading.Thread(target=self._run, name="policy-loader", daemon=True)
        self._thread.start()

    def load(self, data: bytes) -> None:
        """Begin to build ``data``; returns at once."""
        self._waiting.put(data)

    def take(self) -> OnnxPolicy | None:
        """The newest policy finished since the last call, or None."""
        return self._ready.pop() if self._ready else None

    def close(self) -> None:
        """End the thread."""
        self._waiting.put(None)
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while (data := self._newest()) is not None:
            try:
                self._ready.append(self._build(data))
            except DaydreamerError as error:
                _log.error("a new policy is left aside, the present one goes on: %s", error)
            except Exception:  # the top of a thread: without it no policy would ever come again
                _log.exception("a new policy is left aside, the present one goes on")

    def _newest(self) -> bytes | None:
        data = self._waiting.get()
        while data is not None and not self._waiting.empty():
            data = self._waiting.get()
        return data

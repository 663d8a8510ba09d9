"""``daydreamer doctor``: what is here, what is missing, and what each missing thing is for."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import daydreamer

# package -> (extra that brings it, what it is for)
BASE = ("numpy", "pyzmq", "msgpack", "onnxruntime", "tyro")
EXTRAS = {
    "torch": ("learner", "the learner"),
    "onnx": ("learner", "publishing policies"),
    "tensorboard": ("learner", "TensorBoard files"),
    "rich": ("learner", "the live panel; without it, plain lines"),
    "pybullet": ("sim", "the A1 stand-in"),
}
ENOUGH_DISK = 2 << 30  # bytes


@dataclass(frozen=True)
class Doctor:
    """Say what this computer can do: learner, actor, simulator. Exit code 2 when it can be none of them."""

    def run(self) -> int:
        """Check and print."""
        print(
            f"daydreamer {daydreamer.__version__}, Python {platform.python_version()}, {platform.platform()}"
        )
        print(f"{os.cpu_count()} CPU cores")
        absent = [name for name in (*BASE, *EXTRAS) if not self._package(name)]
        python = sys.version_info >= (3, 10)
        if not python:
            print("  !! Python 3.10 or newer is needed")
        disk = shutil.disk_usage(Path.cwd()).free
        enough = "ok" if disk > ENOUGH_DISK else "!!"
        print(f"  {enough} disk: {disk / 2**30:.1f} GiB free here; an hour of robot time needs about 0.1")
        zmq = self._curve() if "pyzmq" not in absent else False
        can_act = python and not any(name in absent for name in BASE)
        can_learn = can_act and not any(name in absent for name in ("torch", "onnx"))
        for what, can in (
            ("run an actor", can_act),
            ("run a learner", can_learn),
            ("simulate an A1", can_act and "pybullet" not in absent),
            ("encrypt its link", zmq),
        ):
            print(f"this computer {'can' if can else 'can NOT'} {what}")
        return 0 if can_act else 2

    def _package(self, name: str) -> bool:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            extra, purpose = EXTRAS.get(name, ("", "everything"))
            package = f".[{extra}]" if extra else "."
            print(f"  -- {name} is not installed ({purpose}); from a clone: pip install '{package}'")
            return False
        print(f"  ok {name} {version}")
        return True

    def _curve(self) -> bool:
        import zmq

        if not zmq.has("curve"):
            print("  -- pyzmq was built without CURVE: links beyond this computer cannot be encrypted")
            return False
        return True

"""The driver of a real A1 with an emulated one behind it: everything is the same but the robot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from robots.a1.driver import A1
from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess
from robots.robot import RobotError, RobotInfo

# rad; the simulator's joint stops give under a lying robot's weight, a real one's do not. 0.088 was seen.
SOFT_STOPS = {"position_margin": 0.15}


class EmulatedA1(A1):
    """An A1 over UDP on loopback, in real time, named "a1-emulated". The robot lives from ``connect`` to ``close``."""

    def __init__(
        self, start: str = "back", seed: int = 0, emulator: Mapping[str, Any] | None = None, **driver: Any
    ):
        """Describe it; nothing runs before ``connect``.

        Args:
            start: how it lies at ``connect``: "back", "belly" or "stand".
            seed: fixes its noise and its network.
            emulator: changes to ``EmulatorConfig``, by name.
            **driver: as for ``A1``, but for the address.

        Raises:
            RobotError: a value that cannot be, or a name that there is not.
        """
        if given := driver.keys() & {"host", "port", "local_port"}:
            raise RobotError(
                f"'a1-emulated' makes its own robot and finds it: leave out {', '.join(sorted(given))}. To drive an "
                "emulated A1 that runs already, use 'a1' with its host and port."
            )
        driver["safety"] = {**SOFT_STOPS, **(driver.get("safety") or {})}
        super().__init__(**driver, host="127.0.0.1", local_port=0)
        changes = {"port": 0, "start": start, "seed": seed, **(emulator or {})}
        known = {field.name for field in fields(EmulatorConfig)}
        if not changes.keys() <= known:
            raise RobotError(
                f"no such setting of an emulated A1: {', '.join(sorted(changes.keys() - known))}; "
                f"there are {', '.join(sorted(known))}"
            )
        self._emulated = EmulatorConfig(**changes)
        self._info: RobotInfo = replace(self._info, name="a1-emulated")
        self._emulator: EmulatorProcess | None = None

    def connect(self) -> None:
        """Start the emulated robot, then the servo. Does nothing when connected.

        Raises:
            RobotError: either does not start.
        """
        if self._emulator is None:
            self._refuse()
            self._emulator = EmulatorProcess(self._emulated)
            self._config = replace(self._config, port=self._emulator.address[1])
        try:
            super().connect()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Damp, let go, and end the emulated robot. Idempotent."""
        super().close()
        emulator, self._emulator = self._emulator, None
        if emulator is not None:
            emulator.end()

    def hold_stop(self, held: bool) -> None:
        """Hold L2 and B on the emulated robot's remote control, or let them go.

        Raises:
            RobotError: not connected.
        """
        if self._emulator is None:
            raise RobotError(f"robot '{self.info.name}' is not connected. Call connect() first.")
        self._emulator.hold_stop(held)

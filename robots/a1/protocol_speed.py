"""How long the protocol takes on this computer; at 500 Hz there are 2000 us for everything."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np

from robots.a1 import model, protocol, wire
from robots.clock import Clock, MonotonicClock
from robots.robot import JointCommand

BLOCK = 20  # calls between two looks at the clock, which has its own cost


def protocol_speed(seconds: float = 1.0, clock: Clock | None = None) -> dict[str, float]:
    """Microseconds of one encode and one decode of each packet, checksum included: medians over ``seconds``.

    A control tick costs one ``a1_encode_command_us`` and one ``a1_decode_state_us``; the other two are the emulated
    robot's.
    """
    clock = clock or MonotonicClock()
    command = protocol.LowCmd.servo(JointCommand.hold(np.zeros(wire.MOTORS), model.info(simulated=False)))
    command_bytes = protocol.encode_command(command)
    state = _standing()
    state_bytes = protocol.encode_state(state)
    work: dict[str, Callable[[], object]] = {
        "a1_encode_command_us": lambda: protocol.encode_command(command),
        "a1_decode_state_us": lambda: protocol.decode_state(state_bytes),
        "a1_decode_command_us": lambda: protocol.decode_command(command_bytes),
        "a1_encode_state_us": lambda: protocol.encode_state(state),
    }
    return {name: _median_us(action, seconds / len(work), clock) for name, action in work.items()}


def _standing() -> protocol.LowState:
    slots, three = np.ones(wire.SLOTS), np.array([0.01, -0.02, 9.81])
    return protocol.LowState(
        quat_wxyz=np.array([1.0, 0.0, 0.0, 0.0]),
        gyro=three,
        accel=three,
        rpy=three,
        mode=wire.SERVO * slots,
        pos=0.9 * slots,
        vel=0.1 * slots,
        acc=slots,
        torque=3.0 * slots,
        temperature=30.0 * slots,
        foot_force=np.full(4, 30.0),
    )


def _median_us(action: Callable[[], object], seconds: float, clock: Clock) -> float:
    """Median over blocks of calls, so that a pause of the computer does not count."""
    blocks: list[float] = []
    begun = now = clock.now()
    while now - begun < seconds or not blocks:
        before = clock.now()
        for _ in range(BLOCK):
            action()
        now = clock.now()
        blocks.append((now - before) / BLOCK)
    return 1e6 * statistics.median(blocks)

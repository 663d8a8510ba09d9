"""How well the servo keeps its rate on this computer, with an emulated A1 that stands at the other end."""

from __future__ import annotations

from robots.a1.emulated import EmulatedA1
from robots.a1.stand import HZ, MOTIONS, play
from robots.clock import Rate
from robots.robot import JointCommand

KEYS = ("rate_hz", "late_p50_ms", "late_p99_ms", "late_max_ms", "missed")


def servo_speed(seconds: float = 10.0) -> dict[str, float]:
    """Stand an emulated A1 up, command it 20 times a second for ``seconds``, and read the servo's own figures.

    Returns:
        rate_hz: ticks a second. late_p50_ms, late_p99_ms, late_max_ms: how late ticks began. missed: deadlines left
        out. All since the servo started, standing up included.

    Raises:
        RobotError: PyBullet is absent, or the robot stopped obeying.
    """
    with EmulatedA1(start="belly") as robot:
        play(robot, MOTIONS["stand"], stopped=lambda: robot.stopped)
        rate = Rate(robot.clock, HZ)
        for _ in range(max(1, round(HZ * seconds))):
            robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
            robot.read()
            rate.wait()
        statistics = robot.statistics()
    return {name: statistics[name] for name in KEYS}

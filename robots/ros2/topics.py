"""Every topic of the bridge: its name, type and quality of service. The tables in docs/ros2.md say the same.

What we publish is reliable, so that both kinds of reader match; what is only said when it changes is kept for late
joiners. What we hear is as demanding as its use: see ``STOP_ANYHOW``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from robots.robot import RobotError
from robots.ros2 import definitions

_NAMESPACE = re.compile(r"(/[A-Za-z_]\w*)+")


@dataclass(frozen=True)
class Qos:
    """Quality of service, as far as it is used here.

    Attributes:
        reliable: Sent again until it has arrived. A reliable reader hears reliable writers only.
        latched: Transient-local: a writer keeps the newest ones for readers that come later, and such a reader hears
            only writers that do so.
        depth: How many messages are kept.
    """

    reliable: bool = True
    latched: bool = False
    depth: int = 10

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise ValueError(f"a queue holds at least one message, got depth {self.depth}")

    def hears(self, writer: Qos) -> bool:
        """Whether a reader of this kind is served by ``writer``, by the rules of DDS."""
        return self.reliable <= writer.reliable and self.latched <= writer.latched


@dataclass(frozen=True)
class Topic:
    """A topic as one end of it uses it."""

    name: str  # as in `ros2 topic list`
    type: str  # one of ``definitions.DEFINITIONS``; on a network, of ``HASHES``
    qos: Qos = Qos()
    about: str = ""

    def under(self, namespace: str) -> Topic:
        """The same topic within ``namespace``, as "/spot"."""
        return replace(self, name=namespace + self.name)


JOINTS = Topic(
    "/joint_states",
    definitions.JOINT_STATE,
    about="measured angle rad, speed rad/s, torque N m of each joint",
)
COMMANDS = Topic(
    "/joint_commands",
    definitions.JOINT_STATE,
    about="the angles [rad] last sent to the motors, while they have some",
)
IMU = Topic("/imu/data", definitions.IMU, about="orientation, turning rate, acceleration, in imu_link")
FEET = Topic(
    "/foot_contacts", definitions.JOINT_STATE,
    about="by foot link: position 1 on the ground, 0 in the air; effort the sensor's force in the robot's own unit",
)  # fmt: skip
TWIST = Topic("/odom_twist", definitions.TWIST, about="estimated velocity of the body, in base_link")
DIAGNOSTICS = Topic(
    "/diagnostics", definitions.DIAGNOSTICS, about="safety, motors, control loop, link, bridge"
)
METRICS = Topic(
    "/daydreamer/metrics", definitions.DIAGNOSTICS, about="numbers of the run by the names in docs/metrics.md"
)
MODE = Topic(
    "/daydreamer/mode", definitions.STRING, Qos(latched=True, depth=1),
    "NORMAL, HOLD, DAMP, OFF, or UNKNOWN while the actor is silent; said when it changes",
)  # fmt: skip
OUT = (JOINTS, COMMANDS, IMU, FEET, TWIST, DIAGNOSTICS, METRICS, MODE)

# A queue long enough that a short press among many messages is not pushed out before it is read.
_PRESSES = 100
STOP = Topic(
    "/estop",
    definitions.BOOL,
    Qos(latched=True, depth=_PRESSES),
    "true: damp, until a person resets the robot",
)
# A stop counts however its publisher speaks: so the same topic twice more, for what a usual publisher says from now on,
# and for what anybody says. Of what was said before we came the newest word counts: see ``Ears``.
STOP_LIVE = replace(STOP, qos=Qos(reliable=True, depth=_PRESSES))
STOP_ANYHOW = replace(STOP, qos=Qos(reliable=False, depth=_PRESSES))
STOPS = (STOP, STOP_LIVE, STOP_ANYHOW)
# Not latched: what was wished before the bridge was there is not done when it comes.
PAUSE = Topic("/daydreamer/pause", definitions.BOOL, about="true: hold the pose until someone resumes")
RESUME = Topic(
    "/daydreamer/resume", definitions.BOOL, about="true: the policy drives again; never after a stop"
)
IN = (*STOPS, PAUSE, RESUME)


def is_stop(name: str) -> bool:
    """Whether it is a topic of stops, in whatever namespace: one of its readers hears every publisher."""
    return name.endswith(STOP.name)


def check_namespace(namespace: str) -> str:
    """``namespace`` itself. Raises RobotError when ROS 2 would not take it."""
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise RobotError(f"a namespace is empty or like /spot or /lab/spot, got {namespace!r:.40}")
    return namespace

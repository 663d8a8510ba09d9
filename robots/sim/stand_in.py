"""The PyBullet A1 behind the robot contract: same commands, same sensors, same failures, nobody hurt."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robots.a1 import model
from robots.clock import Clock, MonotonicClock
from robots.robot import Array, CommandError, JointCommand, RobotError, RobotInfo, RobotState, StaleState
from robots.safety import limits
from robots.sim.camera import Camera
from robots.sim.clock import Pacer, SimClock
from robots.sim.motors import Motors
from robots.sim.noise import Noise, NoiseConfig
from robots.sim.poses import pose
from robots.sim.world import GRAVITY, World

DT = 0.002  # s, physics step and motor tick
PACED_STEPS = 5  # physics steps between two waits in real time, so that a window moves smoothly
MOTOR_TEMPERATURE = 30.0  # degC


class StandIn:
    """An A1 in simulation, named "a1-sim".

    Its clock is the simulator's: physics runs only inside ``clock.sleep_until``. The same seed and the same calls
    give the same numbers, bit for bit, on one computer.
    """

    def __init__(
        self,
        speed: Literal["max", "realtime"] = "max",
        seed: int = 0,
        latency: float = 0.004,
        noise: NoiseConfig | None = None,
        friction: float = 0.8,
        payload: float = 0.0,
        command_interval: float = 0.05,
        start: str = "back",
        start_jitter: float = 0.1,
        gui: bool = False,
        wall: Clock | None = None,
    ):
        """Describe the stand-in; nothing is simulated before ``connect``.

        Args:
            speed: "max" as fast as the computer can; "realtime" never faster than ``wall``.
            seed: fixes the sensor noise and the start poses.
            latency: s from ``write`` to the motors.
            noise: sensor noise; an A1's plausible one by default.
            friction: between robot and ground.
            payload: kg on the trunk.
            command_interval: s over which the motors move their target to a new one.
            start: "back", "belly" or "stand".
            start_jitter: rad; how far each joint may start from its pose.
            gui: open PyBullet's window.
            wall: the clock that "realtime" keeps to; monotonic time by default.
        """
        if speed not in ("max", "realtime"):
            raise RobotError(f"speed is 'max' or 'realtime', got '{speed}'")
        for name, value in (("latency", latency), ("friction", friction), ("payload", payload)):
            if not 0 <= value < float("inf"):
                raise RobotError(f"{name} is zero or more, got {value}")
        self._info = model.info(simulated=True)
        self._clock = SimClock(DT, self._advance)
        self._pacer: Pacer | None = None
        self._wall: Clock | None = (wall or MonotonicClock()) if speed == "realtime" else None
        self._friction, self._payload, self._gui = friction, payload, gui
        self._start, self._start_jitter = start, start_jitter
        pose(start)  # a wrong name is told now, not at connect
        pose_seed, noise_seed = np.random.SeedSequence(seed).spawn(2)
        self._pose_rng = np.random.default_rng(pose_seed)
        self._noise = Noise(noise or NoiseConfig(), np.random.default_rng(noise_seed))
        self._motors = Motors(self._info, DT, latency, command_interval)
        self._world: World | None = None
        self._camera: Camera | None = None
        self._state: RobotState | None = None
        self._seq = 0
        self._torque = np.zeros(self._info.joints)
        self._accel = np.zeros(3)

    @property
    def info(self) -> RobotInfo:
        """Readable before connecting, and without PyBullet."""
        return self._info

    @property
    def clock(self) -> SimClock:
        """Simulated time; sleeping steps the physics. Setting a pose takes none of it."""
        return self._clock

    @property
    def stopped(self) -> str:
        """Nothing stops it: it has no safety of its own."""
        return ""

    def connect(self) -> None:
        """Build the world and put the robot in its start pose, damped. Does nothing when connected."""
        if self._world is None:
            self._world = World(DT, self._friction, self._payload, self._gui)
            self.set_pose(self._start)
            self._pacer = Pacer(self._wall) if self._wall else None

    def set_pose(self, start: str) -> None:
        """Put the robot at the origin in the pose called ``start``, let it settle, and leave it damped."""
        world, chosen = self._connected(), pose(start)
        self._motors.release()
        joints = chosen.joints(self._pose_rng, self._start_jitter)
        world.place(np.array([0.0, 0.0, chosen.height]), chosen.quat_xyzw, joints)
        if chosen.held:
            self._motors.send(JointCommand.hold(joints, self._info))
        self._run(world, round(chosen.settle / DT))
        self._motors.release()
        self._state = None

    def read(self) -> RobotState:
        """The sensors now. Without a step in between it is the same reading again, with the same ``seq``.

        Raises:
            StaleState: not connected.
        """
        if self._world is None:
            raise StaleState("the stand-in is not connected; call connect() first")
        if self._state is None:
            self._state = self._sense(self._world)
        return self._state

    def write(self, command: JointCommand) -> JointCommand:
        """Send ``command`` to the motors, within the limits; return what was sent.

        Raises:
            CommandError: wrong shape or dtype, a number that is not finite, or not connected.
        """
        if self._world is None:
            raise CommandError("the stand-in is not connected; call connect() first")
        limits.check(self._info, command)
        sent = limits.clamp(self._info, command)
        self._motors.send(sent)
        return sent

    def truth(self) -> Mapping[str, Array]:
        """Position, velocity (world frame) and orientation of the trunk's centre, exactly."""
        base = self._connected().base()
        return {"position": base.position, "velocity": base.velocity, "quat_xyzw": base.quat_xyzw}

    def push(self, impulse: Array) -> None:
        """Hit the trunk with ``impulse`` [3] N s in the world frame; 10 N s is a firm shove."""
        value = np.asarray(impulse, float)
        if value.shape != (3,) or not np.isfinite(value).all():
            raise RobotError(f"an impulse is three finite numbers in N s, got {impulse}")
        self._connected().push(value)

    def camera(self, width: int = 320, height: int = 240) -> NDArray[np.uint8]:
        """A picture of the robot, ``[height, width, 3]`` RGB uint8."""
        world = self._connected()
        self._camera = self._camera or Camera(world)
        return self._camera.image(width, height)

    def close(self) -> None:
        """Damp, then take the world down. Idempotent."""
        self._motors.release()
        if self._world is not None:
            self._world.close()
        self._world = self._camera = self._state = self._pacer = None

    def __enter__(self) -> StandIn:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connected(self) -> World:
        if self._world is None:
            raise RobotError("the stand-in is not connected; call connect() first")
        return self._world

    def _advance(self, steps: int) -> None:
        """Run ``steps`` physics steps, held back to wall time when there is a pacer."""
        world = self._connected()
        if self._pacer is None:
            self._run(world, steps)
            return
        before = world.base().velocity
        for first in range(0, steps, PACED_STEPS):
            chunk = min(PACED_STEPS, steps - first)
            self._run(world, chunk)
            self._pacer.pace(chunk * DT)
        self._feel(world, before, steps)

    def _run(self, world: World, steps: int) -> None:
        before = world.base().velocity
        for _ in range(steps):
            pos, vel = world.joint_states()
            self._torque = self._motors.torque(pos, vel)
            world.step(self._torque)
        self._feel(world, before, steps)

    def _feel(self, world: World, before: Array, steps: int) -> None:
        """What the accelerometer says: the mean of proper acceleration since ``before``, in the body frame."""
        base = world.base()
        gained = (base.velocity - before) / (steps * DT) + np.array([0.0, 0.0, GRAVITY])
        self._accel = base.rotation.T @ gained
        self._state = None

    def _sense(self, world: World) -> RobotState:
        """One noisy reading of every sensor."""
        base, noise, std = world.base(), self._noise, self._noise.config
        pos, vel = world.joint_states()
        self._seq += 1
        return RobotState(
            time=self._clock.now(),
            joint_pos=noise.add(pos, std.joint_pos),
            joint_vel=noise.add(vel, std.joint_vel),
            joint_torque=noise.add(self._torque, std.joint_torque),
            quat_xyzw=noise.turn(base.quat_xyzw),
            gyro=noise.add(base.rotation.T @ base.angular, std.gyro),
            accel=noise.add(self._accel, std.accel),
            foot_force=noise.add(world.foot_force(), std.foot_force),
            temperature=np.full(self._info.joints, MOTOR_TEMPERATURE),
            seq=self._seq,
        )

"""The PyBullet A1 behind the robot contract: same commands, same sensors, same failures, nobody hurt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robots.a1 import model
from robots.clock import Clock, MonotonicClock
from robots.robot import Array, CommandError, JointCommand, RobotError, RobotInfo, RobotState, StaleState
from robots.safety import limits
from robots.sim.camera import DISTANCE, Camera
from robots.sim.clock import Pacer, SimClock
from robots.sim.conditions import Around, Conditions, Drawn, Range, motor_share, span
from robots.sim.distortion import Delay, Distorter, Distortion, Sensed
from robots.sim.motion import Motion, Trace
from robots.sim.motors import Motors
from robots.sim.noise import Noise, NoiseConfig
from robots.sim.poses import pose
from robots.sim.pushes import Pushes
from robots.sim.world import GRAVITY, Base, World

DT = 0.002  # s, physics step and motor tick
PACED = 0.01  # s of physics between two waits in real time, so that a window moves smoothly
FELT = 0.01  # s of physics in which the body is taken to turn evenly, for what the accelerometer says
MOTOR_TEMPERATURE = 30.0  # degC


class Snapshot(NamedTuple):
    """The world at one physics step."""

    base: Base
    pos: Array  # [12] rad
    vel: Array  # [12] rad/s
    torque: Array  # [12] N m
    foot_force: Array  # [4] N


class StandIn:
    """An A1 in simulation, named "a1-sim".

    Its clock is the simulator's: physics runs only inside ``clock.sleep_until``. The same seed and the same calls
    give the same numbers, bit for bit, on one computer.
    """

    def __init__(
        self,
        speed: Literal["max", "realtime"] = "max",
        seed: int = 0,
        latency: Range = 0.004,
        noise: NoiseConfig | Mapping[str, Any] | None = None,
        friction: Range = 0.8,
        payload: Range = 0.0,
        kp_scale: Range = 1.0,
        max_torque: Range = model.MAX_TORQUE,
        vary_every: float | None = None,
        weak_joint: str = "",
        weak_scale: float = 0.5,
        push: float = 0.0,
        push_every: Sequence[float] = (5.0, 10.0),
        dt: float = DT,
        command_interval: float = 0.05,
        start: str = "back",
        start_jitter: float = 0.1,
        gui: bool = False,
        wall: Clock | None = None,
        distortion: Distortion | Mapping[str, Any] | None = None,
        spread: float = 0.0,
    ):
        """Describe the stand-in; nothing is simulated before ``connect``.

        Where a pair (low, high) is given in place of a number it is drawn, uniformly and by the seed, from it: the
        latency for each command, the others once, or every ``vary_every`` s.

        Args:
            speed: "max" as fast as the computer can; "realtime" never faster than ``wall``.
            seed: fixes the sensor noise, the start poses, and all that is drawn.
            latency: s from ``write`` to the motors.
            noise: sensor noise; an A1's plausible one by default.
            friction: between robot and ground.
            payload: kg at the trunk's centre of mass.
            kp_scale: the motors' real position gain, over the one that they are told.
            max_torque: N m, of every motor. ``info`` still tells the vendor's.
            vary_every: s of the clock after which ranges are drawn again; None: never.
            weak_joint: name of a joint whose motor gives only ``weak_scale`` of its torque; empty: none.
            weak_scale: that share, in [0, 1].
            push: N s, the largest impulse of the pushes at random times; 0: nobody pushes.
            push_every: s, the shortest and the longest time between two pushes.
            dt: s, physics step and motor tick.
            command_interval: s over which the motors move their target to a new one.
            start: "back", "belly" or "stand".
            start_jitter: rad; how far each joint may start from its pose.
            gui: open PyBullet's window.
            wall: the clock that "realtime" keeps to; monotonic time by default.
            distortion: what is wrong with its sensors and motors; nothing by default.
            spread: how far joint friction, motor torque and latency may be from what they are said to be, as a share
                of it; drawn once, or every ``vary_every`` s.
        """
        if speed not in ("max", "realtime"):
            raise RobotError(f"speed is 'max' or 'realtime', got '{speed}'")
        if not 0 < dt <= 0.01:
            raise RobotError(f"dt is a physics step between 0 and 0.01 s, got {dt}")
        if not 0 <= start_jitter < math.inf:
            raise RobotError(f"start_jitter is rad, zero or more, got {start_jitter}")
        if vary_every is not None and not vary_every > 0:
            raise RobotError(f"vary_every is a positive time in s, or none; got {vary_every}")
        self._info = model.info(simulated=True)
        self._dt = dt
        self._clock = SimClock(dt, self._advance)
        self._pacer: Pacer | None = None
        self._wall: Clock | None = (wall or MonotonicClock()) if speed == "realtime" else None
        self._gui = gui
        self._start, self._start_jitter = start, start_jitter
        pose(start)  # a wrong name is told now, not at connect
        seeds = np.random.SeedSequence(seed).spawn(6)
        self._pose_rng, noise_rng, condition_rng, push_rng, self._latency_rng, around_rng = map(
            np.random.default_rng, seeds
        )
        self._noise = Noise(NoiseConfig.of(noise), noise_rng)
        self._drawn = Drawn(friction, payload, kp_scale, max_torque, condition_rng)
        self._vary_every, self._vary_at = vary_every or np.inf, 0.0
        self._share = motor_share(weak_joint, weak_scale)
        self._pushes = Pushes(push, push_every, push_rng)
        self._latency, self._longer = span("latency", latency), 1.0  # and the factor that it is longer by
        self._around = Around(spread, around_rng)
        self._distorter = Distorter(Distortion.of(distortion))
        wrong = self._distorter.distortion
        self._motors = Motors(self._info, dt, self._latency[0] + wrong.command_delay, command_interval)
        self._delay = Delay(wrong.sensor_delay, dt)
        self._late: Snapshot | None = None  # what late sensors see; None where they are not late
        self._lived = 0  # physics steps
        self._trace = Trace(dt)
        self._carried: Array | None = None  # m in a physics step
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
            drawn = self._draw()
            self._world = World(self._dt, drawn.friction, drawn.payload, self._gui)
            self._be_another(self._world)
            self.set_pose(self._start)
            if self._gui:
                self._camera = Camera(self._world)
            self._pacer = Pacer(self._wall) if self._wall else None

    def set_pose(self, start: str) -> None:
        """Put the robot at the origin in the pose called ``start``, let it settle, and leave it damped."""
        world, chosen = self._connected(), pose(start)
        self._carried = None  # whoever held it puts it down
        self._motors.release()
        world.fix(False)
        joints = chosen.joints(self._pose_rng, self._start_jitter)
        world.place(np.array([0.0, 0.0, chosen.height]), chosen.quat_xyzw, joints)
        world.fix(chosen.fixed)
        if chosen.held:
            self._motors.send(JointCommand.hold(joints, self._info))
        self._run(world, round(chosen.settle / self._dt))
        self._motors.release()
        self._trace = Trace(self._dt)  # how it was put there is not its motion
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
        self._motors.send(sent, self._later())
        return sent

    def truth(self) -> Mapping[str, Array]:
        """Position, velocity (world frame) and orientation of the trunk's centre, exactly."""
        base = self._connected().base()
        return {"position": base.position, "velocity": base.velocity, "quat_xyzw": base.quat_xyzw}

    def motion(self) -> Motion:
        """How it has moved since the last call, at every physics step; see ``Motion``."""
        world = self._connected()
        pos, vel, torque = self._trace.take(self._info.joints)
        contact = world.foot_force() > self._info.contact_force
        return Motion(self._dt, world.mass, pos, vel, torque, contact, world.foot_speed())

    def feet_down(self) -> NDArray[np.bool_]:
        """Which feet the ground carries now, exactly; ``[4]``."""
        return self._connected().foot_force() > 0.0

    def push(self, impulse: Array) -> None:
        """Hit the trunk with ``impulse`` [3] N s in the world frame; 10 N s is a firm shove."""
        value = np.asarray(impulse, float)
        if value.shape != (3,) or not np.isfinite(value).all():
            raise RobotError(f"an impulse is three finite numbers in N s, got {impulse}")
        self._connected().push(value)

    def carry(self, velocity: Array | None) -> None:
        """From now on somebody holds the trunk and moves it with ``velocity`` [3] m/s; None lets it go."""
        if velocity is None and self._carried is not None:
            self._connected().fix(False)
        self._carried = None if velocity is None else self._dt * np.asarray(velocity, float)

    def camera(self, width: int = 320, height: int = 240, distance: float = DISTANCE) -> NDArray[np.uint8]:
        """A picture of the robot from ``distance`` m, ``[height, width, 3]`` RGB uint8."""
        world = self._connected()
        self._camera = self._camera or Camera(world)
        return self._camera.image(width, height, distance)

    def close(self) -> None:
        """Damp, then take the world down. Idempotent."""
        self._motors.release()
        self._carried = None
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
        world, now = self._connected(), self._clock.now()
        if now >= self._vary_at:
            drawn = self._draw()  # under the robot's feet
            world.set_friction(drawn.friction)
            world.set_payload(drawn.payload)
            if self._around.spread:
                self._be_another(world)
        if (impulse := self._pushes.due(now)) is not None:
            world.push(impulse)
        if self._pacer is None:
            self._run(world, steps)
            return
        felt = np.zeros(3)
        paced = max(1, round(PACED / self._dt))
        for first in range(0, steps, paced):
            chunk = min(paced, steps - first)
            self._run(world, chunk)
            felt += chunk * self._accel
            if self._gui and self._camera is not None:
                self._camera.follow()
            self._pacer.pace(chunk * self._dt)
        self._accel = felt / steps

    def _later(self) -> int:
        """Physics steps by which this command is later than the earliest."""
        (low, high), rng = self._latency, self._latency_rng
        drawn = rng.uniform(0.0, high - low) if high > low else 0.0
        if not self._around.spread:
            return round(drawn / self._dt)
        # So small a share of a short latency is less than a step: sometimes a step, and right on average.
        earliest = low + self._distorter.distortion.command_delay
        steps = math.floor(self._longer * (earliest + drawn) / self._dt + rng.uniform())
        return max(steps, 0) - self._motors.latency_steps

    def _draw(self) -> Conditions:
        """The next conditions; the motors take theirs at once."""
        drawn = self._drawn.next()
        self._vary_at = self._clock.now() + self._vary_every
        self._motors.set_strength(drawn.kp_scale, np.full(self._info.joints, drawn.max_torque), self._share)
        return drawn

    def _be_another(self, world: World) -> None:
        """The next robot of those around the one that is described."""
        near, wrong = self._around.next(), self._distorter.distortion
        world.rub(near.coulomb * np.array(wrong.coulomb), near.viscous * np.array(wrong.viscous))
        self._distorter.vary(near.torque)
        self._longer = near.latency

    def _run(self, world: World, steps: int) -> None:
        before, felt, since = self._felt(world), np.zeros(3), 0
        turned = max(1, round(FELT / self._dt))
        for step in range(1, steps + 1):
            pos, vel = world.joint_states()
            self._torque = self._motors.torque(self._distorter.encoder(pos), self._distorter.wired(vel))
            given = self._distorter.torque(self._torque)
            self._trace.add(pos, vel, given)
            if self._carried is not None:
                world.carry(self._carried)
            world.step(given)
            self._lived += 1
            if self._delay.steps:
                self._late = self._delay(self._look(world))
            if step % turned == 0 or step == steps:
                now = self._felt(world)
                felt += self._gained(before, now, step - since)
                before, since = now, step
        self._accel, self._state = felt / (steps * self._dt), None

    def _look(self, world: World) -> Snapshot:
        pos, vel = world.joint_states()
        return Snapshot(world.base(), pos, vel, self._torque, world.foot_force())

    def _felt(self, world: World) -> Base:
        """The trunk as the sensors feel it, which may be late."""
        return self._late.base if self._late else world.base()

    def _gained(self, before: Base, now: Base, steps: int) -> Array:
        """The speed [3] m/s that an accelerometer feels between the two, in the frame of a turning body."""
        gained = now.velocity - before.velocity + np.array([0.0, 0.0, steps * self._dt * GRAVITY])
        felt: Array = 0.5 * (before.rotation + now.rotation).T @ gained
        return felt

    def _sense(self, world: World) -> RobotState:
        """One noisy reading of every sensor."""
        noise, std = self._noise, self._noise.config
        base, pos, vel, torque, force = self._late or self._look(world)
        sensed = self._distorter.sense(
            Sensed(pos, base.quat_xyzw, base.rotation.T @ base.angular, self._accel, force),
            self._lived * self._dt,
        )
        self._seq += 1
        return RobotState(
            time=self._clock.now(),
            joint_pos=noise.add(sensed.joint_pos, std.joint_pos),
            joint_vel=noise.add(self._distorter.wired(vel), std.joint_vel),
            joint_torque=noise.add(torque, std.joint_torque),
            quat_xyzw=noise.turn(sensed.quat_xyzw),
            gyro=noise.add(sensed.gyro, std.gyro),
            accel=noise.add(sensed.accel, std.accel),
            foot_force=noise.add(sensed.foot_force, std.foot_force),
            temperature=np.full(self._info.joints, MOTOR_TEMPERATURE),
            seq=self._seq,
        )

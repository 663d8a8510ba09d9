"""The servo's tick against a robot that is two dozen lines: no process, no socket, no time but what a test says."""

import gc
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from robots.a1 import model, wire
from robots.a1.protocol import LowState, decode_command, encode_state
from robots.a1.records import FAULTS, ORDER, blank, get_causes, put_command
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_loop import ServoLoop, damping
from robots.robot import JointCommand
from robots.safety.config import SafetyConfig
from robots.safety.faults import Fault
from robots.safety.modes import Mode

INFO = model.info(simulated=False)
STAND = INFO.stand_pos
TICK = 0.002
LIMP = ("kp", "torque")


class Plant:
    """A servo loop, the robot it drives, and the driver that orders. Joints go where they are told at once."""

    def __init__(self, config: ServoConfig | None = None):
        self.now = 100.0
        self.config = config or ServoConfig()
        self.loop = ServoLoop(INFO, self.config, self.now)
        self.order = blank(ORDER)
        self.pos = STAND.copy()
        self.temperature = 30.0
        self.answers = True
        self.orphaned = False
        self.rng = np.random.default_rng(0)

    def packet(self) -> bytes:
        slots = np.zeros(wire.SLOTS)
        pos, warm = slots.copy(), slots + self.temperature
        pos[:12] = self.pos
        noise = self.rng.normal(0, 1e-3, 3)  # an IMU that repeats itself is broken
        up, gravity = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 9.81])
        rest = (slots + wire.SERVO, pos, slots, slots, slots, warm, np.full(4, 30.0))
        return encode_state(LowState(up, noise, gravity + noise, np.zeros(3), *rest))

    def command(self, pos=STAND, **changes):
        put_command(self.order, "command", replace(JointCommand.hold(pos, INFO), **changes))
        self.order["commands"] += 1
        self.loop.obey(self.order, self.now + TICK)  # it is found at the tick that comes

    def tick(self, count: int = 1):
        """``count`` ticks; the last command that the robot got, its first twelve slots."""
        for _ in range(count):
            self.now += TICK
            if self.answers:
                self.loop.hear(self.packet(), self.now)
            low = decode_command(self.loop.step(self.now, self.orphaned))
            self.last = low
            servo = low.mode[:12] == wire.SERVO
            if servo.all() and low.kp[:12].any():
                self.pos = low.pos[:12].copy()
        return self.last

    def drive(self, seconds: float, pos=STAND):
        """Command ``pos`` 20 times a second."""
        for _ in range(round(seconds / 0.05)):
            self.command(pos)
            self.tick(25)
        return self.last

    def faults(self):
        """All that were ever found."""
        return {fault for fault, count in zip(FAULTS, self.loop.report["faults"], strict=True) if count}

    def causes(self):
        return {finding.fault for finding in get_causes(self.loop.report)}


@pytest.fixture
def plant():
    return Plant()


def is_damping(low) -> bool:
    return not low.kp[:12].any() and not low.torque[:12].any() and bool((low.kd[:12] > 0).all())


def test_before_the_first_command_it_damps_however_long_that_takes(plant):
    for _ in range(3):
        assert is_damping(plant.tick(300))
    assert plant.loop.mode is Mode.NORMAL


def test_before_the_first_state_it_asks_for_one_by_damping(plant):
    plant.answers = False
    assert is_damping(plant.tick())
    plant.command()
    assert is_damping(plant.tick()), "nothing is commanded to a robot that was never seen"


def test_a_target_is_reached_in_small_steps_over_the_command_interval(plant):
    plant.drive(1.0)
    plant.command(STAND + 0.1)
    positions = [plant.tick().pos[1] for _ in range(30)]
    steps = np.diff([STAND[1], *positions])
    assert steps[:25].max() == pytest.approx(0.1 / 25, rel=0.01)  # 50 ms are 25 ticks
    assert positions[24] == pytest.approx(STAND[1] + 0.1, abs=1e-6)
    assert np.abs(steps[25:]).max() < 1e-6


def test_waking_up_is_soft_and_starts_where_the_robot_is(plant):
    plant.pos = STAND - 0.15
    plant.tick(10)
    plant.command()
    first = plant.tick()
    assert first.pos[1] == pytest.approx(STAND[1] - 0.15, abs=0.15 / 25 + 1e-6)
    assert first.kp[0] <= 100 * TICK / plant.config.gain_ramp + 1 / 32
    low = plant.drive(1.0)
    np.testing.assert_allclose(low.kp[:12], 100.0)


def test_without_a_fresh_command_it_holds_then_damps_all_by_itself(plant):
    plant.drive(1.0)
    low = plant.tick(100)  # 50 ms of which passed before, so 250 ms since the last command
    assert plant.loop.mode is Mode.HOLD and low.kp[:12].all()
    np.testing.assert_allclose(low.pos[:12], STAND, atol=1e-6)
    low = plant.tick(400)  # 1.05 s
    assert plant.loop.mode is Mode.DAMP and is_damping(low)
    assert plant.causes() == {Fault.COMMAND_LOST}


def test_a_command_after_the_stop_moves_nothing(plant):
    plant.drive(1.0)
    plant.tick(100)
    low = plant.drive(0.5, STAND + 0.1)
    np.testing.assert_allclose(low.pos[:12], STAND, atol=1e-6)
    assert plant.loop.mode is Mode.HOLD


def move_by_hand(plant, joint, by, ticks=300):
    """Somebody who is stronger than the motors; the torques asked for at that joint, N m, one a tick."""
    torques, begun = [], plant.pos.copy()
    for share in np.linspace(0, 1, ticks + 1)[1:]:
        plant.pos = begun.copy()
        plant.pos[joint] += share * by
        measured = plant.pos[joint]
        low = plant.tick()
        torques.append(low.kp[joint] * (low.pos[joint] - measured))
        plant.pos[joint] = measured
    return np.array(torques)


@pytest.mark.parametrize(("clip", "most"), [(0.2, 20.0), (0.1, 10.0)])
def test_held_it_pulls_no_harder_than_it_may_while_it_is_commanded(clip, most):
    """Without a bound 0.6 rad x 100 N m/rad would be 60 N m, and a motor switches off at 33.5."""
    plant = Plant(ServoConfig(error_clip=clip))
    plant.drive(1.0)
    plant.tick(100)
    assert plant.loop.mode is Mode.HOLD
    torques = move_by_hand(plant, 1, 0.6)
    assert plant.loop.mode is Mode.HOLD
    assert np.abs(torques).max() == pytest.approx(most, abs=0.01) and (torques < 0).all()
    move_by_hand(plant, 1, -0.6, 50)
    np.testing.assert_allclose(plant.last.pos[:12], STAND, atol=1e-5)


def test_held_it_does_not_pull_harder_when_the_robot_falls_silent(plant):
    plant.drive(1.0)
    plant.tick(75)
    move_by_hand(plant, 1, 0.6, 200)
    plant.answers = False
    for _ in range(100):  # 0.2 s, of which the last 0.1 s are late
        low = plant.tick()
        assert low.pos[1] == pytest.approx(STAND[1] + 0.4, abs=1e-5)
    assert plant.loop.mode is Mode.HOLD and Fault.STATE_LATE in plant.faults()


def test_when_the_state_goes_stale_it_holds_then_damps(plant):
    plant.drive(1.0)
    plant.answers = False
    low = plant.drive(0.15)
    assert plant.loop.mode is Mode.HOLD and low.kp[:12].all()
    low = plant.drive(0.45)
    assert plant.loop.mode is Mode.DAMP and is_damping(low)
    assert plant.causes() == {Fault.STATE_LOST}


def test_an_orphan_holds_damps_and_leaves(plant):
    plant.drive(1.0)
    plant.orphaned = True
    low = plant.tick()
    assert plant.loop.mode is Mode.HOLD and low.kp[:12].all()
    low = plant.tick(round(plant.config.orphan_hold / TICK) + 1)
    assert plant.loop.mode is Mode.DAMP and is_damping(low)
    ticks = 1  # the one above
    while not plant.loop.done:
        assert is_damping(plant.tick())
        ticks += 1
    assert ticks == plant.config.damp_ticks


def test_a_passive_orphan_is_never_stiffened(plant):
    plant.tick(10)
    plant.orphaned = True
    while not plant.loop.done:
        assert is_damping(plant.tick())


def test_told_to_leave_it_damps_for_its_ticks_and_is_done(plant):
    plant.drive(1.0)
    plant.order["close"] = 1
    plant.loop.obey(plant.order, plant.now)
    for _ in range(plant.config.damp_ticks):
        assert not plant.loop.done
        assert is_damping(plant.tick())
    assert plant.loop.done


def test_a_trip_damps_at_the_next_tick_and_stays(plant):
    plant.drive(1.0)
    trip(plant, Fault.EMERGENCY_STOP)
    assert is_damping(plant.tick())
    assert is_damping(plant.drive(0.5))
    assert plant.causes() == {Fault.EMERGENCY_STOP}


def trip(plant, *faults):
    for fault in faults:
        plant.order["trips"][FAULTS.index(fault)] += 1
    plant.loop.obey(plant.order, plant.now)


def reset(plant):
    plant.order["resets"] += 1
    plant.loop.obey(plant.order, plant.now)


def test_no_trip_hides_behind_another_of_the_same_order(plant):
    plant.drive(1.0)
    trip(plant, Fault.SWITCHED_OFF, Fault.EMERGENCY_STOP)
    assert (plant.tick(2).mode == wire.BRAKE).all() and plant.loop.mode is Mode.OFF
    causes = [finding.fault for finding in get_causes(plant.loop.report)]
    assert causes == [Fault.SWITCHED_OFF, Fault.EMERGENCY_STOP], "the worst first"


def test_a_reset_in_the_same_order_as_a_trip_grants_nothing(plant):
    plant.drive(1.0)
    plant.order["resets"] += 1
    trip(plant, Fault.EMERGENCY_STOP)
    assert is_damping(plant.tick()) and plant.loop.mode is Mode.DAMP


@pytest.mark.parametrize(("pause", "mode"), [(0.19, Mode.NORMAL), (0.21, Mode.HOLD), (1.1, Mode.DAMP)])
def test_a_servo_that_had_no_turn_knows_how_long_the_robot_got_no_command(plant, pause, mode):
    """However fresh the driver's command is when it wakes up."""
    plant.drive(1.0)
    plant.now += pause
    plant.command()
    plant.tick()
    assert plant.loop.mode is mode
    assert plant.causes() == {
        Mode.NORMAL: set(), Mode.HOLD: {Fault.COMMAND_LATE}, Mode.DAMP: {Fault.COMMAND_LOST},
    }[mode]  # fmt: skip


def test_no_reset_while_the_robot_is_silent(plant):
    plant.drive(1.0)
    plant.answers = False
    plant.drive(0.6)
    assert plant.loop.mode is Mode.DAMP
    reset(plant)
    assert plant.loop.mode is Mode.DAMP
    plant.answers = True
    plant.tick()
    reset(plant)
    assert plant.loop.mode is Mode.NORMAL


def test_after_a_reset_from_damping_the_robot_is_passive_until_commanded(plant):
    plant.drive(1.0)
    plant.tick(600)
    reset(plant)
    assert plant.loop.mode is Mode.NORMAL
    assert is_damping(plant.tick(100))
    plant.command()
    assert plant.tick().kp[0] < 2.0, "and wakes up softly"


def test_after_a_reset_from_holding_it_is_held_on_for_as_long_as_a_command_lasts(plant):
    plant.drive(1.0)
    plant.tick(100)
    reset(plant)
    low = plant.tick(50)
    assert plant.loop.mode is Mode.NORMAL
    np.testing.assert_allclose(low.kp[:12], 100.0)
    np.testing.assert_allclose(low.pos[:12], STAND, atol=1e-6)
    low = plant.drive(0.5, STAND + 0.1)
    np.testing.assert_allclose(low.pos[:12], STAND + 0.1, atol=1e-5)


def test_a_reset_from_holding_does_not_go_on_to_the_target_from_before(plant):
    plant.drive(1.0)
    plant.command(STAND + 0.5)
    plant.tick()  # on its way for a 25th of it: 0.02 rad
    trip(plant, Fault.COMMAND_LATE)
    held = plant.tick(200).pos[:12]
    assert plant.loop.mode is Mode.HOLD and np.abs(held - STAND).max() < 0.05
    reset(plant)
    for _ in range(50):
        np.testing.assert_allclose(plant.tick().pos[:12], held, atol=1e-6)
    low = plant.drive(0.5, held + 0.1)
    np.testing.assert_allclose(low.pos[:12], held + 0.1, atol=1e-5)


def test_a_reset_of_a_robot_that_obeys_does_not_let_go_of_it(plant):
    plant.drive(1.0)
    reset(plant)
    np.testing.assert_allclose(plant.tick().kp[:12], 100.0)
    assert plant.loop.report["resets"] == 1


def test_no_reset_while_the_fault_is_there(plant):
    plant.drive(1.0)
    plant.temperature = 60.0
    plant.tick(10)
    assert plant.loop.mode is Mode.OFF
    reset(plant)
    assert plant.loop.mode is Mode.OFF
    plant.temperature = 40.0
    plant.tick()
    reset(plant)
    assert plant.loop.mode is Mode.NORMAL


def test_off_damps_once_is_mode_zero_then_and_the_robot_goes_on_answering(plant):
    plant.drive(1.0)
    plant.temperature = 61.0
    low = plant.tick()
    assert (low.mode[:12] == wire.SERVO).all() and not low.kp.any() and (low.kd[:12] > 0).all()
    for low in (plant.tick(), plant.tick(9)):
        assert (low.mode == wire.BRAKE).all() and not low.kp.any() and not low.kd.any()
    before = int(plant.loop.report["state"]["seq"])
    plant.tick(10)
    assert int(plant.loop.report["state"]["seq"]) == before + 10


@pytest.mark.parametrize("packet", [b"", bytes(771), b"x" * 771, bytes(610), bytes(5000)], ids=len)
def test_what_is_no_state_is_dropped_and_counted(plant, packet):
    plant.tick()
    before = plant.loop.report["state"]["seq"].copy()
    plant.loop.hear(packet, plant.now)
    assert plant.loop.report["dropped"] == 1
    assert plant.loop.report["state"]["seq"] == before


def test_targets_beyond_the_limits_never_reach_the_robot(plant):
    plant.drive(1.0)
    low = plant.drive(0.6, np.full(12, 100.0))
    assert (low.pos[:12] <= INFO.joint_upper).all()
    low = plant.drive(0.6, np.full(12, -100.0))
    assert (low.pos[:12] >= INFO.joint_lower).all()


def test_the_last_resort_damps_without_knowing_anything():
    assert is_damping(decode_command(damping()))


def test_the_sum_of_accelerations_is_over_all_readings(plant):
    plant.tick(50)
    report = plant.loop.report
    np.testing.assert_allclose(report["accel_sum"] / report["state"]["seq"], [0, 0, 9.81], atol=1e-3)


def test_memory_does_not_grow(plant):
    plant.drive(0.5)
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        plant.drive(1.0)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000  # bytes, over 500 ticks


def test_the_configuration_survives_json_infinite_limits_too():
    config = ServoConfig(host="10.0.0.1", hz=400.0, safety=SafetyConfig(tilt=float("inf"), power=123.0))
    assert ServoConfig.from_json(config.to_json()) == config

"""The stop box in the servo's tick, and what it keeps on disk; no process, no port, no time but what a test says."""

import os
import socket

import numpy as np
import pytest

from robots.a1 import model, wire
from robots.a1.mailbox import Mailbox
from robots.a1.protocol import LowState, decode_command, encode_state
from robots.a1.realtime import Granted
from robots.a1.records import ESTOPS, FAULTS, ORDER, REPORT, blank, get_causes, parse, put_command
from robots.a1.servo import Servo
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_loop import ServoLoop
from robots.clock import ManualClock
from robots.robot import JointCommand
from robots.safety import latch
from robots.safety.estop import Estop, heartbeat
from robots.safety.faults import Fault
from robots.safety.modes import Mode
from tests.awaiting import until

INFO = model.info(simulated=False)
TICK = 0.002


def state(joints=INFO.stand_pos, temperature=30.0, noise=0.0):
    """A packet of the robot, upright and at rest."""
    slots, noise = np.zeros(wire.SLOTS), np.zeros(3) + noise
    pos = slots.copy()
    pos[:12] = joints
    rest = (slots, pos, slots, slots, slots, slots + temperature, np.full(4, 30.0))
    gravity = np.array([0.0, 0.0, 9.81])
    return encode_state(LowState(np.array([1.0, 0.0, 0.0, 0.0]), noise, gravity + noise, np.zeros(3), *rest))


class Driven:
    """A servo loop with a box that beats every 10 ticks, and a robot whose joints go where they are told."""

    def __init__(self, beating=True):
        self.now, self.ticks, self.counter = 10.0, 0, 0
        self.estop = Estop(self.now)
        self.loop = ServoLoop(INFO, ServoConfig(), self.now, self.estop)
        self.order, self.rng = blank(ORDER), np.random.default_rng(0)
        self.beating, self.pressed = beating, False
        self.pos, self.temperature = INFO.stand_pos.copy(), 30.0

    def beat(self):
        self.estop.hear(heartbeat(self.counter, self.pressed), self.now)
        self.counter += 1

    def command(self):
        put_command(self.order, "command", JointCommand.hold(INFO.stand_pos, INFO))
        self.order["commands"] += 1
        self.loop.obey(self.order, self.now)

    def tick(self, count=1, orphaned=False):
        for _ in range(count):
            self.now, self.ticks = self.now + TICK, self.ticks + 1
            if self.beating and self.ticks % 10 == 0:
                self.beat()
            packet = state(self.pos, self.temperature, self.rng.normal(0, 1e-3, 3))
            self.loop.hear(packet, self.now)
            low = decode_command(self.loop.step(self.now, orphaned))
        return low

    def drive(self, seconds=0.2):
        for _ in range(round(seconds / 0.05)):
            self.command()
            low = self.tick(25)
        return low

    def reset(self):
        self.order["resets"] += 1
        self.loop.obey(self.order, self.now)
        return self.loop.mode

    @property
    def told(self):
        return ESTOPS[int(self.loop.report["estop"])].value

    @property
    def stops(self):
        return [stop.fault for stop in self.loop.stops]


@pytest.fixture
def driven():
    made = Driven()
    made.tick(30)
    assert made.drive().kp[:12].all()
    assert made.told == "ready"
    return made


def is_damping(low) -> bool:
    return not low.kp[:12].any() and not low.torque[:12].any() and bool((low.kd[:12] > 0).all())


def test_without_a_box_the_report_says_so():
    loop = ServoLoop(INFO, ServoConfig(), 0.0)
    loop.step(0.002)
    assert ESTOPS[int(loop.report["estop"])].value == "none"


def test_nothing_moves_before_the_box_is_heard():
    mute = Driven(beating=False)
    assert is_damping(mute.drive(0.5))
    assert (mute.told, mute.loop.mode) == ("waiting", Mode.NORMAL), "waiting is no fault"
    mute.beating = True
    mute.tick(20)
    assert mute.told == "ready"
    assert is_damping(mute.tick()), "the commands of before are gone"
    assert mute.drive().kp[:12].all()


def test_a_press_damps_in_the_tick_that_hears_it(driven):
    driven.pressed = True
    driven.beat()
    assert is_damping(driven.tick())
    assert (driven.told, driven.loop.mode) == ("pressed", Mode.DAMP)
    assert [cause.text(INFO) for cause in get_causes(driven.loop.report)] == ["the stop button is pressed"]


def test_silence_damps_a_robot_that_is_commanded_as_ever(driven):
    driven.beating = False
    assert is_damping(driven.drive(0.3))
    (cause,) = get_causes(driven.loop.report)
    assert cause.fault is Fault.STOP_BOX_SILENT and driven.told == "lost"
    assert cause.value == pytest.approx(0.2, abs=2 * TICK)


def test_a_reset_needs_the_button_released(driven):
    driven.pressed = True
    driven.tick(10)
    assert driven.reset() is Mode.DAMP
    driven.pressed = False
    driven.tick(10)
    assert driven.loop.mode is Mode.DAMP, "released, not reset"
    assert driven.reset() is Mode.NORMAL
    driven.tick()
    assert (driven.told, driven.stops) == ("ready", [])
    assert driven.drive().kp[:12].all()


def test_a_press_while_the_motors_are_off_is_remembered(driven):
    driven.temperature = 61.0
    driven.tick()
    driven.pressed = True
    driven.beat()
    driven.tick()
    assert driven.loop.mode is Mode.OFF
    assert driven.stops == [Fault.MOTOR_HOT, Fault.STOP_BUTTON]


def test_the_death_of_the_driver_is_not_kept_and_a_press_after_it_is(driven):
    driven.tick(20, orphaned=True)
    assert driven.loop.mode is Mode.DAMP and driven.stops == []
    driven.pressed = True
    driven.beat()
    driven.tick(1, orphaned=True)
    assert driven.stops == [Fault.STOP_BUTTON]


def test_a_joint_outside_its_limits_is_kept_only_when_somebody_may_have_moved_it(driven):
    still = Driven()
    still.pos[0] = driven.pos[0] = 1.0
    still.tick(3)
    driven.tick(3)
    assert still.loop.mode is driven.loop.mode is Mode.DAMP
    assert still.stops == [] and driven.stops[0] in (Fault.JOINT_POSITION, Fault.JOINT_JUMP)


def test_a_fault_that_goes_on_begins_once_and_one_that_comes_back_begins_anew(driven):
    for times in (1, 2, 3):
        driven.temperature = 61.0
        driven.tick(300)
        assert (driven.stops, driven.loop.begun) == ([Fault.MOTOR_HOT], times)
        driven.temperature = 59.0
        driven.tick(300)  # 0.6 s


def test_every_press_of_the_button_begins_anew_although_the_first_stops_the_robot_all_the_while(driven):
    for _ in range(3):
        driven.pressed = True
        driven.tick(20)
        assert driven.stops == [Fault.STOP_BUTTON]
        driven.pressed = False
        driven.tick(20)
    assert driven.loop.begun == 1 + 3  # the fault, and its presses


def test_a_fault_at_its_limit_does_not_begin_anew_in_every_other_tick(driven):
    for _ in range(300):
        driven.temperature = 61.0
        driven.tick()
        driven.temperature = 59.0
        driven.tick()
    assert (driven.stops, driven.loop.begun) == ([Fault.MOTOR_HOT], 1)


def test_every_trip_begins_anew_however_soon(driven):
    for presses in (1, 2, 3):
        driven.order["trips"][FAULTS.index(Fault.EMERGENCY_STOP)] += 1
        driven.loop.obey(driven.order, driven.now)
        driven.tick()
        assert (driven.stops, driven.loop.begun) == ([Fault.EMERGENCY_STOP], presses)


# The servo around it


class Around:
    """A servo whose robot is a socket, with a file for its stops."""

    def __init__(self, file):
        self.robot = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.robot.bind(("127.0.0.1", 0))
        self.orders, self.reports = Mailbox(ORDER.itemsize), Mailbox(REPORT.itemsize)
        config = ServoConfig(
            host="127.0.0.1", port=self.robot.getsockname()[1], local_port=0, damp_time=0.02, latch=str(file)
        )
        sides = (
            Mailbox(ORDER.itemsize, os.dup(self.orders.fd)),
            Mailbox(REPORT.itemsize, os.dup(self.reports.fd)),
        )
        self.servo = Servo(config, *sides, parent=os.getppid(), clock=ManualClock(50.0))
        self.order = blank(ORDER)

    def run(self, **orders):
        """Until it leaves, with ``orders`` from the beginning."""
        for name, value in orders.items():
            self.order[name] = value
        self.order["close"] = 1
        self.orders.post(self.order.tobytes())
        self.servo.run(Granted(False, False))
        return parse(REPORT, self.reports.take().content)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a1-lab.stop"


@pytest.fixture
def around(file):
    made = Around(file)
    yield made
    made.robot.close()


def test_a_trip_is_on_the_disk_when_the_servo_has_left(around, file):
    report = around.run(trips=[fault is Fault.EMERGENCY_STOP for fault in FAULTS])
    assert report["mode"] == Mode.DAMP
    kept = latch.read(file)
    assert (kept.robot, kept.why) == ("a1-lab", "someone pressed stop")


def test_a_press_after_the_first_was_removed_from_the_disk_is_kept_too(around, file):
    """As `daydreamer robot reset` does while the program runs, which has not heard of it."""
    kept, loop = [], around.servo.loop
    around.servo._keeper.close()

    class Keeper:
        owes = False

        def keep(self, why):
            kept.append(why)

        def close(self):
            """It waited for no disk."""
            return True

    around.servo._keeper = Keeper()
    for now in (50.0, 50.1, 50.2):
        around.order["trips"][FAULTS.index(Fault.EMERGENCY_STOP)] += 1
        for tick in range(5):
            loop.obey(around.order, now + tick * TICK)
            loop.step(now + tick * TICK)
            around.servo._keep(now)
    assert kept == 3 * ["someone pressed stop"]
    around.run()


def test_a_servo_that_leaves_in_peace_keeps_nothing(around, file):
    around.run()
    assert latch.read(file) is None


def test_a_granted_reset_takes_it_from_the_disk(around, file):
    latch.write(file, latch.Stop("a1-lab", "someone pressed stop", "", ""))
    around.servo.loop.stops = ("as if it had kept it",)
    around.servo._kept = (0, around.servo.loop.stops)
    around.servo.loop.hear(state(), 50.0)
    around.run(resets=1)
    assert latch.read(file) is None


@pytest.fixture
def read_only(monkeypatch):
    """The disk takes no stop until what this returns is called."""
    really = latch.write

    def refuse(path, stop):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(latch, "write", refuse)
    monkeypatch.setattr(latch, "RETRY", 0.001)
    return lambda: monkeypatch.setattr(latch, "write", really)


def press(around, now):
    around.order["trips"][FAULTS.index(Fault.EMERGENCY_STOP)] += 1
    around.servo.loop.obey(around.order, now)
    around.servo.loop.step(now)


def unkept(around, now):
    around.servo._keep(now)
    return int(around.servo.loop.report["unkept"])


def test_a_stop_that_the_disk_does_not_take_is_told_after_a_second_until_it_does(around, file, read_only):
    assert unkept(around, 50.0) == 0
    press(around, 60.0)
    assert [unkept(around, now) for now in (60.0, 60.5, 61.0, 61.01, 70.0)] == [0, 0, 0, 1, 1]
    press(around, 71.0)
    assert unkept(around, 71.0) == 1, "it is not kept any more than the one before"
    read_only()
    until(lambda: not around.servo._keeper.owes, "the disk has it")
    assert unkept(around, 72.0) == 0 and latch.read(file).why == "someone pressed stop"
    press(around, 73.0)
    assert unkept(around, 73.0) == 0, "the next one has its second, too"
    around.run()


def test_a_servo_that_leaves_without_the_disk_having_a_stop_says_so(around, file, read_only, capfd):
    keeper = around.servo._keeper
    close, keeper.close = keeper.close, lambda: close(0.02)
    around.run(trips=[fault is Fault.EMERGENCY_STOP for fault in FAULTS])
    (line,) = capfd.readouterr().err.splitlines()
    assert "someone pressed stop" in line
    assert line.endswith(f"could not be written to {file} (Read-only file system): a restart forgets it")

"""Every way to stop an A1 that is driven over UDP: the box on a pseudo-terminal, the remote, a call; and after it."""

import threading

import pytest

from robots.a1.driver import A1
from robots.a1.emulated import SOFT_STOPS
from robots.a1.emulated_box import EmulatedBox
from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess
from robots.robot import JointCommand, RobotError, RobotStopped
from robots.safety import latch
from robots.safety.faults import Fault
from robots.safety.modes import Mode
from tests.awaiting import until

pytest.importorskip("pybullet")
pytest.importorskip("serial")


class Bench:
    """One emulated A1 for all tests. A driver and a box for each."""

    def __init__(self):
        self.emulator = EmulatorProcess(EmulatorConfig(port=0, start="belly"))
        self.made, self.boxes = [], []

    def driver(self, **options) -> A1:
        calm = {"damp_time": 0.02, "safety": PATIENT, "patience": 60.0}
        robot = A1(*self.emulator.address, local_port=0, **calm, **options)
        self.made.append(robot)
        return robot

    def box(self) -> EmulatedBox:
        self.boxes.append(EmulatedBox())
        self.boxes[-1].start()
        return self.boxes[-1]

    def tidy(self):
        for robot in self.made:
            robot.close()
        for box in self.boxes:
            box.stop()
            box.unplug()
        self.made.clear()
        self.boxes.clear()


# Tests stall on a busy computer; what is tested here is not how late a command may be.
PATIENT = {**SOFT_STOPS, "command_hold": 5.0, "command_damp": 9.0, "state_hold": 5.0, "state_damp": 9.0}


@pytest.fixture(scope="module")
def emulated():
    made = Bench()
    yield made
    made.emulator.end()


@pytest.fixture
def bench(emulated):
    yield emulated
    emulated.emulator.hold_stop(False)
    emulated.tidy()


def lie(robot):
    """Hold the joints where they are."""
    robot.write(JointCommand.hold(robot.read().joint_pos, robot.info))
    until(lambda: robot.stopped or robot.sent().kp.any())


def test_box_press_release_reset(bench, tmp_path):
    box = bench.box()
    robot = bench.driver(estop=box.port, estop_silence=1.0, latch=tmp_path / "a1.stop")
    robot.connect()
    assert robot.estop == "ready" and robot.stopped == ""
    lie(robot)
    box.press()
    until(lambda: robot.mode is Mode.DAMP)
    assert robot.stopped == "DAMP: the stop button is pressed" and robot.estop == "pressed"
    assert not robot.sent().kp.any()
    until(lambda: latch.read(robot.latch_file) is not None)
    with pytest.raises(RobotError, match="the stop button is pressed"):
        robot.reset("Ada")
    box.press(False)
    until(lambda: robot.mode is Mode.DAMP and not resets(robot))
    assert robot.stopped == "" and robot.estop == "ready"
    until(lambda: latch.read(robot.latch_file) is None)
    lie(robot)
    box.unplug()
    until(lambda: robot.mode is Mode.DAMP)
    assert robot.stopped == "DAMP: the stop box is unplugged" and robot.estop == "lost"


def resets(robot) -> bool:
    """Whether a reset is refused."""
    try:
        robot.reset("Ada")
    except RobotError:
        return True
    return False


def test_a_stop_on_disk_refuses_the_next_life_until_a_person_resets_it(bench, tmp_path):
    file = tmp_path / "a1.stop"
    robot = bench.driver(latch=file)
    robot.connect()
    robot.trip(Fault.EMERGENCY_STOP)
    until(file.exists)
    robot.close()
    again = bench.driver(latch=file)
    with pytest.raises(
        RobotStopped, match=r"someone pressed stop\. Look at the robot.*robot reset --robot a1 --host"
    ):
        again.connect()
    assert again.servo_pid is None, "nothing was started"
    latch.reset(file, "Ada")
    again.connect()
    assert again.stopped == ""


def test_a_reset_in_the_running_program_is_remembered_with_its_name(bench, tmp_path):
    robot = bench.driver(latch=tmp_path / "a1.stop")
    robot.connect()
    robot.trip(Fault.EMERGENCY_STOP)
    until((tmp_path / "a1.stop").exists)
    robot.reset("Ada")
    until(lambda: not (tmp_path / "a1.stop").exists())
    assert '"reset_by": "Ada"' in (tmp_path / "a1.history.jsonl").read_text()


def test_the_remotes_chord_stops(bench):
    robot = bench.driver()
    robot.connect()
    lie(robot)
    bench.emulator.hold_stop(True)
    until(lambda: robot.mode is Mode.DAMP)
    assert robot.stopped == "DAMP: L2 and B are pressed on the robot's remote control"
    bench.emulator.hold_stop(False)
    until(lambda: not resets(robot))
    assert robot.stopped == ""


def test_a_box_that_is_asked_for_and_absent_starts_nothing(bench):
    robot = bench.driver(estop="/dev/ttyNONE")
    with pytest.raises(
        RobotError, match="/dev/ttyNONE cannot be opened, so no motor is started: No such file"
    ):
        robot.connect()
    assert robot.servo_pid is None


def test_a_port_without_a_box_starts_nothing(bench, monkeypatch):
    monkeypatch.setattr("robots.safety.estop_serial.PATIENCE", 0.5)
    cable = EmulatedBox()
    robot = bench.driver(estop=cable.port)
    with pytest.raises(RobotError, match=r"no heartbeat of a stop box on .* within 0\.5 s"):
        robot.connect()
    assert robot.servo_pid is None
    cable.unplug()


def test_a_trip_waits_for_nothing_that_another_thread_does(bench):
    robot = bench.driver()
    robot.connect()
    with robot._lock:  # as during a reset or a connect that waits for the servo
        thread = threading.Thread(target=robot.trip, args=(Fault.EMERGENCY_STOP,))
        thread.start()
        thread.join(60.0)
        assert not thread.is_alive()
    until(lambda: robot.mode is Mode.DAMP)
    assert robot.stopped == "DAMP: someone pressed stop"


def test_trips_commands_and_resets_of_many_threads_lose_no_trip(bench):
    robot = bench.driver()
    robot.connect()
    command = JointCommand.hold(robot.read().joint_pos, robot.info)
    threads = [threading.Thread(target=robot.trip, args=(Fault.EMERGENCY_STOP,)) for _ in range(20)]
    for thread in threads:
        thread.start()
        robot.write(command)
    for thread in threads:
        thread.join(60.0)
    until(lambda: robot.mode is Mode.DAMP)
    assert robot._order["trips"].sum() == 20


def test_a_trip_of_nothing_is_told(bench):
    with pytest.raises(RobotError, match="not connected"):
        bench.driver().trip(Fault.EMERGENCY_STOP)


def test_where_a_stop_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert A1().latch_file is None
    assert A1(latch=True).latch_file == tmp_path / "daydreamer" / "a1-192.168.123.10.stop"
    assert A1("10.0.0.7", latch=True).latch_file == tmp_path / "daydreamer" / "a1-10.0.0.7.stop"

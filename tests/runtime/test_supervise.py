import signal
import sys

import pytest

from daydreamer.runtime.backoff import Backoff
from daydreamer.runtime.supervise import (
    Child,
    Supervisor,
    last_words,
    learner_threads,
    start_process,
    threads_here,
)
from robots.clock import ManualClock
from robots.robot import NO_ROBOT


class FakeProcess:
    def __init__(self, pid, clock, lives, code):
        self.pid, self._clock, self._until, self._code = pid, clock, clock.now() + lives, code
        self.signals = []
        self.stubborn = False

    def poll(self):
        return self._code if self._clock.now() >= self._until else None

    def end(self, code=0):
        self.end_at(self._clock.now(), code)

    def end_at(self, time, code=0):
        self._until, self._code = time, code


class World:
    """Children with scripted lives: ``lives[name]`` is a list of (seconds, exit code); the last one repeats."""

    def __init__(self, tmp_path, **lives):
        self.clock, self.lives = ManualClock(), lives
        self.started, self.killed, self.warnings = [], [], []
        self.when = {}  # by pid and signal
        self.running = {}
        self.cannot = set()  # names of children that do not start
        self.children = [
            Child(name, ["x"], tmp_path / f"{name}.log", decides=name == "learner")
            for name in ("learner", "actor")
        ]
        self.supervisor = Supervisor(
            self.children, self.warnings.append, clock=self.clock, start=self.start, kill=self.kill
        )

    def start(self, child):
        if child.name in self.cannot:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.started.append((child.name, round(self.clock.now())))
        script = self.lives[child.name]
        seconds, code = script.pop(0) if len(script) > 1 else script[0]
        process = FakeProcess(len(self.started), self.clock, seconds, code)
        self.running[child.name] = process
        return process

    def kill(self, process, number):
        self.killed.append((process.pid, number))
        self.when[process.pid, number] = self.clock.now()
        if not process.stubborn or number == signal.SIGKILL:
            process.end()

    def run(self, seconds=10_000):
        return self.supervisor.run(lambda: "late" if self.clock.now() > seconds else None)


FOREVER = (1e9, 0)


def test_when_the_learner_has_finished_the_actor_is_stopped(tmp_path):
    world = World(tmp_path, learner=[(100, 0)], actor=[FOREVER])
    assert world.run() == 0
    assert world.clock.now() == pytest.approx(100, abs=1)
    assert world.killed == [(2, signal.SIGINT)], "asked once, and politely"
    assert world.warnings == []


def test_one_that_dies_is_started_again_later_and_later(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[(1, -9), (1, 1), (1, 1), (100, 1), FOREVER])
    world.run(300)
    # dies at 1, 3, 6, 11 and 111: waits of 1, 2, 4; the long life before the last death clears the record
    times = [time for name, time in world.started if name == "actor"]
    assert times == pytest.approx([0, 2, 5, 10, 111], abs=1)
    assert "SIGKILL" in world.warnings[0] and "exit code 1" in world.warnings[1]
    assert [name for name, _ in world.started].count("learner") == 1


def test_a_wrong_configuration_is_shown_and_not_tried_again(tmp_path):
    world = World(tmp_path, learner=[(3, 2)], actor=[FOREVER])
    (tmp_path / "learner.log").write_text("12:00 INFO hello\nerror: no such preset\ndid you mean a1?\n")
    assert world.run() == 2
    assert len(world.started) == 2
    assert world.supervisor.failure == "the learner cannot start:\n  no such preset\n  did you mean a1?"
    assert world.killed == [(2, signal.SIGINT)]


def test_an_actor_that_never_had_a_robot_ends_the_job_at_once(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[(3, NO_ROBOT)])
    (tmp_path / "actor.log").write_text("error: no A1 answers at 192.168.123.10\n")
    assert world.run() == 2
    assert world.supervisor.failure == "the actor cannot start:\n  no A1 answers at 192.168.123.10"


def test_an_actor_whose_robot_went_away_looks_for_it_without_end(tmp_path):
    battery = [(3, NO_ROBOT)] * 40  # waits of 1, 2, 4 ... 30 s between them: about twenty minutes
    world = World(tmp_path, learner=[FOREVER], actor=[(100, 1), *battery, (100, 1), (3, NO_ROBOT), FOREVER])
    assert world.run() == 0
    assert world.supervisor.failure is None
    times = [time for name, time in world.started if name == "actor"]
    assert times[:4] == pytest.approx([0, 101, 105, 110], abs=1)
    assert times[30] - times[29] == pytest.approx(33, abs=1)
    assert times[-1] - times[-2] == pytest.approx(4, abs=1), (
        "a robot that was there between has waits of its own"
    )
    assert "found no robot that answers; starting it again in 30 s" in world.warnings[20]


def test_an_actor_that_died_before_may_have_had_a_robot_which_is_looked_for_with_the_reason(tmp_path):
    # Killed after 2 s: whether it had found its robot by then, its exit code does not say.
    world = World(tmp_path, learner=[FOREVER], actor=[(2, -9), (3, NO_ROBOT), FOREVER])
    (tmp_path / "actor.log").write_text("error: no A1 answers at 192.168.123.10\n")
    assert world.run(100) == 0
    assert [name for name, _ in world.started].count("actor") == 3
    assert world.warnings[1] == (
        f"the actor found no robot that answers; starting it again in 1 s (see {tmp_path / 'actor.log'}):\n"
        "  no A1 answers at 192.168.123.10"
    )


def test_one_that_only_dies_is_given_up(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[(1, 1)])
    (tmp_path / "actor.log").write_text("Traceback\nKaboom\n")
    assert world.run() == 2
    assert "9th time in a row" in world.supervisor.failure and "Kaboom" in world.supervisor.failure


def test_one_that_cannot_be_started_now_is_tried_again_and_the_other_goes_on(tmp_path):
    world = World(tmp_path, learner=[(10, -9), FOREVER], actor=[FOREVER])

    def stop():
        # From 10 s to 14 s no process can be made: just when one was killed for want of memory.
        world.cannot = {"learner"} if 10 <= world.clock.now() <= 14 else set()
        return "late" if world.clock.now() > 100 else None

    assert world.supervisor.run(stop) == 0
    # Killed at 10, tried in vain at 11 and at 11 + 2 = 13, started at 13 + 4.
    assert world.started == [("learner", 0), ("actor", 0), ("learner", pytest.approx(17, abs=1))]
    assert "could not be started ([Errno 11]" in world.warnings[1]
    assert world.supervisor.failure is None


def test_one_that_never_starts_is_given_up_with_the_reason(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[FOREVER])
    world.cannot = {"actor"}
    assert world.run() == 2
    assert "Resource temporarily unavailable" in world.supervisor.failure
    assert world.killed == [(1, signal.SIGINT)]


def test_an_actor_that_ends_well_is_not_started_again(tmp_path):
    world = World(tmp_path, learner=[(50, 0)], actor=[(10, 0)])
    assert world.run() == 0
    assert [name for name, _ in world.started] == ["learner", "actor"] and world.killed == []


def test_ctrl_c_reaches_each_once_and_the_stubborn_are_killed(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[FOREVER])

    def stop():
        if world.clock.now() > 5:
            world.running["actor"].stubborn = True
            return "SIGINT"
        return None

    assert world.supervisor.run(stop) == 0
    assert world.killed == [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM), (2, signal.SIGKILL)]
    assert world.clock.now() == pytest.approx(20, abs=1), "10 s after SIGINT, 5 s after SIGTERM"


def test_a_learner_on_a_slow_disk_has_time_for_its_last_checkpoint_and_the_actor_its_own(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[FOREVER])
    world.children[0].grace = 90.0

    def stop():
        if world.clock.now() > 5:
            for process in world.running.values():
                process.stubborn = True
            world.running["learner"].end_at(80.0)
            return "SIGINT"
        return None

    assert world.supervisor.run(stop) == 0
    assert [each for each in world.killed if each[0] == 1] == [(1, signal.SIGINT)]
    assert world.clock.now() == pytest.approx(80, abs=1), "75 s after it was asked"
    assert world.when[2, signal.SIGKILL] == pytest.approx(20, abs=1), "the actor: 10 + 5 s after it was asked"
    (warning,) = world.warnings
    assert "the actor was killed before it had ended" in warning


def test_a_learner_that_had_to_be_killed_is_told_of(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[FOREVER])
    world.children[0].grace = 90.0

    def stop():
        if world.clock.now() > 5:
            world.running["learner"].stubborn = True
            return "SIGINT"
        return None

    assert world.supervisor.run(stop) == 0
    assert world.clock.now() == pytest.approx(100, abs=1), "90 s after SIGINT, 5 s after SIGTERM"
    (warning,) = world.warnings
    assert "the learner was killed before it had ended: what it had not saved is lost" in warning


@pytest.mark.parametrize("code", [0, 1, 2, 130, 143, NO_ROBOT])
def test_one_that_fails_as_it_is_stopped_is_told_of_with_its_reason(tmp_path, code):
    world = World(tmp_path, learner=[FOREVER], actor=[FOREVER])
    (tmp_path / "learner.log").write_text(
        "12:00 INFO going on\nerror: the disk refuses the last checkpoint\n"
    )
    world.supervisor._kill = lambda process, number: process.end(code if process.pid == 1 else 130)
    assert world.run(5) == 0
    told = (
        f"the learner ended with exit code {code} as it was stopped:\n  the disk refuses the last checkpoint"
    )
    assert world.warnings == ([told] if code in (1, 2) else [])


def test_what_not_even_a_kill_ends_keeps_nobody_waiting(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[FOREVER])
    world.supervisor._kill = lambda process, number: None  # as while a disk hangs
    assert world.run(5) == 0
    assert world.clock.now() == pytest.approx(25, abs=1), "10 + 5 + 5 s after it was asked"
    assert "the learner cannot be ended (process 1)" in world.warnings


def test_another_ctrl_c_while_they_stop_only_hastens_it(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[FOREVER])
    presses = []

    def impatient():
        if world.killed and len(presses) < 3:
            presses.append(world.clock.now())
            raise KeyboardInterrupt

    world.supervisor = Supervisor(
        world.children, clock=world.clock, start=world.start, kill=world.kill, tick=impatient
    )

    def stop():
        if world.clock.now() > 5:
            for process in world.running.values():
                process.stubborn = True
            return "SIGINT"
        return None

    with pytest.raises(KeyboardInterrupt):
        world.supervisor.run(stop)
    assert [number for _, number in world.killed] == [
        signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL,
    ]  # fmt: skip
    assert world.clock.now() == pytest.approx(5, abs=1)


def test_a_panel_that_fails_leaves_no_child_behind(tmp_path):
    world = World(tmp_path, learner=[FOREVER], actor=[FOREVER])

    def broken():
        if world.clock.now() > 5:
            world.running["actor"].stubborn = True
            raise OSError("the terminal is gone")

    world.supervisor = Supervisor(
        world.children, clock=world.clock, start=world.start, kill=world.kill, tick=broken
    )
    with pytest.raises(OSError, match="the terminal is gone"):
        world.run()
    assert world.killed == [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM), (2, signal.SIGKILL)]
    assert world.clock.now() == pytest.approx(20, abs=1), "each still had its time to close down"


def test_backoff_doubles_up_to_thirty_seconds_and_forgives():
    backoff = Backoff()
    assert [backoff.died(1.0) for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert backoff.died(60.0) == 1.0
    backoff = Backoff(patience=2)
    assert [backoff.died(1.0) for _ in range(3)] == [1, 2, None]


def test_last_words_of_a_log_without_an_error_are_its_last_lines(tmp_path):
    (tmp_path / "log").write_text("".join(f"line {n}\n" for n in range(20)))
    assert last_words(tmp_path / "log", 2) == "  line 18\n  line 19"
    assert "No such file" in last_words(tmp_path / "none")


def test_what_a_child_says_is_for_the_owner_of_the_run_alone(tmp_path):
    log = tmp_path / "run" / "monitor.log"
    log.parent.mkdir()
    log.write_text("as it was, for all\n")
    log.chmod(0o644)
    child = Child("monitor", [sys.executable, "-c", "print('a link')"], log)
    assert start_process(child).wait(60) == 0
    assert log.read_text() == "as it was, for all\na link\n" and log.stat().st_mode & 0o777 == 0o600


def test_one_core_is_left_to_the_robot():
    assert [learner_threads(cores) for cores in (None, 1, 2, 4, 64)] == [1, 1, 1, 3, 8]


def test_runs_at_the_same_time_share_the_cores():
    # Each has 64 / 4 = 16, 12 / 4 = 3, 2 / 4 of them, less one for its robot.
    assert [learner_threads(cores, 4) for cores in (64, 12, 2)] == [8, 2, 1]


def test_the_environment_says_how_many_threads(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    for asked, threads in (("3", 3), ("", 8), ("0", 8), ("many", 8)):
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        assert threads_here() == threads


@pytest.mark.parametrize("code", [1, 2])
def test_what_the_job_can_do_without_is_given_up_with_a_warning(tmp_path, code):
    world = World(tmp_path, learner=[(3000, 0)], actor=[(1, code)])
    world.children[1].vital = False
    assert world.run() == 0
    assert world.supervisor.failure is None
    assert world.warnings[-1].startswith("going on without the actor: ")

"""What `train` does besides supervising: its panel and alarms follow a file that another process writes."""

from daydreamer.cli.train import Feed, Train
from daydreamer.monitor.alarm_watch import Watch
from daydreamer.monitor.record import Record
from daydreamer.runtime.run_dir import RunDir
from robots.clock import ManualClock


class Disk:
    """In the place of a tail: a file that cannot be read until it can."""

    path = "metrics.jsonl"

    def __init__(self):
        self.broken = True

    def read(self):
        if self.broken:
            raise OSError(116, "Stale file handle")
        yield Record(2, 1.0, {"robot/minutes": 2.0})


class Panel:
    def __init__(self):
        self.warned, self.shown = [], []

    def warn(self, text):
        self.warned.append(text)

    def update(self, metrics):
        self.shown.append(metrics)


def test_metrics_that_cannot_be_read_are_told_of_seldom_and_the_run_goes_on():
    clock, watch, disk, panel = ManualClock(), Watch(), Disk(), Panel()
    feed = Feed(panel, disk, watch, clock.now)
    for _ in range(90):  # s
        feed.look()
        clock.advance(1.0)
    assert len(panel.warned) == 2 and "Stale file handle" in panel.warned[0], "at 0 s and at 60 s"
    disk.broken = False
    feed.look()
    assert watch.facts(0.0).get("robot/minutes") == 2.0
    assert panel.shown == [{"robot/minutes": 2.0}]


def test_the_stop_box_is_the_actors_alone(tmp_path):
    def commands(**options):
        children = Train(tmp_path, "fake-tiny", **options)._children(RunDir(tmp_path))
        return {child.name: list(child.command) for child in children}

    told = commands(estop="/dev/x")
    where = told["actor"].index("--estop")
    assert told["actor"][where + 1] == "/dev/x"
    assert "--estop" not in told["learner"], "it has no robot"
    assert "--estop" not in commands()["actor"]

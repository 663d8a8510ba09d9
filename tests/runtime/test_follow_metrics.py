from daydreamer.monitor.record import Record
from daydreamer.runtime.follow_metrics import follow
from daydreamer.runtime.run_dir import RunDir
from robots.clock import ManualClock


class Service:
    def __init__(self):
        self.lines = []

    def log(self, data, step):
        self.lines.append((step, data))


def line(step):
    return Record(step, 1000.0 + step, {"robot/up": step / 10}).to_line()


def test_a_run_is_handed_over_line_by_line_as_it_goes_on(tmp_path):
    run, service, clock = RunDir(tmp_path), Service(), ManualClock()
    run.metrics.write_bytes(line(1) + line(2))

    def stop():
        if clock.now() == 2.0:
            with run.metrics.open("ab") as file:
                file.write(line(3))
        return "enough" if clock.now() > 3.0 else None

    assert follow(run, service, clock, stop, once=False) == 3
    assert service.lines[0] == (1, {"robot/up": 0.1, "time": 1001.0})
    assert [step for step, _ in service.lines] == [1, 2, 3]


def test_a_run_that_is_over_is_handed_over_once(tmp_path):
    run, service = RunDir(tmp_path), Service()
    run.metrics.write_bytes(line(1))
    assert follow(run, service, ManualClock(), lambda: None, once=True) == 1

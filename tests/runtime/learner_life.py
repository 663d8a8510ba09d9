"""One life of a learner, on doubles: for the tests of ``daydreamer.runtime.learner``."""

from daydreamer.replay import Replay
from daydreamer.runtime.events import EventLog
from daydreamer.runtime.learner import Learner, LearnerConfig
from daydreamer.runtime.run_dir import RunDir

# 8 steps per update and 2 per row: one update per 4 rows, after 20 rows and 3 updates.
CONFIG = LearnerConfig(
    batch=2, length=4, train_ratio=2.0, prefill=20, pretrain=3, slack=4, publish_every=2, capacity=10_000,
    checkpoint_every=1e9, metrics_every=0.0,
)  # fmt: skip
MINUTE = 1200  # rows


class Lines:
    """A writer that remembers."""

    def __init__(self):
        self.lines = []

    def write(self, step, metrics):
        self.lines.append((step, dict(metrics)))

    def close(self):
        pass


class Life:
    """One life of a learner on a directory."""

    def __init__(self, path, spec, link, agent, config=CONFIG, rows=100, **options):
        self.run_dir = RunDir(path)
        path.mkdir(exist_ok=True)
        self.replay = Replay(self.run_dir.replay, spec, config.capacity, seed=1)
        self.writer, self.agent, self.link = Lines(), agent, link
        self.events = EventLog(self.run_dir.events)
        self.learner = Learner(
            agent, self.replay, link, self.run_dir, self.writer, self.events, config, spec,
            target_minutes=rows / MINUTE, **options,
        )  # fmt: skip

    def run(self, stop=lambda: None):
        try:
            return self.learner.run(stop)
        finally:
            self.replay.close()
            self.events.close()

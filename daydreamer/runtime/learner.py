"""The program beside the robot: collect, learn, publish, for as long as the run lasts."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from daydreamer.core.agent import Agent
from daydreamer.core.errors import CheckpointError, Unsaved
from daydreamer.core.specs import Specs
from daydreamer.core.symmetry import Symmetry
from daydreamer.core.transition import Batch
from daydreamer.monitor.writers import Writer
from daydreamer.replay import Replay
from daydreamer.runtime import a1_motion, report_file, versions
from daydreamer.runtime.checkpoint import Checkpoint, Checkpoints
from daydreamer.runtime.events import EventLog
from daydreamer.runtime.fleet import fleet_metrics
from daydreamer.runtime.gallery import Gallery
from daydreamer.runtime.intake import Intake
from daydreamer.runtime.learner_metrics import LearnerMetrics
from daydreamer.runtime.recent_rows import RecentRows
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.train_ratio import TrainRatio
from daydreamer.transport.link import LearnerEnd, PolicyMessage
from robots.clock import Clock, MonotonicClock

_log = logging.getLogger(__name__)

FINISHED = "finished"
_WAIT = 0.1  # s, for rows
_BAD_IN_A_ROW = 10  # updates
_REPORT_BATCH = 8  # sequences
_REPORT_LENGTHS = 3  # training lengths in each: one to observe, the rest to predict


class Diverged(RuntimeError):
    """The losses stay other than finite: the weights are lost, and another life begins from the last checkpoint."""


@dataclass(frozen=True)
class LearnerConfig:
    """How experience is replayed."""

    device: str = "cpu"  # of the agent, as torch calls it: cpu, cuda, cuda:1
    batch: int = 32  # sequences per update
    length: int = 16  # steps of each
    train_ratio: float = 128.0  # replayed steps per collected step: one update of 512 steps per 4 rows
    prefill: int = 2000  # rows before the first update
    pretrain: int = 100  # updates before the first policy
    slack: int = 40  # rows that the collector may be ahead
    recent: float = 0.25  # share of sequences that start among the newest
    recent_window: int = 2000  # rows that count as newest
    mirror: float = 0.5  # share of sequences seen in a mirror, where the task has a symmetry
    capacity: int = 1_000_000  # rows kept; the oldest go first
    publish_every: int = 10  # updates
    checkpoint_every: float = 60.0  # s
    keep_policy_every: float = 5.0  # robot minutes between policies that are kept for good
    metrics_every: float = 2.0  # s

    def __post_init__(self) -> None:
        for name in ("recent", "mirror"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share in [0, 1], got {getattr(self, name)}")
        if self.prefill < self.length:
            raise ValueError(f"prefill ({self.prefill}) must be at least one sequence ({self.length} rows)")
        if not self.keep_policy_every > 0:
            raise ValueError(f"keep_policy_every is positive robot minutes, got {self.keep_policy_every}")
        counts = ("batch", "length", "capacity", "publish_every", "recent_window")
        if min(getattr(self, name) for name in counts) < 1 or self.pretrain < 0:
            raise ValueError(f"{', '.join(counts)} are positive, pretrain is not negative")
        if self.capacity < 2 * self.length:  # of which a few less are there when a file of old ones goes
            raise ValueError(
                f"capacity ({self.capacity}) must be at least two sequences ({2 * self.length} rows)"
            )
        self.ratio()  # checks the rest

    def ratio(self) -> TrainRatio:
        """The balance that these settings ask for."""
        return TrainRatio(self.train_ratio, self.batch * self.length, self.prefill, self.pretrain, self.slack)


class Learner:
    """One run's learner, from the newest checkpoint on.

    Args:
        agent: Freshly made; the checkpoint, if there is one, is loaded into it.
        replay: Open; closed by the caller.
        link: Open; closed by the caller.
        run_dir: For checkpoints, policies, scores.
        writer: Where metrics go.
        events: Where events go.
        config: How to replay.
        row_spec: The rows.
        hz: Control steps per second, which turns rows into robot minutes.
        target_minutes: Robot minutes at which the run is finished; None: never.
        catch_up: Finish only when the updates for all rows are made.
        symmetry: The task's mirror, if it has one.
        seed: Of the mirroring.
        clock: Wall time.
        gallery: Where pictures are shown now and then.
    """

    def __init__(
        self,
        agent: Agent,
        replay: Replay,
        link: LearnerEnd,
        run_dir: RunDir,
        writer: Writer,
        events: EventLog,
        config: LearnerConfig,
        row_spec: Specs,
        hz: float = 20.0,
        target_minutes: float | None = None,
        catch_up: bool = True,
        symmetry: Symmetry | None = None,
        seed: int = 0,
        clock: Clock | None = None,
        gallery: Gallery | None = None,
    ):
        self._agent, self._replay, self._link = agent, replay, link
        self._run_dir, self._writer, self._events = run_dir, writer, events
        self._config, self._hz, self._symmetry, self._catch_up = config, hz, symmetry, catch_up
        self._clock = clock or MonotonicClock()
        self._gallery, self._row_spec = gallery, row_spec
        self._ratio = config.ratio()
        self._target_rows = None if target_minutes is None else math.ceil(target_minutes * 60 * hz)
        self._rng = np.random.default_rng(seed)
        self._checkpoints = Checkpoints(run_dir.checkpoints)
        recent = RecentRows(row_spec)
        newest = replay.read(-1000, len(replay), keys=recent.keys)
        recent.add(newest)
        self._intake = Intake(link, replay, recent, events.write)
        # Counters of the run's whole life, kept in checkpoints
        self.updates = self.sampled = 0
        self.version = -1  # of the newest policy published
        self._versions_used = -1  # the highest of earlier lives
        self._bad_updates = 0  # in a row; while there are any, nothing is published or saved
        self._minutes_before = 0.0  # wall minutes of earlier lives
        self._policies_due = self._marks(max(run_dir.kept_minutes(), default=0.0)) + 1
        self._begun = self._last_checkpoint = self._saved = self._clock.now()
        self._keep_again = -math.inf  # when a policy that the disk refused may be tried again
        self._metrics = self._fresh_metrics()

    @property
    def collected(self) -> int:
        """Durable rows in the life of the run."""
        return self._intake.collected

    def run(self, stop: Callable[[], str | None]) -> str:
        """Learn until ``stop`` gives a reason or the target is reached; returns the reason ('finished').

        The state is saved before returning, but not when an error ends it: the last good checkpoint stays.

        Raises:
            CheckpointError: The latest checkpoint cannot be used.
            Diverged: A loss is not finite.
            Unsaved: The disk refuses the last checkpoint.
        """
        self._restore()
        self._allow_rows()
        self._intake.start()
        try:
            while not (reason := stop() or self._finished()):
                self._intake.check()
                if self._ratio.may_train(self.collected, self.sampled):
                    self._update()
                else:
                    begun = self._clock.now()
                    self._intake.wait(_WAIT)
                    self._metrics.waited(self._clock.now() - begun)
                self._duties()
            if reason == FINISHED:
                self._link.stop(FINISHED)
            self._last_words()
            self._events.write("stop", reason=reason, updates=self.updates, rows=self.collected)
            return reason
        finally:
            self._intake.close()

    # One update

    def _update(self) -> None:
        config = self._config
        begun = self._clock.now()
        batch = self._replay.sample(config.batch, config.length, config.recent, config.recent_window)
        metrics = self._agent.train(self._mirrored(batch))
        self._watch_losses(metrics)
        self.updates += 1
        self.sampled += config.batch * config.length
        self._metrics.trained(metrics, self._clock.now() - begun)
        self._allow_rows()
        if self.updates == config.pretrain or (
            self.updates > config.pretrain and self.updates % config.publish_every == 0
        ):
            self._when_the_disk_allows(self._publish)

    def _watch_losses(self, metrics: Mapping[str, float]) -> None:
        """One bad batch is forgiven, an agent leaves it out; more in a row mean that there is nothing to save."""
        bad = [name for name, value in metrics.items() if "/loss/" in name and not math.isfinite(value)]
        self._bad_updates = self._bad_updates + 1 if bad else 0
        if self._bad_updates == 1:
            _log.warning("update %d: %s not finite", self.updates, ", ".join(bad))
            self._events.write("fault", fault="loss not finite", updates=self.updates, metrics=bad)
        if self._bad_updates >= _BAD_IN_A_ROW:
            raise Diverged(
                f"after {self.updates} updates {', '.join(bad)} is not finite; the last good checkpoint is kept in "
                f"{self._run_dir.checkpoints}. If this comes back, lower the learning rates."
            )

    def _mirrored(self, batch: Batch) -> Batch:
        if self._symmetry is None or not self._config.mirror:
            return batch
        chosen = self._rng.random(self._config.batch) < self._config.mirror
        return self._symmetry.mirror_some(batch, chosen)

    def _allow_rows(self) -> None:
        """Tell the actors how many rows are wanted."""
        wanted = self._ratio.rows_wanted(self.sampled)
        self._link.set_credit(wanted if self._target_rows is None else min(wanted, self._target_rows))

    def _publish(self) -> None:
        if self._bad_updates:
            return
        version = max(self.version, self._versions_used) + 1
        self._run_dir.note_published(version)  # before it goes out, so that none is given to two policies
        first, self.version = self.version < 0, version
        self._link.publish(PolicyMessage.of(self.version, self._agent.policy(self.version)))
        if first:
            self._events.write("first policy", rows=self.collected, updates=self.updates)

    def _finished(self) -> str | None:
        if self._target_rows is None or self.collected < self._target_rows:
            return None
        behind = self._catch_up and self._ratio.may_train(self.collected, self.sampled)
        return None if behind else FINISHED

    # Duties between updates

    def _duties(self) -> None:
        now = self._clock.now()
        if self._marks(self._robot_minutes()) >= self._policies_due and now >= self._keep_again:
            self._when_the_disk_allows(self._keep_policy)
        if now - self._last_checkpoint >= self._config.checkpoint_every:
            self._when_the_disk_allows(self._checkpoint)  # first: nothing that goes wrong in a look costs it
            self._when_the_disk_allows(self._look_ahead)
        if self._metrics.age(now) >= self._config.metrics_every:
            self._when_the_disk_allows(self._write_metrics)

    def _marks(self, minutes: float) -> int:
        """How many policies are to be kept by then."""
        return math.floor(minutes / self._config.keep_policy_every)

    def _keep_policy(self) -> None:
        """The present policy, for good: what was learned by when can be scored at any time."""
        if self._bad_updates or self.version < 0:
            return
        self._keep_again = self._clock.now() + self._config.checkpoint_every
        minutes = self._robot_minutes()
        self._run_dir.keep_policy(minutes, self._agent.policy(self.version, averaged=True))
        self._policies_due, self._keep_again = self._marks(minutes) + 1, -math.inf

    def _look_ahead(self) -> None:
        """With every checkpoint: how far the model's predictions are from what it has not been shown."""
        length = _REPORT_LENGTHS * self._config.length
        if len(self._replay) >= length:
            batch = self._replay.sample(_REPORT_BATCH, length)
            metrics, arrays = self._agent.report(batch)
            self._metrics.count(metrics)
            report = report_file.of(batch, arrays, self.updates, self.collected)
            if report is not None:
                report_file.write(self._run_dir.path, report)
                self._show(batch, report)

    def _show(self, batch: Batch, report: report_file.Report) -> None:
        """Pictures are for people: a run goes on without them."""
        if self._gallery is None:
            return
        try:
            self._gallery.show(self.collected, batch, report, self._newest)
        except Exception:
            _log.exception("no pictures this time, trying again when they are next due")

    def _newest(self, rows: int) -> Batch:
        """What the gallery draws of the newest rows, ``[N, ...]``."""
        keys = [key for key in a1_motion.SENSED if key in self._row_spec]
        return self._replay.read(-rows, len(self._replay), keys=keys) if keys else {}

    def _when_the_disk_allows(self, duty: Callable[[], None]) -> None:
        """A full disk is no reason to stop: what is missed now is tried again when it is next due."""
        try:
            duty()
        except OSError as error:
            _log.error("the disk refuses what the learner writes, trying again later: %s", error)

    def _write_metrics(self) -> None:
        others = fleet_metrics(self._link.actors(), self._link.reports())
        others |= self._replay.stats() | self._intake.means()
        others |= {
            "robot/minutes": self._robot_minutes(),
            "replay/ratio": self._ratio.achieved(self.collected, self.sampled),
            "replay/sampled_steps": float(self.sampled),
            "policy/published": float(self.version),
            "learner/checkpoint_age_s": self._clock.now() - self._saved,
        }
        self._metrics.write(self._clock.now(), self.collected, self.updates, others)

    def _robot_minutes(self) -> float:
        return self.collected / (60 * self._hz)

    def _wall_minutes(self) -> float:
        return self._minutes_before + (self._clock.now() - self._begun) / 60

    def _fresh_metrics(self) -> LearnerMetrics:
        return LearnerMetrics(
            self._writer, self._run_dir.scores, self._clock.now(), self.collected, self.updates
        )

    # Checkpoints

    def _checkpoint(self) -> None:
        self._last_checkpoint = self._clock.now()
        if self._bad_updates:
            return
        policy = self._agent.policy(self.version, averaged=True)
        self._checkpoints.save(self.updates, Checkpoint(self._agent.save(), policy, self._state()))
        self._saved = self._clock.now()
        if self.version >= 0:
            self._run_dir.save_policy(self.version, policy)

    def _last_words(self) -> None:
        """The last checkpoint, which nobody tries again, and metrics."""
        try:
            self._checkpoint()
        except OSError as error:
            raise Unsaved(
                f"the disk refuses the last checkpoint ({error}): what was learned in the last "
                f"{self._clock.now() - self._saved:.0f} s is lost. Make room, and start it again: it goes on from the "
                "checkpoint before"
            ) from error
        finally:
            if self._metrics.pending:
                self._when_the_disk_allows(self._write_metrics)

    def _state(self) -> dict[str, Any]:
        return {
            "updates": self.updates,
            "sampled": self.sampled,
            "version": self.version,
            "rows": self.collected,
            "ratio": asdict(self._ratio),
            "wall_minutes": self._wall_minutes(),
            "sampler": self._replay.random_state(),
            "mirror": self._rng.bit_generator.state,
        }

    def _restore(self) -> None:
        """Go on from the latest checkpoint, and give its policy to the actors at once."""
        found = self._checkpoints.load()
        self._versions_used = max(self._run_dir.last_published(), versions.highest(self._replay))
        if found is None:
            if self._run_dir.has_policies():
                raise CheckpointError(
                    f"{self._run_dir.policies} holds policies of an earlier learner, but "
                    f"{self._run_dir.checkpoints} has no checkpoint to go on from. Put the checkpoints back; or "
                    "move the policies away to learn anew from the rows, with random weights."
                )
            self._events.write("start", rows=self.collected)
            return
        if (lost := found.state["rows"] - self.collected) > 0:
            if len(self._replay) == 0:
                raise CheckpointError(
                    f"{self._run_dir.checkpoints} has learned from {found.state['rows']} rows, but "
                    f"{self._run_dir.replay} holds none. Put the rows back, or choose another --logdir to begin anew."
                )
            _log.error("%d rows that the checkpoint knew are no longer in %s", lost, self._run_dir.replay)
        self._agent.load(found.agent)
        self.updates, self.sampled = found.state["updates"], found.state["sampled"]
        self._ratio = self._ratio.after(found.state.get("ratio"), found.state["rows"], self.sampled)
        self._metrics = self._fresh_metrics()
        self._minutes_before = found.state["wall_minutes"]
        self._replay.set_random_state(found.state["sampler"])
        self._rng.bit_generator.state = found.state["mirror"]
        self.version = found.state["version"]
        if self.updates >= self._config.pretrain:
            self._when_the_disk_allows(self._publish)
        self._events.write("resume", rows=self.collected, updates=self.updates, version=self.version)
        _log.info("going on after %d updates with %d rows", self.updates, self.collected)

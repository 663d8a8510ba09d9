import logging
import threading

import pytest

from daydreamer.core.errors import SpecMismatch
from daydreamer.core.record_log import FRAME_SIZE
from daydreamer.replay import Replay
from daydreamer.replay.segment import Segment
from daydreamer.runtime.intake import COMMIT_EVERY, Intake
from daydreamer.runtime.recent_rows import RecentRows
from daydreamer.transport.learner_session import LearnerSession
from daydreamer.transport.link import Rows
from daydreamer.transport.messages import Hello, encode
from daydreamer.transport.row_codec import RowCodec
from daydreamer.transport.seldom import Seldom
from robots.clock import ManualClock


class Events(list):
    def __call__(self, event, **fields):
        self.append((event, fields))


STREAM = "a-1700000000000-0a1b2c3d"


def hello(stream, spec):
    return Hello("a", stream, {name: one.to_dict() for name, one in spec.items()}, "0", "")


def take(intake, *batches):
    """Let rows come, and commit them."""
    for rows in batches:
        intake._put(rows)
    intake._commit()


@pytest.fixture
def link(make_learner_link):
    return make_learner_link()


@pytest.fixture
def replay(tmp_path, spec):
    with Replay(tmp_path / "replay", spec, 1000, seed=0) as opened:
        yield opened


def test_what_is_acknowledged_is_stored(link, replay, spec):
    intake = Intake(link, replay, RecentRows(spec), Events())
    link.set_credit(25)
    for _ in range(4):
        intake.step()
    intake._commit()
    assert len(replay) == 25 and link.acknowledged == {"double-0": 25}
    assert intake.collected == 25 and intake.means()["robot/window"] == 25


def test_rows_that_come_again_are_acknowledged_again_and_counted_once(link, replay, spec, rows):
    intake = Intake(link, replay, RecentRows(spec), Events())
    for first, count in ((0, 10), (5, 10), (0, 15)):
        take(intake, Rows("a", "s", first, rows(first, count)))
    assert len(replay) == intake.collected == 15
    assert intake.means()["robot/reward"] == 7.0, "the mean of 0 .. 14"
    assert link.acknowledged == {"s": 15}


def test_rows_with_a_gap_are_refused_and_the_next_ones_taken(link, replay, spec, rows, caplog):
    events = Events()
    intake = Intake(link, replay, RecentRows(spec), events)
    take(intake, Rows("a", "s", 5, rows(5, 10)))
    assert link.acknowledged == {} and len(replay) == 0
    assert "expected row 0" in link.refused["s"]
    assert events[0][0] == "rows refused" and "expected row 0" in events[0][1]["error"]
    take(intake, Rows("a", "other", 0, rows(0, 10)))
    assert link.acknowledged == {"other": 10}


def test_a_disk_that_refuses_is_asked_again(link, replay, spec, rows, monkeypatch):
    events = Events()
    intake = Intake(link, replay, RecentRows(spec), events)
    append, failures = replay.append, [OSError("full"), OSError("full")]

    def sometimes(*args):
        if failures:
            raise failures.pop()
        return append(*args)

    monkeypatch.setattr(replay, "append", sometimes)
    monkeypatch.setattr("daydreamer.runtime.intake._DISK_PATIENCE", 0.0)
    take(intake, Rows("a", "s", 0, rows(0, 3)))
    assert link.acknowledged.get("s", 0) == 0 and intake.means()["replay/refused_by_disk"] == 1.0
    take(intake, Rows("a", "s", 3, rows(3, 2)), Rows("a", "s", 0, rows(0, 3)))  # the window, sent again
    intake._commit()
    assert len(replay) == 5 and link.acknowledged == {"s": 5}
    assert [event for event, _ in events] == ["disk full", "disk takes rows again"]
    assert intake.means()["replay/refused_by_disk"] == 0.0


def test_a_disk_that_hangs_is_reported_although_it_says_nothing(link, replay, spec, monkeypatch):
    clock, hanging, released = ManualClock(), threading.Event(), threading.Event()
    intake = Intake(link, replay, RecentRows(spec), Events(), clock)
    append = replay.append

    def hang(*args):
        hanging.set()
        released.wait()
        return append(*args)

    monkeypatch.setattr(replay, "append", hang)
    link.set_credit(25)
    intake.start()
    assert hanging.wait(60)
    assert intake.means()["replay/refused_by_disk"] == 0.0
    clock.advance(5.1)
    intake.check()  # no failure is known of
    assert intake.means()["replay/refused_by_disk"] == 1.0
    released.set()
    intake.close()
    intake.step()
    assert intake.means()["replay/refused_by_disk"] == 0.0 and intake.collected > 0


def test_what_ends_the_thread_reaches_the_main_loop(link, replay, spec, monkeypatch):
    def broken(timeout):
        raise ZeroDivisionError("socket gone")

    monkeypatch.setattr(link, "receive", broken)
    intake = Intake(link, replay, RecentRows(spec), Events())
    intake.start()
    intake._thread.join(60)
    with pytest.raises(RuntimeError, match="socket gone"):
        intake.check()


def test_actors_that_come_and_go_are_events(link, replay, spec, monkeypatch):
    events = Events()
    intake = Intake(link, replay, RecentRows(spec), events)
    intake.step()
    monkeypatch.setattr(link, "actors", dict)
    intake.step()
    assert [event for event, _ in events] == ["actor connected", "actor lost"]


def test_rows_of_another_spec_are_refused(link, replay, spec, rows):
    events = Events()
    intake = Intake(link, replay, RecentRows(spec), events)
    wrong = rows(0, 3)
    del wrong["reward"]
    take(intake, Rows("a", "s", 0, wrong))
    assert link.acknowledged == {} and events[0][0] == "rows refused"
    with pytest.raises(SpecMismatch):
        replay.append(wrong, "s", 0)


def test_a_row_of_a_policy_that_cannot_be_is_refused(link, replay, spec, rows):
    intake = Intake(link, replay, RecentRows(spec), Events())
    strange = rows(0, 3)
    strange["policy_version"][1] = 2**62
    take(intake, Rows("a", "s", 0, strange))
    assert link.acknowledged == {} and "policy_version is a policy's number" in link.refused["s"]
    assert len(replay) == 0


def test_rows_behind_a_hole_that_come_again_count_once(tmp_path, link, spec, rows):
    with Replay(tmp_path / "holed", spec, 1000, seed=0) as replay:
        replay.append(rows(0, 30), STREAM, 0)
        path, row = tmp_path / "holed" / "00000001.rows", FRAME_SIZE + replay._layout.row_bytes
        data = bytearray(path.read_bytes())
    start = len(data) - 30 * row
    data[start + 12 * row : start + 15 * row] = bytes(
        3 * row
    )  # a power cut: no seal, and three rows are not there
    path.write_bytes(data)
    with Replay(tmp_path / "holed", spec, 1000, seed=0) as replay:
        link = LearnerSession(
            RowCodec(spec), replay.next_seq, lambda: replay.collected, Seldom(logging.getLogger())
        )
        link.set_credit(50)
        link.receive(b"a", encode(hello(STREAM, spec)), 0.0)
        intake = Intake(link, replay, RecentRows(spec), Events())
        assert (intake.collected, link.credit) == (27, 23)
        take(intake, Rows("a", STREAM, 12, rows(12, 18)))
        assert (intake.collected, link.credit) == (30, 20) and len(replay) == 30


def test_rows_that_a_full_disk_took_in_part_are_all_counted(tmp_path, link, spec, rows, monkeypatch):
    monkeypatch.setattr("daydreamer.runtime.intake._DISK_PATIENCE", 0.0)
    full = [OSError("full")]
    append = Segment.append

    def second_segment_fails_once(segment, part):
        if segment.first_seq == 4 and full:
            raise full.pop()
        append(segment, part)

    monkeypatch.setattr(Segment, "append", second_segment_fails_once)
    with Replay(tmp_path / "small", spec, 1000, seed=0, segment_rows=4) as small:
        intake = Intake(link, small, RecentRows(spec), Events())
        take(intake, Rows("a", "s", 0, rows(0, 6)))
        assert link.acknowledged == {"s": 4}
        intake._commit()
        assert len(small) == small.collected == intake.collected == 6
        assert intake.means()["robot/window"] == 6


def test_what_comes_together_is_committed_together(link, replay, spec, rows, monkeypatch):
    clock = ManualClock()
    intake = Intake(link, replay, RecentRows(spec), Events(), clock)
    came = []
    monkeypatch.setattr(link, "receive", lambda timeout: [came.pop(0)] if came else [])
    came += [Rows("a", "s", first, rows(first, 10)) for first in (0, 10, 20)]
    intake.step()  # the first commit is at once
    assert (len(replay), replay.stats()["replay/syncs"]) == (10, 1)
    intake.step()
    intake.step()
    assert (len(replay), link.acknowledged) == (10, {"s": 10})
    clock.advance(COMMIT_EVERY)
    intake.step()
    assert (len(replay), link.acknowledged) == (30, {"s": 30})
    assert replay.stats()["replay/syncs"] == 2, "20 rows, one wait for the disk"


def test_a_stream_goes_on_after_a_gap_that_its_actor_tells_of(link, replay, spec, rows):
    intake = Intake(link, replay, RecentRows(spec), Events())
    take(
        intake,
        Rows("a", "s", 0, rows(0, 5)),
        Rows("a", "s", 5, rows(5, 5)),
        Rows("a", "s", 50, rows(50, 5), True),
    )
    assert link.acknowledged == {"s": 55} and not link.refused
    assert len(replay) == intake.collected == replay.collected == 15


def test_nothing_that_waits_is_left_behind_when_the_thread_ends(link, replay, spec, monkeypatch):
    receive, calls, third = link.receive, [], threading.Event()

    def counted(timeout):
        calls.append(timeout)
        if len(calls) == 3:
            third.set()
        return receive(timeout)

    monkeypatch.setattr(link, "receive", counted)
    intake = Intake(link, replay, RecentRows(spec), Events(), ManualClock())  # whose time stands still
    link.set_credit(25)
    intake.start()
    assert third.wait(60.0), "the first rows are durable, others wait"
    intake.close()
    assert len(replay) == link.acknowledged["double-0"] > 10

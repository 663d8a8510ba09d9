"""What each wish does: the table, and the order in which wishes are served."""

import pytest

from daydreamer.runtime.hands import Hands, Wanted, after, counted
from daydreamer.transport.console_messages import Hand, HandRefused
from robots.robot import RobotError

RUN, PAUSE, LIE, LIMP = Wanted.RUN, Wanted.PAUSE, Wanted.LIE, Wanted.LIMP


class Robot:
    """Stops and resets as told, and refuses a reset while ``broken``."""

    def __init__(self):
        self.stopped, self.broken, self.trips = "", False, 0
        self.calls = []

    def trip(self, why):
        self.calls.append("trip")
        again, self.stopped, self.trips = bool(self.stopped), why, self.trips + 1
        return again

    def reset(self, operator, trips):
        self.calls.append(f"reset {operator}")
        if trips != self.trips:
            raise RobotError("it was stopped anew")
        if self.broken:
            raise RobotError("a motor is hot")
        self.stopped = ""


@pytest.fixture
def robot():
    return Robot()


@pytest.fixture
def hands(robot):
    return Hands(robot, now=lambda: 12.0)


def serve(hands, *wishes, row=4):
    for wish in wishes:
        hands.take(Hand(wish, "Ann", "test"))
        hands.serve("stream", row)
    return hands.wanted


# wanted before -> wanted after, of a robot that obeys: RUN, PAUSE, LIE, LIMP
@pytest.mark.parametrize(
    "wish, becomes",
    [
        ("pause", (PAUSE, PAUSE, PAUSE, LIMP)),
        ("resume", (RUN, RUN, RUN, RUN)),
        ("lie_down", (LIE, LIE, LIE, LIE)),
        ("damp", (LIMP, LIMP, LIMP, LIMP)),
        ("reset", (LIMP, LIMP, LIMP, LIMP)),
    ],
)
def test_the_table(wish, becomes):
    for wanted, expected in zip((RUN, PAUSE, LIE, LIMP), becomes, strict=True):
        found, words = after(wanted, wish, stopped=False)
        assert found is expected
        if wish not in ("damp", "reset"):
            assert words.startswith("nothing") == (found is wanted), "what changes nothing says so"
        stopped, words = after(wanted, wish, stopped=True)
        assert stopped is (LIMP if wish in ("damp", "reset") else wanted), (
            "a stopped robot takes no other wish"
        )


def test_neither_a_stop_nor_its_reset_makes_the_robot_move(hands, robot):
    assert serve(hands, "damp", "reset") is LIMP and not robot.stopped
    assert serve(hands, "resume") is RUN


def test_a_stop_acts_when_it_is_taken_and_not_at_the_next_step(hands, robot):
    hands.take(Hand("damp", "Ann"))
    assert robot.calls == ["trip"] and "Ann" in robot.stopped and hands.last.startswith("damp by Ann")


def test_a_stop_asks_the_robot_nothing_before_it_acts(hands, robot):
    """It may be connecting, or being reset, and let whoever asks wait for that."""
    serve(hands, "damp")

    class Silent(Robot):
        @property
        def stopped(self):
            assert self.calls == ["trip"]
            return self.why

        @stopped.setter
        def stopped(self, why):
            self.why = why

    silent = Silent()
    silent.trip = lambda why: silent.calls.append("trip")
    silent.why, hands._robot = robot.stopped, silent
    hands.take(Hand("damp", "Ann"))
    assert silent.calls == ["trip"]


def test_what_was_wished_before_a_stop_is_not_done_after_it(hands, robot):
    for wish in ("resume", "lie_down", "damp"):
        hands.take(Hand(wish))
    hands.serve("stream", 1)
    assert hands.wanted is LIMP
    assert [event["hand"] for event in hands.events] == ["damp"]


def test_a_reset_that_is_just_being_served_is_worth_nothing_once_a_stop_comes(hands, robot):
    serve(hands, "damp")
    hands.take(Hand("reset", "Ann"))
    asked = []

    class Watched(Robot):
        @property
        def stopped(self):
            if not asked:  # between taking the wish from the queue and resetting
                asked.append(True)
                hands.take(Hand("damp", "Bob"))
            return self.why

        @stopped.setter
        def stopped(self, why):
            self.why = why

    watched = Watched()
    watched.why, watched.trips, hands._robot = robot.stopped, robot.trips, watched
    hands.serve("stream", 1)
    assert "Bob" in watched.why and hands.wanted is LIMP


def test_a_stop_acts_even_when_too_many_wishes_wait(hands, robot):
    for _ in range(32):
        hands.take(Hand("pause"))
    with pytest.raises(HandRefused, match="hangs"):
        hands.take(Hand("pause"))
    hands.take(Hand("damp"))
    assert robot.stopped


def test_a_reset_that_the_robot_refuses_leaves_it_stopped_and_says_why(hands, robot):
    serve(hands, "damp")
    robot.broken = True
    serve(hands, "reset")
    assert robot.stopped and hands.last == "reset by Ann: refused: a motor is hot"


def test_a_reset_of_a_robot_that_obeys_changes_nothing(hands, robot):
    assert serve(hands, "reset") is RUN
    assert robot.calls == [] and "not stopped" in hands.last


def test_a_mark_names_the_row_that_was_the_newest(hands):
    serve(hands, "mark_good", row=41)
    assert list(hands.events) == [
        {
            "event": "mark",
            "time": 12.0,
            "mark": "good",
            "stream": "stream",
            "seq": 41,
            "operator": "Ann",
            "viewer": "test",
        }
    ]
    serve(hands, "mark_bad", row=-1)
    assert hands.last == "mark bad by Ann: nothing: there is no row to mark yet"


def test_every_wish_is_written_down_with_what_it_did(hands):
    serve(hands, "pause", "pause")
    assert [(event["hand"], event["effect"]) for event in hands.events] == [
        ("pause", "the robot holds its pose until someone resumes"),
        ("pause", "nothing: it is paused already"),
    ]


def test_stops_resets_and_marks_are_counted_and_what_did_nothing_is_not(hands, robot):
    serve(hands, "reset", "mark_good", "mark_good", "mark_bad", "mark_reset", "damp", "damp", "pause")
    serve(hands, "mark_good", row=-1)
    robot.broken = True
    serve(hands, "reset")
    robot.broken = False
    serve(hands, "reset")
    assert hands.counts == {"good": 2, "bad": 1, "set_by_hand": 1, "stops": 1, "resets": 1}
    written = [{**event, "actor": "one"} for event in hands.events]
    assert counted(written, "one") == hands.counts, (
        "another life of the actor goes on from what was written down"
    )
    assert not any(counted(written, "two").values())
    assert Hands(robot, counts=counted(written, "one")).counts["good"] == 2


@pytest.mark.parametrize(
    ("wishes", "wanted"),
    [
        (("pause",), Wanted.PAUSE),
        (("pause", "resume"), RUN),
        (("lie_down",), LIMP),
        (("damp", "resume"), LIMP),
        (("damp", "reset"), LIMP),
        (("damp", "reset", "resume"), RUN),
        (("pause", "mark_good", "reset"), Wanted.PAUSE),
    ],
)
def test_a_next_life_goes_on_with_what_people_wanted_and_moves_nothing(robot, wishes, wanted):
    kept = []
    hands = Hands(robot, keep=kept.append)
    serve(hands, *wishes)
    assert kept[-1] is wanted
    following = Hands(robot, wanted=wanted)
    assert following.wanted is wanted and ("resume to go on" in following.last) == (wanted is not RUN)


@pytest.mark.parametrize("wish", ["pause", "lie_down", "damp"])
def test_a_wish_to_rest_counts_for_the_next_life_as_soon_as_it_is_taken(robot, wish):
    kept = []
    hands = Hands(robot, keep=kept.append)
    hands.take(Hand(wish))  # by a loop that hangs, and is killed
    assert kept == [LIMP]
    hands = Hands(robot, keep=kept.append, wanted=LIMP)
    hands.take(Hand("resume"))
    assert kept == [LIMP], "a wish to go on counts when it is done"


def test_a_stop_while_a_resume_is_being_served_has_the_last_word_also_in_the_next_life(robot):
    kept = []
    hands = Hands(robot, keep=kept.append, wanted=LIMP)
    tell = hands._tell

    def stopped_meanwhile(hand, effect):
        hands._tell = tell
        hands.take(Hand("damp", "Bob"))
        tell(hand, effect)

    hands.take(Hand("resume", "Ann"))
    hands._tell = stopped_meanwhile
    hands.serve("stream", 1)
    assert hands.wanted is LIMP and RUN not in kept


def test_a_resume_from_before_a_stop_of_another_kind_is_worth_nothing(hands, robot):
    serve(hands, "pause")
    hands.take(Hand("resume", "Ann"))
    robot.trip("the stop box")
    robot.stopped = ""  # and somebody has reset it there
    hands.serve("stream", 1)
    assert hands.wanted is PAUSE and "stopped after it" in hands.last


def test_a_loop_that_hung_does_not_drive_on_because_of_what_was_wished_before(robot):
    now = 0.0
    hands = Hands(robot, wanted=PAUSE, clock=lambda: now)
    hands.take(Hand("resume", "Ada"))
    now = 3.1
    hands.serve("a", 0)
    assert hands.wanted is PAUSE and "too late" in hands.last
    hands.take(Hand("resume", "Ada"))
    now = 6.0
    hands.serve("a", 0)
    assert hands.wanted is RUN
    hands.take(Hand("pause", "Ada"))
    now = 60.0
    hands.serve("a", 0)
    assert hands.wanted is PAUSE, "what keeps it from moving is never too late"

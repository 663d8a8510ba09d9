"""The stop box's heartbeat: alive, pressed, silent, stuck, nonsense; latched until a person resets it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robots.robot import RobotError
from robots.safety.estop import LONGEST, Estop, EstopState, heartbeat, parse
from robots.safety.faults import SILENCE, Fault, Finding

BEAT = 0.02  # s between two heartbeats


class Box:
    """A box that beats, and what is thought of it."""

    def __init__(self, **options):
        self.now, self.counter = 50.0, 0
        self.estop = Estop(self.now, **options)

    def say(self, data: bytes):
        self.estop.hear(data, self.now)
        return self

    def beat(self, count=1, pressed=False):
        for _ in range(count):
            self.now += BEAT
            self.say(heartbeat(self.counter, pressed))
            self.counter += 1
        return self

    def wait(self, seconds):
        self.now += seconds
        return self

    @property
    def found(self):
        return [finding.fault for finding in self.estop.look(self.now)]

    @property
    def state(self):
        self.estop.look(self.now)
        return self.estop.state

    def forgive(self):
        self.estop.forgive("Ada", self.now)
        return self.found


@pytest.fixture
def box():
    return Box().beat(3)


def test_the_figures_that_the_firmware_goes_by():
    assert (SILENCE, LONGEST) == (0.2, 16)


def test_a_line_of_the_protocol():
    # "S" ^ "3" ^ "F" ^ "R" = 0x53 ^ 0x33 ^ 0x46 ^ 0x52 = 0x74, and "P" is 0x50: 0x76
    assert heartbeat(0x3F, pressed=False) == b"S3FR74\n"
    assert heartbeat(0x13F, pressed=True) == b"S3FP76\n"
    assert parse(b"S3FR74") == (0x3F, False)
    assert parse(b"S3FP76") == (0x3F, True)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"S3FR7", b"S3FR744", b"T3FR73", b"S3FR75", b"S3FX7E", b"S3fR54", b"S+1R1B", b"S3FR 7", b"s3FR54",
        b"S 1R40", b"S3FR7\xff", b"\x00" * 6,
    ],
)  # fmt: skip
def test_what_is_no_line_of_it(line):
    assert parse(line) is None


@given(st.integers(0, 255), st.booleans(), st.integers(0, 5), st.integers(1, 255))
def test_a_changed_byte_is_noticed(counter, pressed, place, difference):
    line = bytearray(heartbeat(counter, pressed)[:-1])
    line[place] ^= difference
    assert parse(bytes(line)) is None


def test_a_box_is_waited_for_until_its_second_heartbeat():
    box = Box()
    assert box.state is EstopState.WAITING and box.estop.waiting
    box.wait(60.0)
    assert box.found == [] and box.estop.waiting, "however long that takes: who waits decides how long"
    box.beat()
    assert box.estop.waiting, "one line may be an old one"
    box.beat()
    assert box.state is EstopState.READY and not box.estop.waiting
    assert box.found == []


def test_noise_before_the_first_heartbeat_is_let_pass():
    box = Box().say(b"\xff\xfe\x00junk\n" + b"\x80" * 100)
    assert box.estop.waiting and box.found == []
    box.say(b"\n").beat(2)
    assert box.state is EstopState.READY


def test_a_beating_box_stays_ready_for_ever(box):
    for _ in range(1000):  # the counter goes round three times
        assert box.beat().found == []
    assert box.state is EstopState.READY


def test_lines_may_come_in_any_pieces_with_carriage_returns():
    box = Box()
    stream = b"".join(heartbeat(number, False).replace(b"\n", b"\r\n") for number in range(20))
    for byte in stream:
        box.wait(0.001).say(bytes([byte]))
    assert box.state is EstopState.READY
    box.say(b"".join(heartbeat(number, False) for number in range(20, 60)))
    assert box.state is EstopState.READY, "what waited in the port comes all at once"


def test_a_pressed_button_stops_at_once(box):
    box.say(heartbeat(box.counter, True))
    assert box.found == [Fault.STOP_BUTTON]
    assert box.state is EstopState.PRESSED


def test_a_press_and_a_release_between_two_looks_are_seen(box):
    box.say(heartbeat(3, True) + heartbeat(4, False))
    assert box.found == [Fault.STOP_BUTTON]


def test_presses_are_counted_not_heartbeats_that_tell_of_one(box):
    for presses in (1, 2, 3):
        assert box.beat(3, pressed=True).estop.presses == presses
        box.beat(3)
    assert box.found == [Fault.STOP_BUTTON], "and the robot was stopped all the while"


def test_a_pressed_button_is_believed_even_from_a_box_that_was_not_heard_yet():
    box = Box().say(heartbeat(0, True))
    assert box.found == [Fault.STOP_BUTTON] and not box.estop.waiting
    assert box.state is EstopState.PRESSED


def test_a_pressed_button_is_believed_with_a_counter_that_stands_still(box):
    box.say(heartbeat(box.counter - 1, True))
    assert box.found == [Fault.STOP_BUTTON]


def test_a_stop_is_latched_until_the_button_is_released_and_a_person_resets_it(box):
    box.beat(5, pressed=True)
    assert box.forgive() == [Fault.STOP_BUTTON], "still pressed"
    box.beat(5)
    assert box.found == [Fault.STOP_BUTTON], "released, not reset"
    assert box.state is EstopState.PRESSED
    assert box.forgive() == []
    assert box.state is EstopState.READY


def test_a_press_that_comes_together_with_a_reset_is_not_forgiven_by_it(box):
    """Pressed and released between two looks, as on a computer that gave nobody a turn for a while."""
    box.beat(1, pressed=True).beat(2)
    assert box.forgive() == [Fault.STOP_BUTTON], "nobody has seen it yet"
    assert box.forgive() == []


def test_a_second_press_that_comes_together_with_the_reset_of_the_first_is_not_forgiven_by_it(box):
    box.beat(1, pressed=True).beat(2)
    assert box.found == [Fault.STOP_BUTTON]
    box.beat(1, pressed=True).beat(2)
    assert box.forgive() == [Fault.STOP_BUTTON]
    assert box.forgive() == [] and box.state is EstopState.READY


@pytest.mark.parametrize("nobody", ["", "  "])
def test_nobody_resets_nothing(box, nobody):
    box.beat(1, pressed=True).beat(1)
    with pytest.raises(RobotError, match="name of the person"):
        box.estop.forgive(nobody, box.now)
    assert box.found == [Fault.STOP_BUTTON]


def test_silence_is_a_pressed_button(box):
    box.now += SILENCE - 1e-6  # above the limit only: 0.2 is no round number in binary
    assert box.found == []
    box.wait(2e-6)
    assert box.found == [Fault.STOP_BOX_SILENT]
    assert box.state is EstopState.LOST
    (finding,) = box.estop.look(box.now)
    assert finding == Finding(Fault.STOP_BOX_SILENT, pytest.approx(SILENCE, abs=1e-5), SILENCE)


def test_on_the_limit_of_silence_is_within_it():
    estop = Estop(0.0, silence=0.25)
    estop.hear(heartbeat(0, False) + heartbeat(1, False), 1.0)
    assert estop.look(1.25) == ()
    assert [finding.fault for finding in estop.look(1.2500001)] == [Fault.STOP_BOX_SILENT]


def test_after_silence_the_heartbeat_must_be_back_before_a_reset(box):
    box.wait(0.5)
    assert box.forgive() == [Fault.STOP_BOX_SILENT]
    box.beat(1)
    assert box.found == [Fault.STOP_BOX_SILENT] and box.state is EstopState.PRESSED, "back, not reset"
    assert box.forgive() == []


def test_silence_is_noticed_by_a_reset_that_nobody_looked_before(box):
    box.wait(0.5)
    box.estop.forgive("Ada", box.now)
    assert box.estop.state is EstopState.LOST


def test_a_heartbeat_that_repeats_itself_is_no_sign_of_life(box):
    for _ in range(20):
        box.wait(BEAT).say(heartbeat(box.counter - 1, False))
    assert box.found == [Fault.STOP_BOX_SILENT]
    assert box.forgive() == [Fault.STOP_BOX_SILENT]


def test_a_heartbeat_stuck_from_the_beginning_is_never_ready():
    box = Box()
    for _ in range(100):
        box.wait(BEAT).say(heartbeat(7, False))
    assert box.estop.waiting


def test_lost_lines_are_no_harm_and_a_counter_that_goes_back_is_no_sign_of_life():
    box = Box().beat(2)  # the counter stands at 1
    box.wait(0.1).say(heartbeat(1 + 127, False))  # 127 ahead: moved on
    box.wait(0.15).say(heartbeat(255, False))
    box.wait(0.15).say(heartbeat(255 + 127, False))  # the same, once round: 126
    assert box.wait(0.15).found == []
    box.say(heartbeat(128, False))
    assert box.wait(0.15).found == []
    box.say(heartbeat(128 + 128, False))  # 128 ahead is as much behind
    box.wait(0.1)
    assert box.found == [Fault.STOP_BOX_SILENT]


def test_a_box_that_started_anew_counts_from_where_it_is():
    box = Box().beat(200)
    box.counter = 0  # 199 to 0 is 57 ahead, 0 to 1 one
    assert box.wait(1.0).found == [Fault.STOP_BOX_SILENT]
    box.beat(3)
    assert box.forgive() == []
    box.beat(200)
    box.counter = 0  # from 202 to 0 is 54 ahead
    assert box.beat(1).found == []
    box.beat(100)
    box.counter = 0  # from 100 back to 0: the first line is no sign of life, the next one is
    assert box.beat(1).wait(SILENCE - BEAT / 2).found == [Fault.STOP_BOX_SILENT]
    box.beat(1)
    assert box.forgive() == []


@pytest.mark.parametrize("nonsense", [b"hello\n", b"\n", b"S3FR75\n", b"\xff" * (LONGEST + 1)])
def test_nonsense_is_a_pressed_button(box, nonsense):
    box.say(nonsense)
    assert box.found == [Fault.STOP_BOX_SENSELESS]
    assert box.state is EstopState.LOST
    assert box.forgive() == [Fault.STOP_BOX_SENSELESS]
    box.say(b"\n").beat(2)
    assert box.found == [Fault.STOP_BOX_SENSELESS]
    assert box.forgive() == []


def test_the_beginning_of_a_line_is_not_yet_nonsense(box):
    box.say(b"x" * LONGEST)
    assert box.found == []
    box.say(b"x")
    assert box.found == [Fault.STOP_BOX_SENSELESS]


def test_what_never_ends_does_not_grow(box):
    for _ in range(1000):
        box.say(b"\x00" * 512)
    assert len(box.estop._rest) <= LONGEST


def test_unplugged_is_pressed_and_stays_so(box):
    box.estop.lose()
    assert box.found == [Fault.STOP_BOX_UNPLUGGED] and box.state is EstopState.LOST
    box.wait(5.0)
    assert box.found == [Fault.STOP_BOX_UNPLUGGED], "silence adds nothing to it"
    assert box.forgive() == [Fault.STOP_BOX_UNPLUGGED]


def test_unplugged_before_it_was_heard():
    box = Box()
    box.estop.lose()
    assert box.found == [Fault.STOP_BOX_UNPLUGGED] and not box.estop.waiting


def test_every_reason_is_told_once_the_first_first(box):
    box.beat(2, pressed=True).wait(1.0)
    assert box.found == [Fault.STOP_BUTTON, Fault.STOP_BOX_SILENT]
    first = box.estop.look(box.now)[1].value
    box.wait(1.0)
    assert box.found == [Fault.STOP_BUTTON, Fault.STOP_BOX_SILENT]
    assert box.estop.look(box.now)[1].value == first, "as it was found"


@pytest.mark.parametrize("silence", [0.05, 1.01, float("nan"), -1.0])
def test_a_silence_that_cannot_be(silence):
    with pytest.raises(RobotError, match=r"after more than 0\.05 and at most 1 s of silence"):
        Estop(0.0, silence)
    Estop(0.0, 1.0)
    Estop(0.0, 0.0500001)


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([heartbeat(1, True), heartbeat(2, False)]), max_size=20)
)
def test_whatever_comes_a_stop_stays_until_a_reset(pieces):
    box = Box().beat(2)
    stopped = False
    for piece in pieces:
        now_stopped = bool(box.wait(0.01).say(piece).found)
        assert now_stopped or not stopped
        stopped = now_stopped

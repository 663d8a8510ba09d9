"""The stop box's heartbeat, judged: pure, no port, no thread, and no time but the ``now`` that it is told.

The box says one line at least every 50 ms, and at once when its button changes, at 115200 baud, 8N1:

    S 3F R 74      without the spaces, ended by a line feed (a carriage return before it does no harm)
    | |  | |
    | |  | check: exclusive or of all bytes before it, two upper-case hexadecimal digits
    | |  R: the button is released; P: it is pressed
    | counter: one more with every line, from FF to 00, two digits
    always S

The box is alive while lines come whose counter moves on; one that repeats itself is not. Until it has been heard alive
for the first time it is waited for, and noise on the line is let pass. From then on the button, silence, an unplugged
plug and anything that is no such line stop the robot, until it says "released" again *and* a person resets it.
``launch/estop`` has firmware for a box.
"""

from __future__ import annotations

from enum import Enum

from robots.robot import RobotError
from robots.safety.faults import SILENCE, Fault, Finding
from robots.safety.modes import released_by

LONGEST = 16  # bytes of a line that may still become a heartbeat

_LINE = 6  # bytes of a heartbeat, without its end
_HEX = frozenset(b"0123456789ABCDEF")
_AHEAD = 128  # counters less than this ahead, modulo 256, have moved on


class EstopState(Enum):
    """What a monitor shows."""

    NONE = "none"  # there is no stop box
    WAITING = "waiting"  # it has not been heard yet; nothing may move
    READY = "ready"
    PRESSED = "pressed"  # the button is pressed, or was and nobody has reset it
    LOST = "lost"  # silent, unplugged or speaking nonsense


def heartbeat(counter: int, pressed: bool) -> bytes:
    """The line of a box whose counter is ``counter``, with its end."""
    text = f"S{counter % 256:02X}{'P' if pressed else 'R'}".encode()
    return text + f"{_check(text):02X}\n".encode()


def parse(line: bytes) -> tuple[int, bool] | None:
    """Counter and whether the button is pressed; None for what is no heartbeat. ``line`` without its end."""
    if len(line) != _LINE or line[:1] != b"S" or line[3:4] not in (b"R", b"P"):
        return None
    if not _HEX.issuperset(line[1:3] + line[4:]) or int(line[4:], 16) != _check(line[:4]):
        return None
    return int(line[1:3], 16), line[3:4] == b"P"


class Estop:
    """Judges one box. ``hear`` what came, ``lose`` it when unplugged; ``look`` says what stops the robot."""

    def __init__(self, now: float, silence: float = SILENCE):
        """Wait for the box from ``now`` [s] on; later it is lost after ``silence`` [s].

        Raises:
            RobotError: ``silence`` is no time that a box could keep.
        """
        if not 0.05 < silence <= 1.0:
            raise RobotError(
                f"a stop box is lost after more than 0.05 and at most 1 s of silence, got {silence}"
            )
        self._silence = silence
        self.presses = 0  # of the button, those that follow a release
        self._heard_at = now  # of the last sign of life
        self._counter: int | None = None
        self._rest = b""  # of a line that has no end yet
        self._alive = self._unseen = False  # was heard once; something has stopped it since the last look
        self._wrong: Finding | None = None  # now
        self._latched: dict[Fault, Finding] = {}  # since the last reset

    @property
    def waiting(self) -> bool:
        """True until the box is heard, or found pressed or unplugged, for the first time."""
        return not self._alive and not self._latched

    @property
    def state(self) -> EstopState:
        """As it was at the last ``look``."""
        if self.waiting:
            return EstopState.WAITING
        if self._wrong is not None and self._wrong.fault is not Fault.STOP_BUTTON:
            return EstopState.LOST
        return EstopState.PRESSED if self._latched else EstopState.READY

    def hear(self, data: bytes, now: float) -> None:
        """``data`` came from the box: any bytes, in pieces of any size."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.removesuffix(b"\r"), now)
        if len(self._rest) > LONGEST:
            self._rest = b""
            self._doubt()

    def lose(self) -> None:
        """The box is unplugged: no more will come from it."""
        self._stop(Finding(Fault.STOP_BOX_UNPLUGGED))

    def look(self, now: float) -> tuple[Finding, ...]:
        """What stops the robot at ``now`` [s], or has stopped it since the last reset; empty when all is well."""
        self._listen(now)
        self._unseen = False
        return tuple(self._latched.values())

    def forgive(self, operator: str, now: float) -> None:
        """``operator`` says that all is well: forget what is over. What is still wrong goes on stopping the robot.

        So does what came since the last ``look``: a press that is over when it is first seen came together with this
        reset, and nobody who asked for the one can have known of the other.

        Raises:
            RobotError: nobody is named.
        """
        released_by(operator)
        self._listen(now)
        if not self._unseen:
            self._latched = {} if self._wrong is None else {self._wrong.fault: self._wrong}

    # Inside

    def _listen(self, now: float) -> None:
        """Silence is found by looking, all else by hearing."""
        age = now - self._heard_at
        if self._alive and age > self._silence and not self._is(Fault.STOP_BOX_UNPLUGGED):
            self._stop(Finding(Fault.STOP_BOX_SILENT, age, self._silence))

    def _take(self, line: bytes, now: float) -> None:
        found = parse(line)
        if found is None:
            self._doubt()
            return
        counter, pressed = found
        moved = self._counter is not None and 0 < (counter - self._counter) % 256 < _AHEAD
        self._counter = counter
        if moved:
            self._heard_at, self._alive = now, True
        if pressed:  # believed at once, whatever its counter
            self.presses += not self._is(Fault.STOP_BUTTON)
            self._stop(Finding(Fault.STOP_BUTTON))
        elif moved:
            self._wrong = None

    def _doubt(self) -> None:
        """Something came that is no heartbeat."""
        if self._alive:
            self._stop(Finding(Fault.STOP_BOX_SENSELESS))

    def _stop(self, finding: Finding) -> None:
        self._wrong, self._unseen = finding, True
        self._latched.setdefault(finding.fault, finding)

    def _is(self, fault: Fault) -> bool:
        return self._wrong is not None and self._wrong.fault is fault


def _check(text: bytes) -> int:
    check = 0
    for byte in text:
        check ^= byte
    return check

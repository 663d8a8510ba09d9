"""A stop that outlives the program: a small file that says who stopped a robot, why and when, until a person resets it.

Without it a restart would be a reset that no person made. The file appears whole or not at all. One that cannot be read
counts as a stop. What was reset, and by whom, is added to a history beside it.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from robots.robot import RobotError, RobotStopped
from robots.safety.faults import Fault
from robots.safety.modes import Mode, released_by

RETRY = 0.5  # s until a disk that would not take it is asked again
LAST_CHANCE = 2.0  # s that a leaving process waits for the disk
ROOM = 4096  # bytes kept free for a stop, in a file of their own: on a full disk they are there all the same

# What a person does, or can no longer do. It stops a robot also when nothing has moved it yet.
PRESSED = frozenset(
    (
        Fault.EMERGENCY_STOP,
        Fault.STOP_BUTTON,
        Fault.STOP_BOX_SILENT,
        Fault.STOP_BOX_UNPLUGGED,
        Fault.STOP_BOX_SENSELESS,
        Fault.STOP_REMOTE,
        Fault.SWITCHED_OFF,
    )
)


def outlives(fault: Fault, commanded: bool) -> bool:
    """Whether ``fault`` stops the robot in the next life, too; ``commanded``: it may have been moved in this one.

    That a program fell silent is no reason to refuse its next life. A joint that is outside its limits without having
    been moved is found there again.
    """
    damps = fault.mode >= Mode.DAMP and fault is not Fault.COMMAND_LOST
    return damps and (commanded or fault in PRESSED)


@dataclass(frozen=True)
class Stop:
    """What a person must know before they let the robot move again."""

    robot: str
    why: str
    when: str  # local time, to the second, with its offset
    who: str  # user, computer and process that drove it

    def text(self) -> str:
        """One line for a person."""
        return f"robot '{self.robot}' was stopped at {self.when}, driven by {self.who}: {self.why}"


def this_process() -> str:
    """User, computer and process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = f"user {os.getuid()}"
    return f"{user} on {socket.gethostname()}, process {os.getpid()}"


def present() -> str:
    """Local time."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def place(robot: str) -> Path:
    """The usual file of ``robot``: in the user's state directory, which ``XDG_STATE_HOME`` moves."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "daydreamer" / f"{robot}.stop"


def read(path: Path) -> Stop | None:
    """The stop that is kept in ``path``; None when there is none."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return _unreadable(path, str(error))
    try:
        return Stop(**{name: str(value) for name, value in json.loads(text).items()})
    except (ValueError, TypeError, AttributeError):
        return _unreadable(path, f"expected a stop as JSON, got {text[:80]!r}")


def write(path: Path, stop: Stop) -> None:
    """Keep ``stop`` in ``path``: whole, and on the disk before this returns.

    Raises:
        OSError: the disk does not take it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(_spare(path), (json.dumps(asdict(stop)) + "\n").encode())
    _spare(path).replace(path)
    _sync_directory(path.parent)


def _spare(path: Path) -> Path:
    """Where room is kept for a stop."""
    return path.with_name(f"{path.name}.spare")


def _reserve(path: Path) -> None:
    _write(_spare(path), bytes(ROOM))
    _sync_directory(path.parent)


def _write(path: Path, data: bytes) -> None:
    """``data`` into ``path``, over what was there: where that was as long no disk has to find room for it."""
    with open(path, "r+b" if path.exists() else "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        file.truncate()


def refuse(path: Path, how: str) -> None:
    """Refuse a robot that is stopped, and one whose stop could not be kept. ``how`` to reset it, for a person.

    Room for a stop is taken here: once a robot moves, a full disk forgets none.

    Raises:
        RobotStopped: it is stopped.
        RobotError: no file can be written there.
    """
    stop = read(path)
    if stop is not None:
        raise RobotStopped(f"{stop.text()}. Look at the robot; when it may move again: {how}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _reserve(path)
    except OSError as error:
        raise RobotError(
            f"a stop of the robot could not be kept in {path}: {error.strerror or error}. Let this user write there, "
            "make room, or set XDG_STATE_HOME to a directory that outlives a restart."
        ) from error


def reset(path: Path, operator: str) -> Stop | None:
    """Forget the stop in ``path``, because ``operator`` looked at the robot; the stop, None when there was none.

    Raises:
        RobotError: nobody is named, the file cannot be removed, or the robot was stopped anew meanwhile.
    """
    released_by(operator)
    try:
        seen = path.stat()
    except OSError:
        seen = None
    stop = read(path)
    if stop is None:
        return None
    forgotten = {**asdict(stop), "reset_by": operator, "reset_at": present()}
    try:
        with path.with_suffix(".history.jsonl").open("a") as file:
            file.write(json.dumps(forgotten) + "\n")
        newer = _remove(path, seen)
        _sync_directory(path.parent)
    except FileNotFoundError:  # someone else has reset it
        return stop
    except OSError as error:
        raise RobotError(f"the stop in {path} cannot be reset: {error}") from error
    if newer:
        raise RobotError(f"it was stopped anew while it was being reset: {newer.text()}")
    return stop


class Keeper:
    """Keeps stops from a loop that must not wait: a thread of its own does what the disk takes time for."""

    def __init__(self, path: Path, robot: str):
        """For ``robot``. Nothing is read or written yet."""
        self._path, self._robot, self._who = path, robot, this_process()
        self._wanted: Stop | None = None
        self._news = threading.Condition()
        self._pending = False
        self._refusal = ""  # of the disk, the last one
        self._operator = ""  # who reset it last
        self._leaving = False
        # Now, and not when there is something to keep: then there may be no room for a thread.
        self._thread = threading.Thread(target=self._work, name="stop-keeper", daemon=True)
        self._thread.start()

    def keep(self, why: str) -> None:
        """That it stopped now, and ``why``, is to be on the disk soon. Does not wait for it."""
        self._want(Stop(self._robot, why, present(), self._who))

    def forget(self, operator: str) -> None:
        """``operator`` has reset the robot: no stop is to be on the disk. Does not wait for it."""
        self._operator = operator
        self._want(None)

    @property
    def owes(self) -> bool:
        """Whether there is a stop that the disk has not taken yet. Does not wait."""
        return self._pending and self._wanted is not None

    @property
    def failure(self) -> str:
        """What the disk has not done, and why, for a person; empty when it has done all. Does not wait."""
        wanted, why = self._wanted, self._refusal or "the disk does not answer"
        if not self._pending:
            return ""
        if wanted is None:
            return f"the stop in {self._path} was reset and could not be removed ({why}): the robot stays refused"
        return f"{wanted.text()}. It could not be written to {self._path} ({why}): a restart forgets it"

    def close(self, patience: float = LAST_CHANCE) -> bool:
        """Wait until the disk has what was wanted, at most ``patience`` [s]; whether it has."""
        with self._news:
            self._leaving = True
            self._news.notify()
        self._thread.join(patience)
        return not self._pending

    def _want(self, stop: Stop | None) -> None:
        with self._news:
            self._wanted, self._pending = stop, True
            self._news.notify()

    def _work(self) -> None:
        while True:
            with self._news:
                while not self._pending:
                    if self._leaving:
                        return
                    self._news.wait()
                wanted = self._wanted
            done = self._do(wanted)
            with self._news:
                if done:
                    self._pending = self._wanted is not wanted
                else:
                    self._news.wait(RETRY)

    def _do(self, wanted: Stop | None) -> bool:
        try:
            if wanted is not None:
                write(self._path, wanted)
            elif read(self._path) is not None:
                reset(self._path, self._operator)
                with suppress(OSError):
                    _reserve(self._path)
        except OSError as error:
            self._refusal = error.strerror or str(error)
            return False
        except RobotError as error:
            self._refusal = str(error)
            return False
        self._refusal = ""
        return True


def _unreadable(path: Path, why: str) -> Stop:
    return Stop(
        path.stem, f"nobody knows why, as {path} cannot be read ({why})", "an unknown time", "nobody knows"
    )


def _remove(path: Path, seen: os.stat_result | None) -> Stop | None:
    """Remove the file that was ``seen``; when another has taken its place that one stays, and is returned."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.reset")
    path.rename(aside)  # from here on nobody writes to what is looked at
    if seen is not None and os.path.samestat(seen, aside.stat()) and aside.is_file():
        aside.unlink()
        return None
    aside.replace(path)
    return read(path)


def _sync_directory(directory: Path) -> None:
    with suppress(OSError):  # not every file system can
        fd = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

"""Keys: who may speak to the learner, and how both ends know each other (CurveZMQ, Curve25519).

A directory of keys::

    learner.key      secret; stays on the learner's computer
    learner.pub      copy to each robot
    NAME.key         secret; move to the robot whose actor has this name
    allowed/NAME.pub  that actor's public key; delete it to shut the actor out, within a second

A file's name says which actor its key may be, and no other. A connection whose key is not allowed gets no further
than the handshake: none of its bytes reach our code.
"""

from __future__ import annotations

import logging
import math
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.utils import z85

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.transport.address import Address
from daydreamer.transport.link import LinkError
from daydreamer.transport.seldom import Seldom

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KEY = re.compile(rb"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")  # 32 bytes in Z85
_ZAP_ADDRESS = "inproc://zeromq.zap.01"  # fixed by the protocol
MOST_ANSWERS = 16  # at once: whoever dials without end does not keep the thread from its work
LOOK_EVERY = 0.5  # s between two looks at the keys that are allowed


class KeyProblem(DaydreamerError):
    """A key file is missing, open to others, already there, or no key."""


@dataclass(frozen=True)
class LearnerKeys:
    """What the learner needs: its own pair, and the directory of the keys it listens to."""

    public: bytes  # Z85, 40 characters
    secret: bytes = field(repr=False)
    allowed: Path

    def apply(self, socket: zmq.Socket[bytes]) -> None:
        """Make ``socket`` a CURVE server. Before ``bind``."""
        socket.curve_server = True
        socket.curve_secretkey = self.secret
        socket.zap_domain = b"daydreamer"


@dataclass(frozen=True)
class ActorKeys:
    """What an actor needs: its own pair, and the learner's public key."""

    public: bytes
    secret: bytes = field(repr=False)
    learner: bytes

    def apply(self, socket: zmq.Socket[bytes]) -> None:
        """Make ``socket`` a CURVE client. Before ``connect``."""
        socket.curve_publickey = self.public
        socket.curve_secretkey = self.secret
        socket.curve_serverkey = self.learner


def new_keys(directory: Path | str, actors: Iterable[str] = ("actor",)) -> list[Path]:
    """Make the learner's keys where there are none yet, and keys for ``actors``; the files written.

    Raises:
        KeyProblem: an actor's key is there already (nothing is ever overwritten), a name is not one, or this is a
            robot's directory, which has another learner's public key.
        DaydreamerError: ``directory`` cannot be written to.
    """
    directory, names = Path(directory), list(dict.fromkeys(actors))
    for name in names:
        if not _NAME.fullmatch(name) or name == "learner":
            raise KeyProblem(
                f"expected a name of letters, digits, '_', '.', '-', not 'learner'; got {name!r}"
            )
        if (directory / f"{name}.key").exists() or (directory / "allowed" / f"{name}.pub").exists():
            raise KeyProblem(
                f"{directory} has keys for '{name}': delete {name}.key and allowed/{name}.pub first"
            )
    if (directory / "learner.pub").exists() and not (directory / "learner.key").exists():
        raise KeyProblem(
            f"{directory} has learner.pub and no learner.key: keys are made on the learner's computer, where that is, "
            "and NAME.key is moved here"
        )
    writable_directory(directory, 0o700)
    writable_directory(directory / "allowed", 0o700)
    written = []
    if not (directory / "learner.key").exists():
        written += _write_pair(directory / "learner.key", directory / "learner.pub")
    for name in names:
        written += _write_pair(directory / f"{name}.key", directory / "allowed" / f"{name}.pub")
    return written


def load_learner_keys(directory: Path | str) -> LearnerKeys:
    """The learner's keys in ``directory``. Raises KeyProblem when they are missing or open to others."""
    directory = Path(directory)
    secret = _read_secret(directory / "learner.key")
    if not (directory / "allowed").is_dir():
        raise KeyProblem(
            f"{directory}/allowed is missing: it holds the public keys (*.pub) of allowed actors"
        )
    for path in (directory, directory / "allowed", *(directory / "allowed").glob("*.pub")):
        _check_writers(path)
    return LearnerKeys(zmq.curve_public(secret), secret, directory / "allowed")


def load_actor_keys(directory: Path | str, actor: str = "actor") -> ActorKeys:
    """An actor's keys in ``directory``. Raises KeyProblem when they are missing or open to others."""
    directory = Path(directory)
    secret = _read_secret(directory / f"{actor}.key")
    learner = read_key(directory / "learner.pub")
    for path in (directory, directory / "learner.pub"):  # who writes there chooses the learner
        _check_writers(path)
    return ActorKeys(zmq.curve_public(secret), secret, learner)


def check_exposure(address: Address, keys: LearnerKeys | ActorKeys | None, insecure: bool) -> None:
    """Refuse to listen beyond this computer, or to connect to another one, without keys.

    Raises:
        LinkError: ``address`` is not loopback, there are no keys, and ``insecure`` was not asked for.
    """
    if keys is not None or address.is_loopback:
        return
    if not insecure:
        raise LinkError(
            f"a link at {address} without keys would let anyone on the network move the robot: "
            "make keys with `daydreamer keys new DIRECTORY` and pass them, or stay on 127.0.0.1"
        )
    logger.warning("the link at %s has no keys: anyone on the network can move the robot", address)


class Doorman:
    """Answers libzmq's question "may this key come in?" (ZAP, RFC 27) for the sockets of one context.

    It is polled by the thread that listens, and reads the directory of allowed keys every ``LOOK_EVERY`` at most,
    however many ask: keys added and removed count from then on. ZeroMQ hands the verdict's ticket to every message as
    its ``User-Id``: the owner's name and the key that was shown, since a name may have another key by now.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        keys: LearnerKeys,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._allowed = keys.allowed
        self._clock = clock
        self._owners: dict[bytes, str] = {}  # key -> name, at the last look
        self._next_look = -math.inf
        self._seldom = Seldom(logger)
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(_ZAP_ADDRESS)

    def answer(self) -> None:
        """Answer questions that wait, ``MOST_ANSWERS`` at most."""
        for _ in range(MOST_ANSWERS):
            if not self.socket.poll(0):
                return
            version, request, _domain, address, _identity, mechanism, *credentials = (
                self.socket.recv_multipart()
            )
            name, key = None, b""
            if mechanism == b"CURVE" and len(credentials) == 1:
                key = z85.encode(credentials[0])
                name = self._owner(key)
            if name is None:
                self._seldom.warning("refused %s: its key is not in %s", address.decode(), self._allowed)
                verdict = [b"400", b"this key is not allowed", b"", b""]
            else:
                verdict = [b"200", b"welcome", b"%s %s" % (name.encode(errors="replace"), key), b""]
            self.socket.send_multipart([version, request, *verdict])

    def still_allows(self, ticket: str) -> bool:
        """Whether the key on ``ticket`` is still there, under the same name."""
        name, _, key = ticket.rpartition(" ")
        return self._owner(key.encode()) == name

    def close(self) -> None:
        """Stop answering. Idempotent."""
        self.socket.close()

    def _owner(self, public: bytes) -> str | None:
        now = self._clock()
        if now >= self._next_look:
            self._owners, self._next_look = self._look(), now + LOOK_EVERY
        return self._owners.get(public)

    def _look(self) -> dict[bytes, str]:
        owners: dict[bytes, str] = {}
        for path in sorted(self._allowed.glob("*.pub")):
            try:
                key = read_key(path)
                _check_writers(path)
                owners.setdefault(key, path.stem)
            except (KeyProblem, OSError) as error:
                self._seldom.warning("%s", error)
        return owners


def owner_of(ticket: str) -> str:
    """The name on a ticket of the doorman's."""
    return ticket.rpartition(" ")[0] or ticket


def _write_pair(secret_path: Path, public_path: Path) -> list[Path]:
    public, secret = zmq.curve_keypair()
    for path, key, mode in ((secret_path, secret, 0o600), (public_path, public, 0o644)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key + b"\n")
    return [secret_path, public_path]


def _read_secret(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        how = f"`daydreamer keys new {path.parent}`"
        if path.stem != "learner":
            how = (
                f"`daydreamer keys new DIR --actors {path.stem}` on the learner's computer, and move it here"
            )
        raise KeyProblem(f"{path} is missing: make keys with {how}") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if mode & 0o077:
        raise KeyProblem(
            f"{path} is open to other users (mode {mode & 0o777:o}): who may have read it? "
            f"Make new keys, or, if nobody has, run `chmod 600 {path}`"
        )
    return read_key(path)


def _unreadable(path: Path, error: OSError) -> KeyProblem:
    return KeyProblem(
        f"{path} cannot be read: {error.strerror}. It has to belong to the user who runs daydreamer"
    )


def _check_writers(path: Path) -> None:
    """Raise KeyProblem when others could put a key of theirs into ``path``."""
    mode = path.stat().st_mode
    if mode & 0o022:
        raise KeyProblem(
            f"{path} can be written by other users (mode {mode & 0o777:o}), who could let themselves in: "
            f"look at what it holds, then run `chmod go-w {path}`"
        )


def read_key(path: Path) -> bytes:
    """The key in ``path``. Raises KeyProblem when there is none."""
    try:
        key = path.read_bytes().strip()
    except FileNotFoundError as error:
        raise KeyProblem(f"{path} is missing: copy it from the computer where the keys were made") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if not _KEY.fullmatch(key):
        raise KeyProblem(
            f"{path}: expected a key, 40 characters of Z85, got {len(key)} bytes of something else"
        )
    return key

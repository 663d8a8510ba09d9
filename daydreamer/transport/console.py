"""The actor's console: telemetry out, hands in, over one port, in a thread of its own.

``post`` lays down a reference and returns; packing and sending are the thread's. Each viewer has a short queue:
one that does not read loses messages, and nobody else notices. A wish is handed to ``on_hand`` in the thread, so
that a stop acts whatever the control loop does.
"""

from __future__ import annotations

import hmac
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import zmq

from daydreamer.core.errors import Corrupt, DaydreamerError
from daydreamer.core.telemetry import Telemetry
from daydreamer.transport import console_messages as messages
from daydreamer.transport.address import Address
from daydreamer.transport.auth import Doorman, LearnerKeys, check_exposure
from daydreamer.transport.console_file import mark_of
from daydreamer.transport.console_messages import Hand, HandRefused
from daydreamer.transport.link import LinkError
from daydreamer.transport.seldom import Seldom
from daydreamer.transport.term import term
from daydreamer.transport.wake import Wake

logger = logging.getLogger(__name__)

HOST, PORT = "127.0.0.1", 5557  # where it listens by default; the next free port when that one is taken
_PORTS_TRIED = 100
_TURN = 1.0 / messages.MAX_HZ  # s between two rounds of sending
_IDLE = 0.25  # s between two looks while nobody watches
_CHORES = 0.1  # s between two rounds of chores
_MOST_VIEWERS = 64
_MOST_AT_ONCE = 64  # messages read before telemetry goes out again
_QUEUE = 4  # messages for a viewer that does not read; beyond them it loses some


@dataclass
class _Viewer:
    period: float  # s between two telemetries
    due: float  # when it gets the next
    heard: float  # when it said that it watches


class Console:
    """Listens for viewers. ``start`` begins; any thread may call anything.

    Args:
        bind: "HOST:PORT", port 0 for a free one; None: loopback, on 5557 or the next port that is free.
        token: Every hand must show it.
        on_hand: Called with every wish that may be, in the console's thread; what it raises of DaydreamerError is
            the answer. It must not wait.
        keys: Of this end; without them only loopback is listened on.
        chores: Called a few times a second, in a thread of its own: a disk may let it wait, and no stop waits with it.
        clock: Monotonic seconds.

    Raises:
        LinkError: the address is none, is in use, or is open to the network without keys.
    """

    def __init__(
        self,
        bind: str | None,
        token: str,
        on_hand: Callable[[Hand], None],
        keys: LearnerKeys | None = None,
        chores: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        if not token:
            raise LinkError("a console without a token would let anyone on this computer move the robot")
        addresses = [bind] if bind else [f"{HOST}:{port}" for port in range(PORT, PORT + _PORTS_TRIED)]
        self._token, self._on_hand, self._chores = token.encode(), on_hand, chores
        self._self = {"mark": mark_of(token), "pid": os.getpid()}
        self._clock = clock
        self._seldom = Seldom(logger, clock=clock)
        self._newest: tuple[Telemetry | Callable[[], Telemetry], float] | None = None
        self._viewers: dict[bytes, _Viewer] = {}
        self._next_turn = -math.inf
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._doorman = Doorman(self._context, keys, clock) if keys is not None else None
        try:
            self.address = self._bind([Address.parse(one) for one in addresses], keys)
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self._wake = Wake()
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._wake.fileno(), zmq.POLLIN)
        if self._doorman is not None:
            self._poller.register(self._doorman.socket, zmq.POLLIN)
        self._closing = False
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._worker = threading.Thread(target=self._work, name="actor console's chores", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        if self._thread is not None or self._closing:
            raise LinkError("a console is started once; make another one")
        self._thread = threading.Thread(target=self._run, name="actor console", daemon=True)
        self._thread.start()
        self._worker.start()

    def post(self, newest: Telemetry | Callable[[], Telemetry]) -> None:
        """Make it the newest. A reference changes hands: nothing in it may change afterwards.

        A function is called in the console's thread, whenever somebody is due: so the control loop makes nothing, and
        what the robot's safety says is up to date although the loop hangs.
        """
        self._newest = (newest, self._clock())

    @property
    def viewers(self) -> int:
        """How many are watching."""
        return len(self._viewers)

    def close(self) -> None:
        """Stop listening. Idempotent, bounded."""
        if self._closing:
            return
        self._closing = True
        self._closed.set()
        self._wake.ring()
        if self._thread is None:
            self._end()
        else:
            self._thread.join(5.0)
            self._worker.join(5.0)
            if self._thread.is_alive():
                logger.error("the console's thread hangs; it is left behind")
                return
        self._wake.close()

    # In the thread

    def _run(self) -> None:
        try:
            while not self._closing:
                self._guarded(self._turn)
        finally:
            self._end()

    def _work(self) -> None:
        while not self._closed.wait(_CHORES):
            self._guarded(self._chores)
        self._guarded(self._chores)

    def _guarded(self, work: Callable[[], None]) -> None:
        """The way to stop the robot must outlive any mistake: what goes wrong is logged, and it goes on."""
        try:
            work()
        except Exception:
            logger.exception("the console had a mistake; it goes on")
            time.sleep(_TURN)

    def _turn(self) -> None:
        now = self._clock()
        wait = _IDLE if not self._viewers else min(max(0.0, self._next_turn - now), _IDLE)
        self._poller.poll(math.ceil(wait * 1000))
        self._wake.clear()
        if self._doorman is not None:
            self._doorman.answer()
        self._listen()
        self._speak(self._clock())

    def _listen(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                identity, *parts = self._receive()
            except zmq.Again:
                return
            if not parts:
                self._viewers.pop(identity, None)
                continue
            try:
                kind, fields = messages.decode(b"".join(parts))
                if kind == "watch":
                    self._watched(identity, float(messages.field(fields, "hz", float)))
                elif kind == "hand":
                    self._answer(identity, fields)
                else:
                    raise Corrupt(f"unknown kind of message {kind!r:.20}")
            except Corrupt as error:
                self._seldom.warning("a message on the console was dropped: %s", error)

    def _receive(self) -> list[bytes]:
        """Identity and parts of a message; no part of a viewer whose key was taken away. Raises zmq.Again."""
        frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        if self._doorman is not None and not self._doorman.still_allows(str(frames[-1].get("User-Id"))):
            self._seldom.warning("a viewer whose key is no longer allowed is not listened to")
            del frames[1:]
        return [frame.bytes for frame in frames]

    def _watched(self, identity: bytes, hz: float) -> None:
        now = self._clock()
        period = 1.0 / min(max(hz, 0.1), messages.MAX_HZ) if math.isfinite(hz) else 1.0
        viewer = self._viewers.get(identity)
        if viewer is not None:
            viewer.period, viewer.heard = period, now
        elif len(self._viewers) < _MOST_VIEWERS:
            self._viewers[identity] = _Viewer(period, now, now)
            self._next_turn = min(self._next_turn, now)
        else:
            self._seldom.warning("more than %d viewers: one is turned away", _MOST_VIEWERS)

    def _answer(self, identity: bytes, fields: dict[str, Any]) -> None:
        number = messages.field(fields, "id", int)
        try:
            words = {
                name: messages.field(fields, name, str) for name in ("token", "wish", "operator", "viewer")
            }
            if not hmac.compare_digest(words.pop("token").encode(), self._token):
                self._seldom.warning("a hand with a wrong token was refused")
                raise HandRefused(
                    "the control token is wrong: the right one is in console.json of this actor"
                )
            hand = Hand(**words)
            if hand.wish != "damp":
                self._check_in_time(messages.field(fields, "until", float))
            self._on_hand(hand)
        except DaydreamerError as error:
            self._send(identity, messages.encode("refused", id=number, why=str(error)))
        except Exception as error:
            self._send(identity, messages.encode("refused", id=number, why=f"the actor failed: {error}"))
            raise
        else:
            self._send(identity, messages.encode("received", id=number))

    def _check_in_time(self, until: float) -> None:
        """Whoever wished has been told by then that it failed, and has perhaps walked up to the robot."""
        if not 0 <= until - self._clock() <= messages.GOOD_FOR:
            raise HandRefused("it came too late and was not done: look at the robot, then wish again")

    def _speak(self, now: float) -> None:
        """Telemetry to those whose turn it is, packed once for all."""
        if now < self._next_turn:
            return
        self._next_turn = now + _TURN
        for identity in [
            one for one, viewer in self._viewers.items() if now - viewer.heard > messages.FORGET_AFTER
        ]:
            del self._viewers[identity]
        due = [(one, viewer) for one, viewer in self._viewers.items() if now >= viewer.due - _TURN / 2]
        if not due:
            return
        ours = {**self._self, "clock": now}
        if self._newest is None:
            data = messages.encode("waiting", **ours)  # for the robot
        else:
            newest, posted = self._newest
            telemetry = newest if isinstance(newest, Telemetry) else newest()
            telemetry = replace(telemetry, age=now - posted, viewers=len(self._viewers))
            data = messages.encode("telemetry", data=telemetry.to_bytes(), **ours)
        for identity, viewer in due:
            viewer.due = max(viewer.due + viewer.period, now)
            self._send(identity, data)

    def _send(self, identity: bytes, data: bytes) -> None:
        try:
            self._socket.send_multipart([identity, data], zmq.NOBLOCK)
        except zmq.Again:
            pass  # it does not read: newest wins, this one is lost
        except zmq.ZMQError:
            self._viewers.pop(identity, None)  # it is gone

    def _bind(self, addresses: list[Address], keys: LearnerKeys | None) -> str:
        set_option = self._socket.setsockopt
        set_option(zmq.LINGER, 0)
        set_option(zmq.MAXMSGSIZE, messages.MAX_BYTES)
        set_option(zmq.SNDHWM, _QUEUE)
        set_option(zmq.ROUTER_MANDATORY, 1)
        set_option(zmq.HANDSHAKE_IVL, 5_000)
        set_option(zmq.HEARTBEAT_IVL, 2_000)
        set_option(zmq.HEARTBEAT_TIMEOUT, 10_000)
        set_option(zmq.IPV6, int(addresses[0].is_ipv6))
        if keys is not None:
            keys.apply(self._socket)
        for address in addresses:
            check_exposure(address, keys, insecure=False)
            try:
                self._socket.bind(address.endpoint)
            except zmq.ZMQError as error:
                trouble = error
                continue
            port = int(self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
            return str(Address(address.host, port))
        raise LinkError(f"the console cannot listen on {addresses[-1]}: {trouble}. Choose another --console")

    def _end(self) -> None:
        if self._doorman is not None:
            self._doorman.close()
        self._socket.close(linger=0)
        term(self._context)

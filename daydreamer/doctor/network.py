"""What is on the network: our own ports, and a learner: is it there, does it let us in, what time is it there."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

import zmq
from zmq.utils.monitor import recv_monitor_message

from daydreamer.doctor.check import Check, Level
from daydreamer.transport.address import Address
from daydreamer.transport.auth import ActorKeys
from daydreamer.transport.link import LinkError
from robots.clock import MonotonicClock

GROUP = "network"
PORTS = {5555: "the link, where a learner listens", 5557: "the actor's console", 8080: "the monitor's page"}
SKEW = 0.5  # s; what logs of two computers may differ by
NTP_PORT = 123
_NTP_EPOCH = 2208988800  # s from 1900 to 1970


def ports(wanted: dict[int, str] | None = None) -> list[Check]:
    """Whether our TCP ports are free; a program of ours that runs takes them, too."""
    return [_port(number, what) for number, what in (PORTS if wanted is None else wanted).items()]


def _port(number: int, what: str) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError as error:
            do = f"{what}: one of ours that runs already, or choose another port ({error.strerror})"
            return Check(GROUP, f"port {number}", Level.NOTE, "taken", do)
    return Check(GROUP, f"port {number}", Level.OK, f"free ({what})")


def learner(address: str, keys: ActorKeys | None, patience: float = 3.0) -> Check:
    """Connect as an actor does and shake hands; nothing is said after that."""
    try:
        target = Address.parse(address)
        seen = _shake_hands(target, keys, patience)
    except (LinkError, zmq.ZMQError) as error:
        return Check(GROUP, "learner", Level.PROBLEM, f"{address} is no address to connect to", str(error))
    if zmq.EVENT_HANDSHAKE_SUCCEEDED in seen:
        if keys is None and not target.is_loopback:
            do = "give --keys, and the learner its own: without, an actor connects there only with --insecure"
            return Check(
                GROUP, "learner", Level.PROBLEM, f"{target} answers, and anybody may speak for it", do
            )
        how = "encrypted, and this key is let in" if keys else "not encrypted"
        return Check(GROUP, "learner", Level.OK, f"{target} answers, {how}")
    if zmq.EVENT_HANDSHAKE_FAILED_AUTH in seen:
        do = "copy this actor's public key into allowed/ on the learner's computer, or make new keys"
        return Check(GROUP, "learner", Level.PROBLEM, f"{target} refuses this key", do)
    if zmq.EVENT_CONNECTED in seen:
        do = "the two sides must agree about keys: give --keys here if the learner has them, and the learner's own"
        return Check(GROUP, "learner", Level.PROBLEM, f"{target} is there, but the handshake fails", do)
    do = f"start `daydreamer learner --bind 0.0.0.0:{target.port} --keys DIR` there; look at its firewall"
    return Check(GROUP, "learner", Level.PROBLEM, f"nobody answers at {target} in {patience:g} s", do)


def _shake_hands(target: Address, keys: ActorKeys | None, patience: float) -> set[int]:
    """The events of one connection, until it is clear how it went."""
    good_or_bad = {zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_HANDSHAKE_FAILED_AUTH}
    seen: set[int] = set()
    with zmq.Context() as context, context.socket(zmq.DEALER) as door:
        door.linger = 0
        door.ipv6 = target.is_ipv6
        if keys is not None:
            keys.apply(door)
        events = door.get_monitor_socket()
        door.connect(target.endpoint)
        clock = MonotonicClock()
        deadline = clock.now() + patience
        while (left := deadline - clock.now()) > 0 and not seen & good_or_bad:
            if events.poll(int(1000 * left) + 1):
                seen.add(int(recv_monitor_message(events)["event"]))
        door.disable_monitor()
        events.close()
    return seen


def clock_skew(
    host: str, port: int = NTP_PORT, patience: float = 1.0, wall: Callable[[], float] = time.time
) -> Check:
    """Ask the learner's computer for the time, as NTP does; the answer is good to half of what it takes."""
    try:
        offset, took = _ask_time(host, port, patience, wall)
    except (OSError, ValueError):
        do = (
            "compare `date` on both by hand; or let the learner's computer serve time ('allow NETWORK' in "
            "its chrony.conf) and the robot's take it from there. Only logs depend on it, no learning does"
        )
        return Check(GROUP, "clock skew", Level.NOTE, f"{host} does not tell its time (UDP {port})", do)
    found = f"{host} is {1000 * offset:+.1f} ms from here, give or take {500 * took:.1f} ms"
    if abs(offset) - took / 2 > SKEW:
        do = "set both clocks by one time service (chrony)"
        return Check(GROUP, "clock skew", Level.PROBLEM, found, do)
    return Check(GROUP, "clock skew", Level.OK, found)


def _ask_time(host: str, port: int, patience: float, wall: Callable[[], float]) -> tuple[float, float]:
    """Seconds that the other clock is ahead, and seconds that the question took (RFC 5905, client mode)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(patience)
        line.connect((host, port))
        asked = wall()
        line.send(b"\x23" + bytes(47))  # version 4, client
        answer = line.recv(128)
        came = wall()
    if len(answer) < 48:
        raise ValueError("too short to be a time")
    mode, stratum = answer[0] & 7, answer[1]
    received, sent = (_seconds(*struct.unpack_from("!II", answer, at)) for at in (32, 40))
    if mode != 4 or stratum == 0:
        raise ValueError("this is no time")
    return ((received - asked) + (sent - came)) / 2, max(0.0, (came - asked) - (sent - received))


def _seconds(whole: int, fraction: int) -> float:
    return whole - _NTP_EPOCH + fraction / 2**32

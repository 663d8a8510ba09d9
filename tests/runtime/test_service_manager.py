"""What a service tells systemd, heard on a real socket."""

import os
import signal
import socket

import pytest

from daydreamer.runtime.service_manager import PAUSE, ServiceManager, pause_before_the_next_start
from daydreamer.runtime.stop_signals import StopSignals
from robots.clock import ManualClock


@pytest.fixture
def systemd(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.setblocking(False)
        yield line


def heard(line) -> list[bytes]:
    words = []
    while True:
        try:
            words.append(line.recv(4096))
        except BlockingIOError:
            return words


def environment(line, **others):
    return {"NOTIFY_SOCKET": line.getsockname(), **others}


def test_the_first_sign_of_life_says_ready(systemd):
    manager = ServiceManager(environment(systemd))
    manager.alive()
    manager.alive()
    assert heard(systemd) == [b"READY=1\nWATCHDOG=1"]


def test_the_watchdog_is_pinged_four_times_a_period_and_only_by_a_loop_that_turns(systemd):
    clock = ManualClock()
    manager = ServiceManager(environment(systemd, WATCHDOG_USEC="10000000"), clock)
    manager.alive()
    for _ in range(20):  # a loop of 20 Hz for a second
        clock.advance(0.05)
        manager.alive()
    assert heard(systemd) == [b"READY=1\nWATCHDOG=1"]
    clock.advance(1.5)  # 2.5 s after the last one, a quarter of 10 s
    manager.alive()
    assert heard(systemd) == [b"WATCHDOG=1"]
    clock.advance(60.0)  # it hangs: nothing speaks for it
    assert heard(systemd) == []


def test_a_watchdog_of_another_process_is_not_pinged(systemd):
    clock = ManualClock()
    others = {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid() + 1)}
    manager = ServiceManager(environment(systemd, **others), clock)
    manager.alive()
    clock.advance(10.0)
    manager.alive()
    assert heard(systemd) == [b"READY=1\nWATCHDOG=1"]


def test_an_abstract_socket_is_found():
    name = f"daydreamer-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0{name}")
        line.setblocking(False)
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).alive()
        assert heard(line) == [b"READY=1\nWATCHDOG=1"]


def test_nobody_listening_hurts_nobody(tmp_path):
    ServiceManager({}).alive()
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()


def test_a_loop_that_asks_whether_to_stop_is_alive(systemd, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    with StopSignals() as stop:
        assert heard(systemd) == []
        assert stop() is None
    assert heard(systemd) == [b"READY=1\nWATCHDOG=1"]


def test_a_loop_that_waits_for_its_work_to_begin_is_not_ready(systemd, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    with StopSignals() as stop:
        assert stop.before() is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.before() == "SIGTERM"
    assert heard(systemd) == []


def test_a_service_that_waits_for_something_does_not_start_too_often():
    clock = ManualClock()
    pause_before_the_next_start(lambda: None, {}, clock)
    assert clock.now() == 0.0, "nobody counts"
    pause_before_the_next_start(
        lambda: "SIGTERM" if clock.now() > 5 else None, {"NOTIFY_SOCKET": "/x"}, clock
    )
    assert clock.now() == pytest.approx(5, abs=1)
    pause_before_the_next_start(lambda: None, {"NOTIFY_SOCKET": "/x"}, clock)
    assert clock.now() == pytest.approx(5 + PAUSE, abs=1)


def test_a_hangup_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop() is None
    finally:
        signal.signal(signal.SIGHUP, before)

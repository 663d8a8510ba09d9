"""The real server on a real socket, with a console that the test speaks for."""

import http.client
import json
import socket
import ssl
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
import uvicorn

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.transition import FLAGS
from daydreamer.runtime import report_file
from daydreamer.transport import console_messages
from daydreamer.web.access import Access
from daydreamer.web.beside import listen
from daydreamer.web.board import Board
from daydreamer.web.connections import Door
from daydreamer.web.server import (
    MOST_AT_ONCE,
    MOST_CONNECTIONS,
    MOST_VIEWERS,
    PAGE,
    READERS,
    configuration,
    serve,
)

CERTIFICATE = Path(__file__).parent / "self_signed.pem"
FILES = Path("/proc/self/fd")
TOKEN = "test-token"
GOOD_FOR = 60.0  # s, in place of 3: on a busy computer a wish that is to be done must not be too late


class Served:
    """A server in a thread; requests to it."""

    def __init__(self, board, access, certificate=None):
        self.board = board
        sock, door = listen("127.0.0.1", 0), None
        self.port = sock.getsockname()[1]
        if certificate:
            sock = door = Door(sock, MOST_AT_ONCE)
        self.tls = ssl._create_unverified_context() if certificate else None
        self.server = uvicorn.Server(configuration(board, access, certificate, None, door))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [sock]}, daemon=True)
        board.start()
        self.thread.start()

    def close(self):
        self.server.should_exit = True
        self.thread.join(60)
        self.board.close()

    def connection(self):
        if self.tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.tls)

    def ask(self, path, body=None, token=None, **headers):
        """Status, headers and text."""
        with closing(self.connection()) as connection:
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()

    def hand(self, wish, token=TOKEN, **fields):
        fields = {"until": time.monotonic() + GOOD_FOR - 1.0, **fields}
        return self.ask("/api/hand", json.dumps({"wish": wish, **fields}), token)[::2]

    def events(self):
        """Name and data of each event of the stream."""
        with closing(self.connection()) as connection:
            connection.request("GET", "/api/stream")
            answer = connection.getresponse()
            while line := answer.readline():
                if line.startswith(b"event: "):
                    yield line[7:].strip().decode(), json.loads(answer.readline()[6:])

    def event(self, wanted, condition=lambda data: True, seconds=60.0):
        """The first event of that name for which ``condition`` holds."""
        deadline = time.monotonic() + seconds
        with closing(self.events()) as events:
            for name, data in events:
                if name == wanted and condition(data):
                    return data
                assert time.monotonic() < deadline, f"no such {wanted} in {seconds} s"
        raise AssertionError("the stream ended")


@pytest.fixture(autouse=True)
def patient_hands(monkeypatch):
    monkeypatch.setattr("daydreamer.web.server.GOOD_FOR", GOOD_FOR)


@pytest.fixture
def served(run_dir, console):
    made = Served(Board(run_dir, {"actor": console}, lambda file: console), Access(TOKEN))
    yield made
    made.close()


def test_the_page_and_its_parts_are_served_and_light(served):
    status, headers, page = served.ask("/")
    assert status == 200
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "http://" not in page.replace("http://www.w3.org", "")  # nothing from elsewhere
    for part in ("main.js", "uplot.js", "style.css", "icon.svg"):
        assert served.ask(f"/page/{part}")[0] == 200
    assert served.ask("/page/../server.py")[0] == 404


def test_the_stream_tells_curves_status_and_robot(served):
    curves = served.event("curves", lambda data: data["end"] == 101)
    assert curves["series"]["robot/minutes"][-1] == 10.0
    assert curves["series"]["robot/reward"][:2] == [5.0, 5.02]
    status = served.event("status", lambda data: data["metrics"])
    assert status["metrics"]["learner/steps"] == 100
    robot = served.event("robots", lambda data: data and data[0]["age"] is not None)[0]
    assert (robot["mode"], robot["activity"], robot["times"]["late"]) == ("NORMAL", "learning", 0.3)


def test_new_lines_reach_an_open_page(served, run_dir):
    with closing(served.events()) as events:
        for name, data in events:
            if name == "curves" and data["end"] == 101:
                with run_dir.metrics.open("ab") as file:
                    file.write(b'{"step": 13000, "time": 1700, "robot/minutes": 10.8, "robot/reward": 9}\n')
            if name == "curves" and data["end"] == 102:
                assert data["begin"] >= 100  # only what is new comes again
                assert data["series"]["robot/reward"][-1] == 9
                return


def test_page_server_and_console_mean_the_same_time_for_a_wish():
    assert console_messages.GOOD_FOR == 3.0
    assert "const GOOD_FOR = 3000; // ms" in (PAGE / "hands.js").read_text()


def test_a_hand_reaches_the_console(served, console):
    assert served.hand("pause") == (200, "received")
    assert served.hand("reset", operator="Ada") == (200, "received")
    assert console.wishes == [("pause", ""), ("reset", "Ada")]


def test_a_hand_that_arrives_late_is_not_done_unless_it_is_a_stop(served, console):
    late = served.event("status")["clock"] - 0.001  # it was good until then, by the server's clock
    assert late < time.monotonic()
    for until in (late, None, float("nan"), late + 1000.0):
        status, why = served.hand("resume", until=until)
        assert status == 502 and "too late" in why
    assert console.wishes == []
    assert served.hand("damp", until=late)[0] == 200
    assert console.wishes == [("damp", "")]


def test_a_hand_that_is_not_received_says_so(served, console):
    console.deaf = True
    assert served.hand("damp") == (502, "actor: no answer")


@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_the_token_nothing_reaches_the_console(served, console, token):
    assert served.hand("damp", token=token)[0] == 401
    assert console.wishes == []


def test_another_origin_or_host_is_refused(served, console):
    body = '{"wish": "resume"}'
    assert served.ask("/api/hand", body, TOKEN, Origin="http://evil.example")[0] == 403
    assert served.ask("/api/hello", Host="evil.example")[0] == 403
    assert served.ask("/api/stream", Host="evil.example")[0] == 403
    assert served.ask("/metrics", Host="evil.example")[0] == 403
    assert console.wishes == []


@pytest.mark.parametrize(
    "body", ["", "[]", '{"wish": "dance"}', '{"wish": "reset", "operator": 3}', "x" * 5000, "[" * 4000]
)
def test_nonsense_is_refused(served, console, body):
    assert served.ask("/api/hand", body, TOKEN)[0] == 400
    assert console.wishes == []


def test_a_stop_goes_to_every_robot(run_dir, console):
    other = type(console)()
    served = Served(Board(run_dir, {"one": console, "two": other}, lambda file: console), Access(TOKEN))
    try:
        assert served.hand("damp", robot="one")[0] == 200
        assert console.wishes == other.wishes == [("damp", "")]
        assert served.hand("pause", robot="two")[0] == 200
        assert len(console.wishes) == 1
        console.deaf = True
        assert served.hand("damp") == (502, "one: no answer")
        assert other.wishes[-1] == ("damp", "")
    finally:
        served.close()


def test_a_viewer_that_stops_reading_costs_the_others_nothing(served, console):
    stalled = []
    for _ in range(3):
        sock = socket.create_connection(("127.0.0.1", served.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        sock.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stalled.append(sock)  # never read from
    try:
        for step in range(5):
            console.tell(steps=1000 + step)
            served.event("robots", lambda data, step=step: data[0]["steps"] == 1000 + step)
        assert served.hand("damp")[0] == 200
    finally:
        for sock in stalled:
            sock.close()


def test_connections_that_say_nothing_make_way_and_those_that_do_stay(served, console):
    with closing(served.events()) as events:
        next(events)
        silent = [
            socket.create_connection(("127.0.0.1", served.port), 60) for _ in range(MOST_CONNECTIONS + 20)
        ]
        try:
            assert served.hand("damp") == (200, "received")
            with suppress(ConnectionResetError):
                assert silent[0].recv(1) == b"", "the oldest is hung up on"
            console.tell(steps=7000)
            assert any(name == "robots" and data[0]["steps"] == 7000 for name, data in events)
        finally:
            for sock in silent:
                sock.close()


def test_connections_that_never_shake_hands_make_way(run_dir, console):
    served = Served(Board(run_dir, {"actor": console}, lambda file: console), Access(TOKEN), CERTIFICATE)
    try:
        with closing(served.events()) as events:
            next(events)
            files = len(list(FILES.iterdir()))
            silent = [
                socket.create_connection(("127.0.0.1", served.port), 60) for _ in range(MOST_CONNECTIONS)
            ]
            try:
                assert served.hand("damp") == (200, "received")
                for one in silent[: -MOST_AT_ONCE - 1]:  # the oldest are hung up on
                    with suppress(ConnectionResetError):
                        assert one.recv(1) == b""
                assert served.hand("damp") == (200, "received")
                held = len(list(FILES.iterdir())) - files - len(silent)
                assert held < MOST_AT_ONCE + 8
                console.tell(steps=7000)
                assert any(name == "robots" and data[0]["steps"] == 7000 for name, data in events)
            finally:
                for one in silent:
                    one.close()
    finally:
        served.close()


def test_a_certificate_that_is_none_is_told(tmp_path):
    (tmp_path / "cert.pem").write_text("no certificate")
    board = Board(None, {}, lambda file: None)
    for path in (tmp_path / "cert.pem", tmp_path / "absent.pem"):
        with closing(listen("127.0.0.1", 0)) as sock, pytest.raises(DaydreamerError, match="cannot be used"):
            serve(board, Access(TOKEN), sock, path, None)


def test_neither_a_stop_nor_the_page_waits_for_a_disk_that_hangs(served, console):
    hangs, go = threading.Semaphore(0), threading.Event()

    def dream(sequence):
        hangs.release()
        assert go.wait(60)

    served.board.dream = dream
    asking = [threading.Thread(target=served.ask, args=("/api/dream",)) for _ in range(60)]
    for thread in asking:
        thread.start()
    try:
        for _ in range(READERS):
            assert hangs.acquire(timeout=60)
        assert served.hand("damp") == (200, "received")
        assert served.ask("/")[0] == 200
        assert served.event("robots", lambda data: data)[0]["mode"] == "NORMAL"
    finally:
        go.set()
        for thread in asking:
            thread.join(60)
    assert console.wishes == [("damp", "")]


def test_viewers_are_counted_and_bounded(served):
    served.board.viewers = MOST_VIEWERS
    assert served.ask("/api/stream")[0] == 503
    served.board.viewers = 0
    assert served.event("status")["viewers"] == 1


def test_the_dream_is_served(served, run_dir):
    assert json.loads(served.ask("/api/dream")[2]) is None
    rng = np.random.default_rng(0)
    batch = {
        "joint_pos": rng.uniform(-1, 1, (3, 9, 12)),
        "gravity": rng.normal(size=(3, 9, 3)),
        "reward": rng.normal(size=(3, 9)),
    }
    batch = {**batch, "is_first": np.zeros((3, 9), FLAGS["is_first"].dtype)}
    guesses = {f"open_loop/{key}": batch[key][:, 3:] for key in ("joint_pos", "gravity", "reward")}
    report_file.write(run_dir.path, report_file.of(batch, guesses, 5, 6))
    dream = json.loads(served.ask("/api/dream?sequence=99")[2])
    assert (dream["sequence"], dream["context"], dream["updates"]) == (2, 3, 5)
    assert dream["error"]["reward"] == [0.0] * 6  # it was told the truth
    assert np.shape(dream["figures"]["guess"]) == (6, 4, 4, 3)
    assert dream["figures"]["guess"] == dream["figures"]["truth"][3:]
    assert len(dream["keys"]["joint_pos"]["labels"]) == 12


def test_prometheus_gets_metrics_alarms_and_the_robot(served, console):
    console.tell(temperature=np.full(12, 55.0), mode="HOLD")
    served.event("robots", lambda data: data[0]["mode"] == "HOLD")
    served.event("status", lambda data: data["metrics"])
    status, headers, text = served.ask("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = text.splitlines()
    assert "daydreamer_robot_minutes 10.0" in lines
    assert 'daydreamer_alarm{name="motor-hot"} 1.0' in lines
    assert 'daydreamer_alarm{name="estop-lost"} 0.0' in lines
    assert 'daydreamer_mode{actor="actor",mode="HOLD"} 1.0' in lines
    assert 'daydreamer_motor_celsius{actor="actor",joint="FR_hip"} 55.0' in lines


def test_a_stopped_learner_is_no_ended_run_while_the_robot_lives(served, run_dir, console):
    with run_dir.events.open("a") as file:
        file.write('{"time": 1700.0, "event": "stop", "reason": "SIGINT"}\n')
    status = served.event("status", lambda data: data.get("words") == "the learner is not running")
    assert status["ended"] is None
    assert [alarm["key"] for alarm in status["alarms"]] == ["metrics-silent"]


def test_an_ended_run_raises_no_alarm(run_dir):
    with run_dir.events.open("a") as file:
        file.write('{"time": 1700.0, "event": "stop", "reason": "finished"}\n')
    served = Served(Board(run_dir, {}, lambda file: None), Access(TOKEN))
    try:
        status = served.event("status", lambda data: data["ended"])
        assert status["words"] == "this run has ended (finished)"
        assert status["alarms"] == []
    finally:
        served.close()


def test_beyond_loopback_reading_asks_for_the_token(run_dir, console):
    served = Served(Board(run_dir, {"actor": console}, lambda file: console), Access(TOKEN, "192.168.1.5"))
    try:
        assert served.ask("/")[0] == 200  # the page itself holds nothing of the run
        for path in ("/api/hello", "/api/stream", "/api/dream", "/metrics"):
            assert served.ask(path)[0] == 401
        assert served.ask("/metrics", token=TOKEN)[0] == 200
    finally:
        served.close()


def test_a_board_with_neither_run_nor_robot_is_served():
    served = Served(Board(None, {}, lambda file: None), Access(TOKEN))
    try:
        assert served.event("status")["alarms"] == []
        assert served.ask("/metrics")[0] == 200
        assert served.hand("damp")[0] == 502
    finally:
        with suppress(OSError):
            served.close()

import json
from contextlib import closing

import pytest

from daydreamer.transport.address import own_addresses
from daydreamer.web import beside


def test_two_runs_that_begin_together_have_two_pages_where_each_was_told(tmp_path):
    taken = beside.free_port("127.0.0.1", 0)
    found = [beside.page(tmp_path / name, tmp_path / "monitor.log", taken) for name in ("one", "other")]
    ports = [child.socket.getsockname()[1] for child, _ in found]
    try:
        assert len(set(ports)) == 2, "though none of the two processes runs yet"
        for name, (_, link), port in zip(("one", "other"), found, ports, strict=True):
            kept = json.loads((tmp_path / name / "page.json").read_text())
            assert kept["url"] == f"http://localhost:{port}/"
            assert link == f"{kept['url']}#token={kept['token']}"
            with pytest.raises(OSError, match="in use"):
                beside.listen("127.0.0.1", port)
    finally:
        for child, _ in found:
            child.socket.close()


def test_a_run_whose_ports_are_all_taken_has_its_page_on_any(tmp_path, monkeypatch):
    monkeypatch.setattr(beside, "_NEXT_PORTS", 1)
    with beside.listen("127.0.0.1", 0) as other:
        taken = other.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            beside.listen_near("127.0.0.1", taken)
        child, link = beside.page(tmp_path, tmp_path / "monitor.log", taken)
    with closing(child.socket):
        assert child.socket.getsockname()[1] != taken
        assert f":{child.socket.getsockname()[1]}/" in link


def test_no_port_is_looked_for_beyond_the_last_one():
    try:
        other = beside.listen("127.0.0.1", 65535)
    except OSError:
        other = None  # somebody else has it, which does as well
    with pytest.raises(OSError, match="in use"):
        beside.listen_near("127.0.0.1", 65535)
    if other is not None:
        other.close()


@pytest.mark.parametrize(
    ("host", "link"),
    [
        ("127.0.0.1", "https://localhost:8080/"),
        ("::1", "https://localhost:8080/"),
        ("192.168.1.5", "https://192.168.1.5:8080/"),
        ("fd00::5", "https://[fd00::5]:8080/"),
        ("learner.local", "https://learner.local:8080/"),
    ],
)
def test_an_address_can_be_opened_as_it_is_shown(host, link):
    assert beside.links("https", host, 8080) == [link]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_page_for_the_whole_network_is_shown_under_addresses_that_a_phone_can_open(host, monkeypatch):
    monkeypatch.setattr(beside, "own_addresses", lambda: {"lo": "127.0.0.1", "wlan0": "192.168.1.5"})
    assert beside.links("http", host, 8080) == ["http://localhost:8080/", "http://192.168.1.5:8080/"]


def test_a_computer_knows_its_own_addresses():
    assert "127.0.0.1" in own_addresses().values()

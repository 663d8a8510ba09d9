import json
from contextlib import closing

import pytest

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

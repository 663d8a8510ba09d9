import json
import shutil
import stat

import pytest

from daydreamer.web import access
from daydreamer.web.access import Access

LOCAL = Access("secret", "127.0.0.1")
OPEN = Access("secret", "192.168.1.5")


def headers(host="localhost:8080", **others):
    return {"host": host, **others}


def allowed(denied):
    return denied is None


def test_reading_is_open_on_loopback_only():
    assert allowed(LOCAL.read(headers()))
    assert OPEN.read(headers("192.168.1.5:8080")).status == 401
    assert allowed(OPEN.read(headers("192.168.1.5:8080", authorization="Bearer secret")))


def test_whoever_reads_with_the_token_may_call_this_computer_by_any_name():
    scrape = headers("learner:8080", authorization="Bearer secret")
    assert allowed(OPEN.read(scrape)) and allowed(LOCAL.read(scrape))
    assert OPEN.read(headers("learner:8080", authorization="Bearer wrong")).status == 403
    assert OPEN.read(headers("learner:8080", cookie="token=secret")).status == 403, (
        "a browser sends these by itself"
    )
    assert OPEN.hand(scrape).status == 403 and OPEN.page(scrape).status == 403


@pytest.mark.parametrize("given", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer "}])
def test_hands_ask_for_the_token(given):
    assert LOCAL.hand(headers(**given)).status == 401


def test_the_token_and_the_own_origin_are_enough():
    assert allowed(LOCAL.hand(headers(authorization="Bearer secret", origin="http://localhost:8080")))
    assert allowed(LOCAL.hand(headers(authorization="Bearer secret")))  # a program names no origin


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:9999", "null", "http://["])
def test_another_pages_hands_are_refused_even_with_the_token(origin):
    assert LOCAL.hand(headers(authorization="Bearer secret", origin=origin)).status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "", "127.0.0.1.evil.example", "[", "a]b", "[::1"]
)
def test_a_name_that_only_resolves_here_is_refused(host):
    assert LOCAL.read(headers(host)).status == 403
    assert LOCAL.page(headers(host)).status == 403


@pytest.mark.parametrize(
    ("site", "may"), [("cross-site", False), ("same-origin", True), ("none", True), ("same-site", True)]
)
def test_another_sites_page_is_told_nothing_and_takes_no_viewers_place(site, may):
    asked = headers(**{"sec-fetch-site": site})
    assert allowed(LOCAL.read(asked)) == may
    assert allowed(LOCAL.page(asked)), "a link may lead here"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_addresses_are_served(host):
    assert allowed(LOCAL.page(headers(host)))


def test_the_token_is_kept_for_its_owner_alone(tmp_path):
    assert access.kept_token(tmp_path) is None
    access.keep(tmp_path, "abc", "http://localhost:8080/")
    assert stat.S_IMODE((tmp_path / access.FILE).stat().st_mode) == 0o600
    assert access.kept_token(tmp_path) == "abc"
    assert json.loads((tmp_path / access.FILE).read_text())["url"] == "http://localhost:8080/"


def test_a_token_that_others_could_read_is_not_believed(tmp_path):
    access.keep(tmp_path, "abc", "")
    (tmp_path / access.FILE).chmod(0o644)
    assert access.kept_token(tmp_path) is None


def test_a_copy_of_a_run_has_another_page(tmp_path):
    access.keep(tmp_path / "original", "abc", "")
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    (tmp_path / "original").rename(tmp_path / "moved")
    assert access.kept_token(tmp_path / "copy") is None
    assert access.kept_token(tmp_path / "moved") == "abc"


def test_tokens_are_long_and_differ():
    assert len({access.new_token() for _ in range(50)}) == 50
    assert len(access.new_token()) >= 20


def test_the_token_is_not_in_the_repr():
    assert "secret" not in repr(LOCAL)

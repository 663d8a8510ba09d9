"""The page's process beside a job: it serves where the job said that it would."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from daydreamer.runtime.supervise import signal_process, start_process
from daydreamer.web import beside

pytestmark = pytest.mark.system
PATIENCE = 250  # s, for a slow and loaded computer


def test_the_page_is_where_it_was_said_to_be_and_there_again_after_its_process_died(tmp_path):
    run = tmp_path / "run"
    child, link = beside.page(run, tmp_path / "monitor.log", 0)
    url = urlsplit(link)
    with closing(child.socket):
        for number in (signal.SIGKILL, signal.SIGTERM):
            process = start_process(child)
            assert isinstance(process, subprocess.Popen)
            # It is asked before it has begun: the socket that it is handed listens already.
            with closing(http.client.HTTPConnection("127.0.0.1", url.port, timeout=PATIENCE)) as connection:
                connection.request("GET", "/api/hello")
                assert json.loads(connection.getresponse().read())["run"] == str(run)
            signal_process(process, number)
            process.wait(PATIENCE)
    kept = json.loads((run / "page.json").read_text())
    assert link == f"{kept['url']}#token={kept['token']}"
    assert (tmp_path / "monitor.log").read_text().split() == [kept["url"]] * 2

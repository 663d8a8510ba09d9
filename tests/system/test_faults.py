"""The fault bench in short: whatever breaks, no row is lost or doubled, nothing hangs, and it goes on."""

import json

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def test_a_minute_of_faults_loses_and_doubles_no_row_and_nothing_hangs(job):
    bench = job.start("bench", "faults", "--minutes", "1", "--seed", "0", "--json", "--keep", str(job.logdir))
    assert job.wait(bench, 500.0) == 0, job.output(bench)
    found = json.loads(job.output(bench).splitlines()[-1])
    assert (found["lost"], found["doubled"], found["hangs"], found["crashes"]) == (0, 0, 0, 0)
    assert found["acknowledged"] == found["stored"] == found["produced"] - found["unsaved"] > 100
    assert found["faults_injected"] == sum(found["kinds"].values()) >= 2

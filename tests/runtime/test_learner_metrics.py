import json

import pytest

from daydreamer.runtime.learner_metrics import LearnerMetrics


class Nowhere:
    def write(self, step, metrics):
        pass

    def close(self):
        pass


def test_a_score_that_a_full_disk_took_half_of_does_not_swallow_the_next(tmp_path, room_for):
    path = tmp_path / "scores.jsonl"
    metrics = LearnerMetrics(Nowhere(), path, 0.0, 0, 0)
    metrics.write(1.0, 1000, 10, {"robot/up": 0.5})
    with room_for(path, 10), pytest.raises(OSError, match="disk full"):
        metrics.write(2.0, 2000, 20, {"robot/up": 0.5})
    metrics.write(3.0, 3000, 30, {"robot/up": 0.75})
    first, _, last = path.read_text().splitlines()
    assert (json.loads(first)["rows"], json.loads(last)) == (1000, {"rows": 3000, "updates": 30, "up": 0.75})

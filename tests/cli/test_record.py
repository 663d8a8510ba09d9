"""What `daydreamer record` says while the disk refuses."""

from daydreamer.cli.record import _follow
from daydreamer.runtime.recording.recorder import Recorder
from tests.contracts.telemetry import telemetry


class Client:
    """Twenty moments a second; ``count`` of them were told."""

    def __init__(self):
        self.count = 0

    def latest(self, patience):
        self.count += 1
        return telemetry(wall=1000 + self.count / 20)


def test_a_disk_that_goes_on_refusing_is_not_told_of_every_time(tmp_path, room_for, caplog):
    (empty := tmp_path / "empty").touch()
    client = Client()
    with room_for(empty, 0):
        _follow(client, Recorder(tmp_path / "some", "actor"), lambda: client.count == 900)  # 45 s
    assert 0 < len(caplog.records) < 3, caplog.text
    assert all("interrupted" in record.message for record in caplog.records)

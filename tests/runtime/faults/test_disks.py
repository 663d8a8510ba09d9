"""A disk that is full and has room again, also where none can be mounted."""

import subprocess
import sys

from daydreamer.runtime.faults import disks

WRITER = """
import sys
for line in sys.stdin:
    try:
        with open(sys.argv[1], "ab", buffering=0) as file:
            file.write(b"twenty bytes of text")
        print("written", flush=True)
    except OSError:
        print("refused", flush=True)
"""


def test_where_nothing_can_be_mounted_the_kernel_refuses_what_the_process_writes(tmp_path, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError("only root may mount")

    monkeypatch.setattr(disks.subprocess, "run", forbidden)
    command = [sys.executable, "-c", WRITER, str(tmp_path / "disk" / "file")]
    disk = disks.SmallDisk(tmp_path / "disk", 1 << 20, lambda: process.pid)
    assert not disk.mounted
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def write():
            process.stdin.write("go\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        assert write() == "written"
        disk.fill()
        assert write() == "refused"
        disk.free()
        assert write() == "written"
        process.stdin.close()
    disk.close()

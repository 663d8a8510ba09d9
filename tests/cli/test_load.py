"""The benches of link and replay in a form of seconds: what they print is there, and is possible."""

import json
import math

import pytest

from daydreamer.cli.main import main


def printed(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["bench", *arguments, "--preset", "fake-tiny", "--json"])
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_replay_is_measured_at_each_size(capsys, tmp_path):
    found = printed(
        capsys, "replay", "--rows", "5000", "10000", "--seconds", "0.01", "--directory", str(tmp_path)
    )
    for size in ("replay_5k", "replay_10k"):
        for name in (
            "append_rows_per_s",
            "append_16_ms",
            "samples_per_s",
            "gathers_per_s",
            "ratio",
            "memory_mb",
        ):
            assert math.isfinite(found[f"{size}_{name}"]) and found[f"{size}_{name}"] > 0
    assert not list(tmp_path.iterdir())


def test_the_link_is_measured_beside_bare_sockets(capsys):
    found = printed(capsys, "link", "--actors", "1", "--seconds", "0.01", "--policy-mb", "1")
    for rows in ("robot", "image"):
        for wire in ("plain", "curve"):
            for name in ("durable_rows_per_s", "received_rows_per_s", "echo_rows_per_s", "ratio_processor"):
                assert found[f"{rows}_{wire}_1_{name}"] > 0
            assert 0 < found[f"{rows}_{wire}_turn_p50_ms"] <= found[f"{rows}_{wire}_turn_p99_ms"]
    assert {"policy_1mb_plain_ms", "policy_1mb_curve_ms", "policy_1mb_curve_ratio"} <= found.keys()

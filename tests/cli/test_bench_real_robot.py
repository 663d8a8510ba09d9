"""Benchmarks never drive a real robot: nobody stands beside them, and they act at random."""

import pytest

from daydreamer.cli.main import main


@pytest.mark.parametrize(
    "words",
    [
        ["bench", "robot", "--preset", "a1", "--seconds", "0.1"],
        ["bench", "console", "--preset", "a1", "--seconds", "0.1"],
        ["bench", "learning", "--preset", "a1", "--seeds", "0", "--robot-minutes", "1"],
    ],
    ids=lambda words: words[1],
)
def test_a_benchmark_refuses_a_real_robot(words, tmp_path, capsys):
    more = ["--out", str(tmp_path / "out")] if words[1] == "learning" else []
    with pytest.raises(SystemExit) as ended:
        main([*words, *more])
    assert ended.value.code == 2
    assert "is a real robot" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

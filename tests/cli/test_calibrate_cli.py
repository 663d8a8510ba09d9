"""A calibration asks a person."""

import pytest

from calibration.session import CalibrationStopped
from daydreamer.cli.calibrate import Calibrate


@pytest.mark.parametrize(
    ("answer", "why"), [("q", "told to"), (EOFError, "nobody answers: .* from a terminal")]
)
def test_it_ends_as_for_any_stop_when_it_is_told_to_and_where_nobody_answers(monkeypatch, answer, why):
    def asked(prompt):
        if answer is EOFError:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)
    with pytest.raises(CalibrationStopped, match=why):
        Calibrate("a1")._ask("hang the robot up")

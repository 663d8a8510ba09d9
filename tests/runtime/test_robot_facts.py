import math

import numpy as np

from daydreamer.runtime.robot_facts import robot_facts
from tests.contracts.telemetry import telemetry


def test_without_a_robot_nothing_is_known():
    facts = robot_facts([])
    assert math.isnan(facts.pop("robot_age")) and math.isnan(facts.pop("temperature"))
    assert facts == {"stopped": "", "estop": "none", "holding": False, "paused": False}


def test_of_several_robots_the_worst_of_each_counts():
    warm = telemetry(temperature=np.array([30.0, 51.0]), stopped="tilted")
    held = telemetry(temperature=np.array([20.0, 21.0]), activity="holding", estop="lost")
    assert robot_facts([(0.5, warm), (0.1, held)]) == {
        "robot_age": 0.5, "temperature": 51.0, "stopped": "tilted", "estop": "lost", "holding": True, "paused": False,
    }  # fmt: skip


def test_paused_are_those_of_which_no_rows_come():
    lies, stopped, learns = (telemetry(activity=one) for one in ("lying down", "stopped", "learning"))
    assert robot_facts([(0.1, lies), (0.1, stopped)])["paused"]
    assert not robot_facts([(0.1, lies), (0.1, learns)])["paused"]
    assert not robot_facts([(3.0, lies)])["paused"], "what it said 3 s ago is not known any more"


def test_of_a_silent_robot_only_the_silence_counts():
    facts = robot_facts([(3.0, telemetry(stopped="tilted", estop="lost", activity="holding"))])
    assert facts["robot_age"] == 3.0 and math.isnan(facts["temperature"])
    assert (facts["stopped"], facts["estop"], facts["holding"]) == ("", "none", False)

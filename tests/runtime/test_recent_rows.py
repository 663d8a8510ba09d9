import numpy as np
import pytest

from daydreamer.core.specs import ArraySpec
from daydreamer.monitor import names
from daydreamer.runtime.recent_rows import RecentRows

SPEC = {
    "joint_pos": ArraySpec((12,)),
    "reward": ArraySpec(),
    "log/up": ArraySpec(),
    "log/standing": ArraySpec(),
    "log/forward_speed": ArraySpec(),
    "log/reward/hip": ArraySpec(),
    "log/truth/up": ArraySpec(),
    "log/truth/position": ArraySpec((3,)),
}


def columns(recent, **values):
    count = len(next(iter(values.values())))
    named = {key.replace("__", "/"): np.asarray(value, np.float32) for key, value in values.items()}
    return {key: named.get(key, np.zeros(count, np.float32)) for key in recent.keys}


def test_means_over_the_newest_rows_only():
    recent = RecentRows(SPEC, window=4)
    recent.add(columns(recent, log__up=[-1, -1, -1]))
    assert recent.means()["robot/up"] == -1
    assert recent.means()["robot/window"] == 3
    recent.add(columns(recent, log__up=[1, 0.95]))  # now the window is -1, -1, 1, 0.95
    assert recent.means()["robot/up"] == pytest.approx(-0.0125)
    assert recent.means()["robot/upright"] == 0.5
    recent.add(columns(recent, log__up=[0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4]))  # more than the window at once
    assert recent.means()["robot/up"] == pytest.approx(0.25)
    assert recent.means()["robot/window"] == 4


def test_it_takes_scalars_that_people_follow_and_names_them_as_the_table_does():
    recent = RecentRows(SPEC)
    assert recent.means() == {}
    recent.add(columns(recent, reward=[5.0, 7.0], log__reward__hip=[0.5, 1.0]))
    means = recent.means()
    assert means["robot/reward"] == 6.0 and means["robot/reward_hip"] == 0.75
    assert "robot/truth_up" in means
    names.check(means)

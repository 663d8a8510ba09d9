"""A film has the frames that were due, and says early what it cannot do."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.film import SIZE, Film


class Looked:
    """A robot with a camera that paints how often it was looked at."""

    def __init__(self):
        self.looks = 0

    def camera(self, width, height):
        self.looks += 1
        return np.full((height, width, 3), 16 * self.looks, np.uint8)


def roll(film, steps=60, hz=20.0):
    robot = Looked()
    for step in range(steps):
        film.watch(SimpleNamespace(robot=robot), step, steps, hz)
    film.save()
    return robot


def test_a_strip_is_six_pictures_spread_over_the_rollout(tmp_path):
    robot = roll(Film(tmp_path / "new" / "strip.png"))
    assert robot.looks == 6
    strip = np.asarray(Image.open(tmp_path / "new" / "strip.png"))
    assert strip.shape == (SIZE[1], 6 * SIZE[0], 3)
    assert [int(strip[0, i * SIZE[0], 0]) for i in range(6)] == [16, 32, 48, 64, 80, 96]


def test_a_gif_moves_at_its_rate(tmp_path):
    # 60 steps at 20 Hz are 3 s: 15 frames at 5 per second
    robot = roll(Film(tmp_path / "film.gif", fps=5))
    assert robot.looks == 15
    assert Image.open(tmp_path / "film.gif").n_frames == 15


def test_another_ending_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(DaydreamerError, match=r"\.gif"):
        Film(tmp_path / "film.mp4")


def test_a_robot_without_a_camera_is_a_clear_error(tmp_path):
    with pytest.raises(DaydreamerError, match="camera"):
        Film(tmp_path / "film.gif").watch(SimpleNamespace(robot=object()), 0, 10, 20.0)

import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from daydreamer.monitor.writers import TensorBoardWriter
from daydreamer.runtime.gallery import Gallery
from daydreamer.runtime.report_file import of
from robots.clock import ManualClock

T, CONTEXT = 9, 3


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    down = np.zeros((2, T, 3), np.float32)
    down[..., 2] = -1.0
    return {
        "joint_pos": rng.uniform(-0.2, 0.2, (2, T, 12)).astype(np.float32),
        "gravity": down,
        "reward": np.arange(2 * T, dtype=np.float32).reshape(2, T),
        "action": np.zeros((2, T, 12), np.float32),
        "camera": rng.integers(0, 255, (2, T, 16, 16, 3)).astype(np.uint8),
        "is_first": np.zeros((2, T), bool),
    }


def look_ahead(batch):
    arrays = {f"open_loop/{key}": batch[key][:, CONTEXT:] for key in ("joint_pos", "gravity", "reward")}
    arrays["open_loop/camera"] = batch["camera"][:, CONTEXT:].astype(np.float32) / 255
    return of(batch, arrays, 5, 6)


class Wall:
    def __init__(self):
        self.shown = []

    def show(self, step, histograms, images):
        self.shown.append((step, histograms, images))


def newest(batch):
    return lambda rows: {
        key: batch[key].reshape(-1, batch[key].shape[-1])[:rows] for key in ("joint_pos", "gravity")
    }


def frames(film):
    image = Image.open(io.BytesIO(film))
    shown = []
    for k in range(image.n_frames):
        image.seek(k)
        shown.append(np.asarray(image.convert("RGB")))
    return shown


def test_pictures_of_predictions_the_dream_and_the_episode(batch):
    wall = Wall()
    Gallery(wall, 20.0, ManualClock().now).show(40, batch, look_ahead(batch), newest(batch))
    step, histograms, images = wall.shown[0]
    assert step == 40
    assert set(images) == {
        *(f"dream/prediction/{key}" for key in ("joint_pos", "gravity", "reward", "camera")),
        "dream/motion",
        "robot/episode",
    }
    dream = frames(images["dream/motion"])
    assert len(dream) == T
    came, imagined = dream[0][20:, :240], dream[0][20:, 240:]  # below their titles
    assert np.abs(came.astype(int) - imagined).mean() < 1, "while it is shown all, both sides are the same"
    assert len(frames(images["robot/episode"])) == T  # every second of 18 rows
    camera = Image.open(io.BytesIO(images["dream/prediction/camera"]))
    assert camera.size == (6 * 16, 2 * 16), "what came above what was imagined, six frames each"
    np.testing.assert_array_equal(histograms["dream/last_error/reward"], [0.0, 0.0])
    assert set(histograms) >= {"replay/action", "replay/reward"}


def test_pictures_are_drawn_seldom(batch):
    clock, wall = ManualClock(), Wall()
    gallery = Gallery(wall, 20.0, clock.now, every=600.0)
    report = of(batch, {"open_loop/reward": batch["reward"][:, CONTEXT:]}, 5, 6)
    for _ in range(25):  # minutes
        gallery.show(1, batch, report, lambda rows: {})
        clock.sleep_until(clock.now() + 60.0)
    assert len(wall.shown) == 3  # after 0, 10 and 20 minutes


def test_a_robot_whose_legs_are_not_known_has_no_films(batch):
    wall = Wall()
    del batch["gravity"]
    report = of(batch, {"open_loop/reward": batch["reward"][:, CONTEXT:]}, 5, 6)
    Gallery(wall, 20.0, ManualClock().now).show(1, batch, report, lambda rows: {})
    assert set(wall.shown[0][2]) == {"dream/prediction/reward"}


def test_tensorboard_reads_histograms_and_films(tmp_path, batch):
    writer = TensorBoardWriter(tmp_path)
    Gallery(writer, 20.0, ManualClock().now).show(40, batch, look_ahead(batch), newest(batch))
    writer.close()
    read = EventAccumulator(str(tmp_path))
    read.Reload()
    reward = read.Histograms("replay/reward")[0]
    # 0 to 17: their sum is 153, their squares' 17 x 18 x 35 / 6 = 1785
    assert reward.step == 40
    value = reward.histogram_value
    assert (value.num, value.sum, value.sum_squares, sum(value.bucket)) == (18, 153, 1785, 18)
    film = read.Images("dream/motion")[0]
    assert (film.width, film.height) == (480, 160) and film.encoded_image_string.startswith(b"GIF8")

import numpy as np

from daydreamer.runtime import report_file


def batch(sequences=10, length=6):
    rng = np.random.default_rng(0)
    return {
        "gyro": rng.normal(size=(sequences, length, 3)).astype(np.float32),
        "reward": rng.normal(size=(sequences, length)).astype(np.float32),
        "is_first": np.zeros((sequences, length), bool),
        "action": np.zeros((sequences, length, 2), np.float32),
    }


def guesses(batch, context=2):
    return {f"open_loop/{key}": batch[key][:, context:] + 1 for key in ("gyro", "reward")}


def test_a_report_comes_back(tmp_path):
    came = batch()
    arrays = guesses(came) | {"truth/gyro": came["gyro"]}
    report_file.write(tmp_path, report_file.of(came, arrays, updates=7, rows=9))
    report = report_file.read(tmp_path)
    assert (report.updates, report.rows, report.context) == (7, 9, 2)
    assert report.truth.keys() == {"gyro", "reward", "is_first"}
    np.testing.assert_array_equal(report.truth["gyro"], came["gyro"][:8])
    np.testing.assert_array_equal(report.guess["reward"], came["reward"][:8, 2:] + 1)


def test_images_are_kept_as_bytes(tmp_path):
    came = {"camera": np.zeros((2, 3, 4, 4, 3), np.uint8), "is_first": np.zeros((2, 3), bool)}
    arrays = {"open_loop/camera": np.full((2, 2, 4, 4, 3), 0.5, np.float32)}
    report_file.write(tmp_path, report_file.of(came, arrays, 0, 0))
    guess = report_file.read(tmp_path).guess["camera"]
    assert guess.dtype == np.uint8
    assert (guess == 127).all()


def test_an_agent_without_predictions_has_no_report(tmp_path):
    assert report_file.of(batch(), {}, 0, 0) is None
    assert report_file.read(tmp_path) is None


def test_a_damaged_report_is_none(tmp_path):
    (tmp_path / report_file.NAME).write_bytes(b"PK\x03\x04 no")
    assert report_file.read(tmp_path) is None
    (tmp_path / report_file.NAME).write_bytes(b"")
    assert report_file.read(tmp_path) is None


def test_a_disk_that_refuses_ends_nothing(tmp_path):
    came = batch()
    report_file.write(tmp_path / "gone", report_file.of(came, guesses(came), 0, 0))

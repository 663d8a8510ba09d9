import pytest

from daydreamer.monitor.line_file import append_line


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lines"


@pytest.mark.parametrize("room", range(5))
def test_what_a_full_disk_took_of_a_line_stands_alone(path, room_for, room):
    with path.open("a+b", buffering=0) as file:
        append_line(file, b"one\n")
        with room_for(path, room), pytest.raises(OSError):
            append_line(file, b"second\n")
        append_line(file, b"three\n")
    torn = [b"second"[:room]] if room else []
    assert path.read_bytes().splitlines() == [b"one", *torn, b"three"]


def test_a_full_disk_says_how_much_it_took(path, room_for):
    with path.open("a+b", buffering=0) as file:
        append_line(file, b"one\n")
        with room_for(path, 3), pytest.raises(OSError, match="only 3 of 7 bytes were written"):
            append_line(file, b"second\n")


def test_half_a_line_of_another_process_stands_alone(path):
    with path.open("a+b", buffering=0) as mine, path.open("ab", buffering=0) as other:
        append_line(mine, b"one\n")
        other.write(b"tw")  # and was killed
        append_line(mine, b"three\n")
    assert path.read_bytes() == b"one\ntw\nthree\n"

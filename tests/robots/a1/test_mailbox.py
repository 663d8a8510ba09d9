"""The mailbox: newest letter only, never half of one, whatever the other process does or suffers."""

import os
import signal
import struct
import subprocess
import sys

import pytest

from robots.a1.mailbox import SLOTS, Mailbox
from robots.a1.servo_process import environment

SIZE = 800  # of letters in the tests with two processes: one number, 100 times over

WRITER = f"""
import struct, sys
from robots.a1.mailbox import Mailbox
box, number = Mailbox({SIZE}, int(sys.argv[1])), 0
sys.stdout.write("ready"); sys.stdout.flush()
while True:
    number += 1
    box.post(struct.pack("=Q", number) * {SIZE // 8})
"""


@pytest.fixture
def sides():
    with Mailbox(8) as one, Mailbox(8, os.dup(one.fd)) as other:
        yield one, other


@pytest.fixture
def writer():
    """``writer(box)`` starts a process that posts as fast as it can, until it is killed."""
    started = []

    def start(box: Mailbox) -> subprocess.Popen:
        fd = os.dup(box.fd)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(fd)],
            pass_fds=[fd],
            stdout=subprocess.PIPE,
            env=environment(),
        )
        os.close(fd)
        started.append(process)
        assert process.stdout.read(5) == b"ready"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_an_empty_mailbox_has_no_letter(sides):
    assert sides[1].take() is None


def test_a_letter_is_taken_once(sides):
    one, other = sides
    one.post(b"12345678")
    assert other.take() == (1, b"12345678")
    assert other.take() is None


def test_only_the_newest_letter_is_there(sides):
    one, other = sides
    for number in range(3 * SLOTS):
        one.post(struct.pack("=Q", number))
    letter = other.take()
    assert letter.number == 3 * SLOTS
    assert letter.content == struct.pack("=Q", 3 * SLOTS - 1)


def test_a_letter_of_another_size_is_refused(sides):
    with pytest.raises(ValueError, match="8 bytes, got 7"):
        sides[0].post(b"1234567")


def test_both_sides_must_mean_the_same_size(sides):
    with pytest.raises(ValueError, match="letters of 80 bytes"):
        Mailbox(80, sides[0].fd)


@pytest.mark.parametrize("at", range(3 * 8))  # of the slot: number, checksum, content
def test_a_letter_with_any_byte_changed_is_not_taken(sides, at):
    one, other = sides
    one.post(b"12345678")
    slot = one._slot(1)
    one._bytes[slot + at] ^= 0x40
    assert other.take() is None
    assert other.torn > 0
    one._bytes[slot + at] ^= 0x40  # the writer has finished
    assert other.take() == (1, b"12345678")


def test_an_announced_letter_that_was_overwritten_is_not_taken(sides):
    one, other = sides
    for _ in range(SLOTS + 1):
        one.post(b"12345678")
    one._words[0] = 1  # what a reader saw that then slept while all slots were written anew
    assert other.take() is None


def test_closing_may_be_repeated_and_leaves_the_other_side_alone(sides):
    one, other = sides
    one.post(b"12345678")
    one.close()
    one.close()
    assert other.take() == (1, b"12345678")


def test_two_processes_never_tear_a_letter(writer):
    with Mailbox(SIZE) as box:
        process = writer(box)
        taken, last = 0, 0
        while taken < 200:
            letter = box.take()
            if letter is None:
                assert process.poll() is None
                continue
            numbers = set(struct.unpack(f"={SIZE // 8}Q", letter.content))
            assert numbers == {letter.number}, "one letter is all of one number"
            assert letter.number > last, "never an older one"
            taken, last = taken + 1, letter.number


def test_a_writer_killed_at_any_moment_leaves_the_last_whole_letter(writer):
    for _ in range(5):
        with Mailbox(SIZE) as box:
            process = writer(box)
            while box.take() is None:
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
            while (letter := box.take()) is not None:
                assert set(struct.unpack(f"={SIZE // 8}Q", letter.content)) == {letter.number}

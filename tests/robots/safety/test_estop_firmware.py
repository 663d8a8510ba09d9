"""The reference firmware, compiled for this computer with an Arduino's functions in place of the board's."""

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

from robots.safety.estop import parse

SKETCH = Path(__file__).parents[3] / "launch" / "estop" / "estop.ino"
BOARD = r"""
#include <cstdio>
typedef unsigned char byte;
const int HIGH = 1, LOW = 0, INPUT_PULLUP = 2;
static unsigned long milliseconds = 0;
static int pin_mode = -1, contact = LOW;
static long baud = 0;
static unsigned long millis() { return milliseconds; }
static void pinMode(int, int mode) { pin_mode = mode; }
static int digitalRead(int) { return contact; }
struct Port {
  void begin(long rate) { baud = rate; }
  void print(const char *text) { printf("%lu %s", milliseconds, text); }
} Serial;
#include "SKETCH"
int main() {
  setup();
  if (pin_mode != INPUT_PULLUP || baud != 115200) return 1;
  for (milliseconds = 1; milliseconds < 10000; milliseconds++) {
    contact = milliseconds >= 5005 && milliseconds < 5013 ? HIGH : LOW;  // pressed for 8 ms
    loop();
  }
}
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """``(milliseconds, line)`` of ten seconds with one press."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    directory = tmp_path_factory.mktemp("firmware")
    source, program = directory / "board.cpp", directory / "board"
    source.write_text(BOARD.replace("SKETCH", str(SKETCH)))
    subprocess.run([compiler, "-Wall", "-Werror", "-o", program, source], check=True, timeout=120)
    text = subprocess.run([program], check=True, capture_output=True, text=True, timeout=60).stdout
    return [(int(line.split()[0]), line.split()[1].encode()) for line in text.splitlines()]


def test_every_line_is_a_heartbeat_and_counts_on(said):
    beats = [parse(line) for _, line in said]
    assert None not in beats
    assert [counter for counter, _ in beats] == [number % 256 for number in range(len(beats))]


def test_it_beats_every_20_ms(said):
    times = [moment for moment, _ in said]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) == 20
    assert len(said) == pytest.approx(10000 / 20, abs=4)


def test_a_press_and_its_release_are_said_at_once(said):
    pressed = [moment for moment, line in said if parse(line)[1]]
    assert pressed == [5005]
    assert [moment for moment, line in said if 5005 < moment < 5020 and not parse(line)[1]] == [5013]

"""What this computer grants: cores, clock speed, real-time rights, timers, disk, a clock that is right."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

from daydreamer.doctor.check import Check, Level
from robots.a1.awake import INHIBIT
from robots.a1.servo_process import environment
from robots.a1.ticks import Ticks, percentile
from robots.clock import Clock, MonotonicClock

GROUP = "computer"
LITTLE_DISK, NO_DISK = 5 << 30, 256 << 20  # bytes
LATE = 0.001  # s, p99 of a 500 Hz loop: half a period
TICKS = 200
_TIME_ERROR = 5  # adjtimex: the clock is not synchronised
_TIMEX_BYTES = 512  # more than struct timex has anywhere


def checks(logdir: Path) -> list[Check]:
    """All of them; takes about a second."""
    return [cores(), governor(), realtime(), timer(), clock_source(), wall_clock(), awake(), disk(logdir)]


def cores(count: int | None = None) -> Check:
    """A control loop and a learner on one core are in each other's way."""
    count = count or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 2:
        do = "enough for an actor; let the learner run on another computer"
        return Check(GROUP, "cores", Level.NOTE, f"{count}", do)
    return Check(GROUP, "cores", Level.OK, f"{count}")


def governor(root: Path = Path("/sys/devices/system/cpu")) -> Check:
    """A core that sleeps deeply wakes up late."""
    found = sorted({_text(path) for path in root.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {""})
    if not found:
        return Check(GROUP, "cpu governor", Level.OK, "none to choose here, as in a virtual machine")
    if found == ["performance"]:
        return Check(GROUP, "cpu governor", Level.OK, "performance")
    do = "on a robot's computer: sudo cpupower frequency-set -g performance"
    return Check(GROUP, "cpu governor", Level.NOTE, ", ".join(found), do)


def realtime() -> Check:
    """Asks as the servo asks, in a process of its own, and takes the system's answer."""
    program = "from robots.a1.realtime import ask; print(*map(int, ask(50)))"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        granted = done.stdout.split()
    except (OSError, subprocess.SubprocessError) as error:
        return Check(GROUP, "real time", Level.NOTE, f"could not be tried: {error}")
    missing = [
        name for name, given in zip(("priority", "locked memory"), granted, strict=True) if given == "0"
    ]
    if not missing:
        return Check(GROUP, "real time", Level.OK, "priority and locked memory are granted")
    do = (
        "for a real robot: the lines 'USER - rtprio 60' and 'USER - memlock unlimited' in /etc/security/limits.conf, "
        "then log in again; without them ticks come late on a busy computer"
    )
    return Check(GROUP, "real time", Level.NOTE, f"no {' and no '.join(missing)}", do)


def timer(clock: Clock | None = None) -> Check:
    """How late a 500 Hz loop wakes up now, in this process, with whatever else runs here."""
    ticks = Ticks(clock or MonotonicClock(), 0.002)
    for _ in range(TICKS):
        ticks.wait()
    late = percentile(ticks.late, 99)
    found = (
        f"a 500 Hz loop wakes {1000 * late:.2f} ms late (99 of 100 times less), {ticks.missed} ticks missed"
    )
    if late <= LATE:
        return Check(GROUP, "timer", Level.OK, found)
    do = "quieten the computer or grant real time; `daydreamer bench servo` measures the servo itself"
    return Check(GROUP, "timer", Level.NOTE, found, do)


def clock_source(root: Path = Path("/sys/devices/system/clocksource/clocksource0")) -> Check:
    """A slow clock source makes every look at the clock a trip into the hardware."""
    found = _text(root / "current_clocksource") or "unknown"
    if found in ("hpet", "acpi_pm", "refined-jiffies", "jiffies"):
        do = "reading this clock is slow: boot with tsc=reliable if the processor has a steady TSC"
        return Check(GROUP, "clock source", Level.NOTE, found, do)
    return Check(GROUP, "clock source", Level.OK, found)


def wall_clock() -> Check:
    """Whether someone keeps the date right. No part of learning depends on it; logs of two computers do."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (AttributeError, OSError):
        state = -1
    if state == _TIME_ERROR:
        do = "install chrony or systemd-timesyncd, or the logs of two computers will not fit together"
        return Check(GROUP, "date", Level.NOTE, "not kept by a time service", do)
    return Check(GROUP, "date", Level.OK, "kept by a time service" if state >= 0 else "cannot be asked here")


def awake() -> Check:
    """Whether it can be kept from going to sleep while it drives a robot; asks as the driver does."""
    try:
        done = subprocess.run((*INHIBIT, "true"), capture_output=True, text=True, timeout=10, check=False)
        why = (
            ""
            if done.returncode == 0
            else done.stderr.strip() or f"{INHIBIT[0]} ended with {done.returncode}"
        )
    except (OSError, subprocess.SubprocessError) as error:
        why = str(error)
    if not why:
        return Check(GROUP, "sleep", Level.OK, "it does not go to sleep while it drives a robot")
    do = "for a real robot: switch sleep off in its settings and keep the lid open; asleep it leaves a robot stiff"
    return Check(GROUP, "sleep", Level.NOTE, f"it may go to sleep: {why}", do)


_AS_WHOM = "run the doctor as the user who will run daydreamer"


def disk(logdir: Path) -> Check:
    """Room where the run will be: an hour of a robot takes about 0.1 GiB, checkpoints of a large agent more."""
    try:
        folder = next(place for place in (logdir.absolute(), *logdir.absolute().parents) if place.exists())
    except PermissionError as error:
        return Check(GROUP, "disk", Level.PROBLEM, f"{logdir} cannot be looked at: {error}", _AS_WHOM)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(GROUP, "disk", Level.PROBLEM, f"{folder}: {error}")
    found = f"{free / 2**30:.1f} GiB free at {folder}"
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        return Check(
            GROUP, "disk", Level.PROBLEM, f"nothing can be written to {folder}", "choose another --logdir"
        )
    if free < NO_DISK:
        return Check(
            GROUP, "disk", Level.PROBLEM, found, "make room: rows would wait, then the robot would hold"
        )
    if free < LITTLE_DISK:
        return Check(GROUP, "disk", Level.NOTE, found, "a day of a robot needs about 2.5 GiB")
    return Check(GROUP, "disk", Level.OK, found)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""

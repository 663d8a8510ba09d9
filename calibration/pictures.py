"""Pictures of the poses that a person puts the robot into: ``python -m calibration.pictures OUT.png``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from calibration.session import POSES
from robots.sim.stand_in import StandIn

# In the order in which a whole calibration asks for them, and what happens in each.
ORDER = (
    ("hang", "which joint is which"),
    ("belly", "it stands: which leg is which"),
    ("hang", "again: stops, motors, latency, feet"),
    ("belly", "it stands: feet, and leaning"),
    ("back", ""),
    ("left", ""),
    ("right", ""),
    ("nose-up", ""),
    ("nose-down", ""),
)
WIDTH, HEIGHT, CAPTION = 260, 200, 22  # pixels of one picture, and of what is written below it
COLUMNS = 3
DISTANCE = 1.5  # m, so that all of a robot on its nose is seen


def sheet() -> Any:
    """All poses on one sheet, a PIL image."""
    from PIL import Image, ImageDraw

    rows = -(-len(ORDER) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * WIDTH, rows * (HEIGHT + CAPTION)), "white")
    pen = ImageDraw.Draw(page)
    with StandIn(start="hang", start_jitter=0.0) as robot:
        for number, (name, what) in enumerate(ORDER):
            assert name in POSES
            robot.set_pose(name)
            at = (number % COLUMNS * WIDTH, number // COLUMNS * (HEIGHT + CAPTION))
            page.paste(Image.fromarray(robot.camera(WIDTH, HEIGHT, DISTANCE)), at)
            pen.text(
                (at[0] + 8, at[1] + HEIGHT + 4),
                f"{number + 1}. {name}" + (f" ({what})" if what else ""),
                fill="black",
            )
    return page


if __name__ == "__main__":
    sheet().save(Path(sys.argv[1]))

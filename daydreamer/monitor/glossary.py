"""The text of ``docs/metrics.md``.

To write it: ``python -m daydreamer.monitor.glossary > docs/metrics.md``.
"""

from __future__ import annotations

import sys

from daydreamer.monitor import names, stages

_HEAD = """\
# Metrics

This page is made from the tables in `daydreamer/monitor/names.py` and `stages.py`; a test holds it to them.
To change it, change a table and run `python -m daydreamer.monitor.glossary > docs/metrics.md`.

A run writes them to `metrics.jsonl`, one JSON object per line: `step` (rows collected; gradient steps are
`learner/steps`), `time` (unix seconds) and metrics by name; a number that was not finite is `null`. TensorBoard has
the same names. While an actor is not connected its `actor/` and `link/` names are left out, but for `link/connected`.
With several actors the names without an actor's are of the one heard last, but for `actor/late_ms`, `actor/holding` and
`link/unacked`, the greatest of those connected, `actor/paused`, the least, and `policy/`, of the one furthest behind.

## Names
"""
_STAGES = """
## The words of the terminal

What the robot is doing, and the robot minute at which it first did it, are read off the metrics alone.
Means over 1,000 steps count for a milestone only once the window is full.
"""


def page() -> str:
    """The whole page as Markdown."""
    return f"{_HEAD}\n{names.glossary()}{_STAGES}\n{stages.glossary()}"


if __name__ == "__main__":
    sys.stdout.write(page())

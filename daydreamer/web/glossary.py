"""Writes the tables of charts and alarms into a document: ``python -m daydreamer.web.glossary docs/monitoring.md``.

Each table stands between ``<!-- NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from daydreamer.monitor import alarms
from daydreamer.web import charts


def filled(text: str) -> str:
    """``text`` with its tables as the code has them now."""
    for name, table in (("charts", charts.glossary()), ("alarms", alarms.glossary())):
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda found, table=table: f"{found[1]}\n{table}\n{found[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(filled(document.read_text()))

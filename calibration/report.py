"""One HTML page: what was measured, what passed, and pictures. No scripts and nothing from elsewhere in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from html import escape

import numpy as np

from calibration import svg
from calibration.result import Result

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1d2330;background:#f6f7f9;max-width:1080px;margin:2em auto;padding:0 1em}
section{background:#fff;border:1px solid #dfe3ea;border-radius:10px;padding:1em 1.4em;margin:1.2em 0}
h1{font-size:1.6em;margin-bottom:.2em} h2{margin:.2em 0 .5em} .muted{color:#667085}
table{border-collapse:collapse;margin:.6em 0;width:100%}
td,th{text-align:left;padding:.25em .8em .25em 0;vertical-align:top}
tr+tr td{border-top:1px solid #eef0f4} .n{font-variant-numeric:tabular-nums;white-space:nowrap}
.pass{color:#0a7d43;font-weight:600}.fail{color:#c02b2b;font-weight:600}
.plots{display:flex;flex-wrap:wrap;gap:1em} code{font-size:.85em;word-break:break-word}
"""


Verdict = tuple[
    bool | None, str
]  # whether it passed, None where it was not measured; and how it was measured


def page(
    title: str,
    about: Mapping[str, str],
    verdicts: Mapping[str, Verdict],
    sections: Mapping[str, str],
) -> str:
    """The page as text.

    Args:
        title: of the page.
        about: told at the top.
        verdicts: by the part's name.
        sections: by the part's name, what ``section`` made of it.
    """
    goods = [good for good, _ in verdicts.values()]
    passed = False if False in goods else None if None in goods else True
    facts = " · ".join(f"{escape(name)}: {escape(value)}" for name, value in about.items())
    rows = "".join(
        f"<tr><td><a href='#{name}'>{name}</a></td><td>{_verdict(good)}</td><td>{escape(method)}</td></tr>"
        for name, (good, method) in verdicts.items()
    )
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p class='muted'>{facts}</p>"
        f"<section><h2>{_verdict(passed)}</h2><table>{rows}</table></section>{''.join(sections.values())}</body></html>\n"
    )


def section(name: str, result: Result) -> str:
    """What the page says of one part."""
    checks = "".join(
        f"<tr><td>{_verdict(check.passed)}</td><td>{escape(check.name)}</td><td class='n'>{check.value:.4g} "
        f"{escape(check.unit)}</td><td class='n'>at most {check.bound:.4g}</td>"
        f"<td>{'' if check.passed else escape(check.advice)}</td></tr>"
        for check in result.checks
    )
    values = "".join(
        f"<tr><td>{escape(one.name)}</td><td><code>{_numbers(getattr(result.values, one.name))}</code></td></tr>"
        for one in fields(result.values)
    )
    plots = "".join(svg.draw(plot) for plot in result.plots)
    notes = "".join(f"<p>{escape(note)}</p>" for note in result.notes)
    return (
        f"<section id='{name}'><h2>{escape(name)} {_verdict(result.passed)}</h2>"
        f"<p class='muted'>{escape(result.method)}</p>{notes}<table>{checks}</table>"
        f"<div class='plots'>{plots}</div><table>{values}</table></section>"
    )


def _verdict(passed: bool | None) -> str:
    if passed is None:
        return "<span class='muted'>○ to be measured</span>"
    return "<span class='pass'>✓ pass</span>" if passed else "<span class='fail'>✗ fail</span>"


def _numbers(value: object) -> str:
    return ", ".join(f"{number:.5g}" for number in np.atleast_1d(np.asarray(value, float)))

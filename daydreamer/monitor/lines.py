"""Rows of text for rich, as all parts of the panel draw them."""

from __future__ import annotations

from rich.text import Text


def line(*parts: tuple[str, str]) -> Text:
    """One row of (words, style): never wrapped, cut with an ellipsis where the window is too narrow."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for words, style in parts:
        text.append(words, style)
    return text


def heading(words: str, width: int) -> Text:
    """A rule over ``width`` columns with ``words`` in it."""
    return line((f"─ {words} ".ljust(width, "─"), "dim"))

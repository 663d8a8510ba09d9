"""Replay in other programs' formats, and back."""

"""Errors that a person can act on. Each text says what was expected, what came, and what to do."""

from __future__ import annotations


class DaydreamerError(Exception):
    """Base of every error that is reported to a person without a traceback.

    Attributes:
        exit_code: Of a process that it ends; 2: it would fail again in the same way.
    """

    exit_code = 2


class SpecMismatch(DaydreamerError):
    """Data does not fit its spec: wrong keys, shape, dtype, or a number out of range."""


class Corrupt(DaydreamerError):
    """A file or a message cannot be trusted: torn, truncated, or not ours."""


class Refused(DaydreamerError):
    """The other side refused: another schema, other specs, or a key it does not know."""


class CheckpointError(DaydreamerError):
    """A checkpoint cannot be read. Training never goes on from random weights instead."""


class Unsaved(DaydreamerError):
    """The disk refused what was to be saved at the end. Another attempt may find room."""

    exit_code = 1

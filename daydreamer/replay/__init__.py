"""Every row ever received, on disk in segments, and the sampler of [B, T] chunks."""

from daydreamer.replay.directory import at_rest
from daydreamer.replay.errors import ReplayEmpty, ReplayGap, ReplayLocked
from daydreamer.replay.replay import Replay

__all__ = ["Replay", "ReplayEmpty", "ReplayGap", "ReplayLocked", "at_rest"]

"""Dreamer: a world model (RSSM) learnt from replay, and a policy learnt in its imagination."""

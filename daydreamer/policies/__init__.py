"""Policies that are shipped, NAME.onnx, each with its score card, NAME.json; see ``daydreamer play``."""

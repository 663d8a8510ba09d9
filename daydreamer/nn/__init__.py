"""Torch building blocks: layers, latents, output distributions, normalisers, and the way to ONNX."""

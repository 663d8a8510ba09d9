"""Robots: one small protocol, its drivers, and the stand-ins that answer like them."""

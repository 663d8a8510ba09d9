"""The Unitree A1: its figures, its legs, and its drivers."""

"""Guided measurements that make a robot's sensors tell the truth; none is written yet, see README.md."""

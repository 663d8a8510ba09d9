"""Guided measurements that make a robot's sensors tell the truth; see README.md."""

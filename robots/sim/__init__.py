"""The stand-in: an A1 in PyBullet that answers as the robot does, in its own time."""

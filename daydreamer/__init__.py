"""Robots that learn in the real world: an actor on the robot, a learner beside it, a world model between."""

__version__ = "0.1.0"

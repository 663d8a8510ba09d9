"""Faults on purpose: what the job of an actor and a learner does when anything between or under them breaks."""

"""The two programs and what surrounds them: actor, learner, checkpoints, supervision, evaluation."""

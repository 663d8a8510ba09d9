"""Model-free learning: an actor and critics learnt from replayed transitions; SAC and DroQ are configurations of it."""

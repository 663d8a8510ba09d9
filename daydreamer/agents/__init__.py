"""Learning methods. Each is handed batches and gives metrics and a policy; none knows robots or networks."""

"""What a robot is asked to do: observations, actions and rewards of each task."""

"""A robot and a task become an environment: observations, rewards and actions at a fixed rate."""

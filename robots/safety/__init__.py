"""Safety: what may reach a motor, and what happens when something is wrong."""

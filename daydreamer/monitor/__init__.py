"""What people see: metric names, writers, the terminal panel, and a reader that follows a metrics file."""

"""The command line: one file per sub-command; the only place that prints."""

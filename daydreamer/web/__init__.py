"""The page: a small web server that shows a run and passes on what a person asks of the robot."""

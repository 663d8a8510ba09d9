"""Named jobs: one file per robot and task, and how to make what they describe."""

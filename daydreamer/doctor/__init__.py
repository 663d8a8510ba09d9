"""What `daydreamer doctor` looks at: one small check each, with what was found and what to do about it."""

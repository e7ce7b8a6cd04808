"""Where tempo, start and stop come from."""

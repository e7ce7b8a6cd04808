"""A player's own files made ready to learn from: read, put on the grid, grouped by likeness, and split."""

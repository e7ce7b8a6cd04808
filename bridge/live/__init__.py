"""A session in real time: threads, signals, and what people read meanwhile."""

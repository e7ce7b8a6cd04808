"""The sans-IO heart of a session: events in, timed messages out."""

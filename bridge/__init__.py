"""Time, sync, ports, scheduling, the live session and the root of the command line."""

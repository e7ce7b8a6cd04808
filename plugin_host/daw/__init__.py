"""The files that live inside each host, and how they get there."""

"""The session as a page in the browser: a process of its own that shows what the sender let out, and takes settings."""

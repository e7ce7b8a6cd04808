"""The same engine under virtual time, for files and tests."""

"""A take of the session as a MIDI file, safe from whatever ends the session."""

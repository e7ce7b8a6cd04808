"""Where notes come from and where chords go: MIDI, OSC, and memory for tests."""

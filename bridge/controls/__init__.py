"""What a player can set: one table for option, OSC address, MIDI controller and page."""

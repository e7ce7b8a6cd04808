"""A small process that owns the MIDI ports we play to, and ends what sounds there should the bridge be killed."""

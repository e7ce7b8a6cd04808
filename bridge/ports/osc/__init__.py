"""OSC over UDP, in and out: the namespace of `docs/osc.md`, its clients, OSCQuery, and the dialects of hosts."""

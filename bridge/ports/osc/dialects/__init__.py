"""What hosts say of their transport over OSC, each in its own dialect, as host reports."""

"""The commands that play: `gapt accompany` and `gapt jam`."""

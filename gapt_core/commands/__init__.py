"""The commands that measure and compare: heavy libraries are imported inside them."""

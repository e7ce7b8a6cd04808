"""Readers that bring songs in, and the writer that takes duets out."""

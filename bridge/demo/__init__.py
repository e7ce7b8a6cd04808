"""A player made of a file: for a first hearing without any device."""

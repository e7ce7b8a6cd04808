"""The nets. Importing this package imports torch; nothing in the bridge process may."""

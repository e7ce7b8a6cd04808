"""Errors of this package."""

from presets.errors import GaptError


class BridgeError(GaptError):
    """A port, a clock or a session cannot start or go on."""

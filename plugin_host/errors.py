"""Errors of this package."""

from presets.errors import GaptError


class HostError(GaptError):
    """The policy's process cannot start or has given up."""

"""Errors of this package."""

from presets.errors import GaptError


class HostError(GaptError):
    """The policy's process cannot start or has given up."""


class ProtocolError(HostError):
    """The bridge and the policy's process do not understand each other."""


class WorkerLost(HostError):
    """The policy's process died or does not listen any more; it will be started anew."""

"""Settings for the whole suite."""

from hypothesis import settings

# No deadline: a first call of a numba kernel compiles it, and the machine may be busy.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

"""The root of every error a user can cause, and the errors of this package."""


class GaptError(Exception):
    """Something the user can put right: one sentence that ends in the way out.

    The command line shows the sentence and exits with code 2, without a traceback.
    """


class PresetError(GaptError):
    """A preset is missing, damaged or of a version this program does not read."""

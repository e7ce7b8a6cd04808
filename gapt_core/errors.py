"""Errors of this package."""

from presets.errors import GaptError


class CoreError(GaptError):
    """Base of what can go wrong with songs, corpora, training and evaluation."""


class SongError(CoreError):
    """A file cannot be read as a song, or a song cannot be written."""


class ChordNameError(CoreError):
    """A chord symbol is not understood."""


class TrainingError(CoreError):
    """A training run cannot start or go on."""


class EvaluationError(CoreError):
    """What a policy plays cannot be measured, or a measurement cannot be read."""


class ExportError(CoreError):
    """Weights cannot become a preset, or a preset's step cannot be compiled."""

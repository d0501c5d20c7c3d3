"""Errors of training that the user can act on."""

from chalicelib.errors import NegatoscopeError


class TrainingError(NegatoscopeError):
    """The data or the arguments do not allow training; the message says what to do."""


class FileMissing(TrainingError):
    """A file or object does not exist, or no longer exists."""

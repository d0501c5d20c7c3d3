"""What can go wrong in training in a way the person who started it can act on."""

from chalicelib.errors import NegatoscopeError


class TrainingError(NegatoscopeError):
    """The data or the arguments do not allow training; the message says what to do."""

"""Values that are read from the data bucket and used for a minute."""

import time
from collections.abc import Callable

from chalicelib.storage.errors import StorageFailed

FRESH_SECONDS = 60.0
"""How long a value is used: a change takes effect everywhere within a minute, and a busy Lambda reads one
small object per minute."""


class Fresh[Value]:
    """A value, at most a minute old."""

    def __init__(self, read: Callable[[], Value], clock: Callable[[], float] = time.time):
        """Nothing is read before the value is needed.

        Args:
            read: reads the value.
            clock: the time in seconds. A monotonic clock may stop while a Lambda is frozen.
        """
        self._read = read
        self._clock = clock
        self._known: tuple[float, Value] | None = None

    def get(self) -> Value:
        """The value.

        Raises:
            StorageFailed: if it cannot be read, and has never been read.
        """
        if self._known:
            read_at, value = self._known
            if 0 <= self._clock() - read_at < FRESH_SECONDS:
                return value
        return self.refresh()

    def refresh(self) -> Value:
        """The value as it is now, or the last one known if it cannot be read.

        Raises:
            StorageFailed: if it has never been read.
        """
        now = self._clock()
        try:
            value = self._read()
        except StorageFailed:
            if self._known is None:
                raise
            value = self._known[1]
        self._known = now, value
        return value

    def replace(self, value: Value) -> None:
        """Use a value that was just written."""
        self._known = self._clock(), value
